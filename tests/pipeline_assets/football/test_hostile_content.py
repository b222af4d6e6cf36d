"""Whatever the vendor sends of one match, no stage raises and no other match is touched."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from hypothesis import given

from pipeline_assets.football import merged, odds_changes, reference, var_incidents
from resources.parquet import records_of, table_of
from tests.pipeline_assets.football.fetches import needs_poll
from tests.pipeline_assets.football.mutator import (
    MutatedPoll,
    examples,
    mutated_polls,
    patience,
    untouched,
)
from touchline.fetch import Envelope
from touchline.stage import Stage, Staged

pytestmark = [needs_poll, patience]


def through(stage: Stage[Any], raw: Envelope, **state: Any) -> Staged[Any]:
    """The stage's work on a fetch, which must add up and fit its columns."""
    staged = stage.by(raw.ref, raw, **state)
    assert staged.account.conserved
    read_back = records_of(table_of(staged.records, stage.makes), stage.makes)
    assert msgspec.json.encode(read_back) == msgspec.json.encode(staged.records)
    if stage.carries is not None:
        packed = msgspec.msgpack.encode(staged.carried)
        assert msgspec.msgpack.decode(packed, type=stage.carries) == staged.carried
    reasons = {record.reason for record in staged.quarantined}
    assert reasons <= {*stage.reasons}
    return staged


def of(staged: Staged[Any], matches: tuple[str, ...]) -> bytes:
    return msgspec.json.encode([r for r in staged.records if r.match_id in matches])


_STAGES = {
    stage.name: stage
    for stage in (merged.stage, odds_changes.stage, reference.stage, var_incidents.stage)
}


@functools.cache
def undisturbed(name: str) -> Staged[Any]:
    stage = _STAGES[name]
    return through(stage, untouched(), **({"carried": None} if stage.ordered else {}))


@examples
@given(mutated_polls())
def test_a_hostile_match_costs_no_other_match_its_merged_record(poll: MutatedPoll) -> None:
    staged = through(merged.stage, poll.envelope)
    assert staged.received == 3 or poll.victim not in {r.match_id for r in staged.records}
    assert of(staged, poll.others) == _at_their_new_place(poll)


def _at_their_new_place(poll: MutatedPoll) -> bytes:
    """The others' records as without the mutation, but for where their odds stand."""
    offsets = {e.uuid: e.offset for e in poll.envelope.entries("odds/history")}
    records = []
    for record in undisturbed("football/merged").records:
        if record.match_id in poll.others:
            there = msgspec.structs.replace(
                record.odds.raw_odds_data, offset=offsets[record.match_id]
            )
            odds = msgspec.structs.replace(record.odds, raw_odds_data=there)
            records.append(msgspec.structs.replace(record, odds=odds))
    return msgspec.json.encode(records)


@examples
@given(mutated_polls())
def test_a_hostile_history_costs_no_other_match_its_odds_rows(poll: MutatedPoll) -> None:
    fresh = through(odds_changes.stage, poll.envelope, carried=None)
    assert of(fresh, poll.others) == of(undisturbed("football/odds_changes"), poll.others)

    seen = undisturbed("football/odds_changes").carried
    after = through(odds_changes.stage, poll.envelope, carried=seen, earlier=lambda _: untouched())
    assert of(after, poll.others) == b"[]"

    back = through(
        odds_changes.stage, untouched(), carried=after.carried, earlier=lambda _: poll.envelope
    )
    assert of(back, poll.others) == b"[]"


@examples
@given(mutated_polls())
def test_a_hostile_record_costs_no_other_its_place_among_the_references(poll: MutatedPoll) -> None:
    staged = through(reference.stage, poll.envelope)
    expected = undisturbed("football/reference")
    assert staged.received == expected.received
    lost = len(expected.records) - len(staged.records)
    assert lost == len(staged.quarantined) <= 3


@examples
@given(mutated_polls())
def test_hostile_incidents_cost_no_other_match_its_var_incidents(poll: MutatedPoll) -> None:
    fresh = through(var_incidents.stage, poll.envelope, carried=None)
    assert of(fresh, poll.others) == of(undisturbed("football/var_incidents"), poll.others)
    seen = undisturbed("football/var_incidents").carried
    again = through(var_incidents.stage, poll.envelope, carried=seen)
    assert of(again, poll.others) == b"[]"
