"""What every stage set aside, collected."""

from __future__ import annotations

from pipeline_assets.football import merged, odds_changes
from pipeline_assets.football.quarantine import quarantine, quarantine_stage
from tests.pipeline_assets.football.fetches import envelope
from touchline.stage import Reads


def test_every_record_set_aside_is_collected_with_its_stage() -> None:
    raw = envelope([{"id": "a", "score": []}, {"id": None}, {"id": "b"}], odds={"a": [1]})
    by_stage = {
        merged.stage.name: merged.merged(raw.ref, raw).quarantined,
        odds_changes.stage.name: odds_changes.odds_changes(raw.ref, raw, carried=None).quarantined,
        "football/alerts": [],
    }
    staged = quarantine(raw.ref, by_stage)
    assert [(r.stage, r.ordinal, r.key, r.reason) for r in staged.records] == [
        ("football/merged", 0, "a", "bad_score"),
        ("football/merged", 1, None, "no_match_id"),
        ("football/merged", 2, "b", "bad_score"),
        ("football/odds_changes", 0, "a", "malformed_odds"),
    ]
    assert staged.account.conserved
    assert {record.fetch_id for record in staged.records} == {raw.ref.fetch_id}
    assert staged.records[0].raw == '{"id": "a", "score": []}'


def test_the_stage_reads_what_its_inputs_set_aside() -> None:
    stage = quarantine_stage(merged.stage, odds_changes.stage)
    assert stage.inputs == ("football/merged", "football/odds_changes")
    assert stage.reads is Reads.QUARANTINED
    raw = envelope([{}, {}])
    staged = quarantine(raw.ref, {"football/merged": merged.merged(raw.ref, raw).quarantined})
    assert len({stage.key(record) for record in staged.records}) == 2


def test_nothing_set_aside_is_an_empty_result() -> None:
    staged = quarantine(envelope([]).ref, {"football/merged": []})
    assert (staged.records, staged.account.received) == ([], 0)
