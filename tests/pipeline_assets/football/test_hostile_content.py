"""Whatever the vendor sends of one match, no stage raises, and no other match is touched: it is
stored, shown and alerted as if nothing were wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given

from pipeline_assets.football import (
    merged,
    monitor_central,
    odds_changes,
    pretty_print,
    pretty_print_conversion,
    reference,
    var_incidents,
)
from pipeline_assets.football.alerts.rules import alert_stages
from tests.pipeline_assets.football.examples import content
from tests.pipeline_assets.football.fetches import needs_poll
from tests.pipeline_assets.football.mutator import MutatedPoll, mutated_polls, untouched
from tests.pipeline_assets.odd_json import examples, patience, through
from touchline.fetch import Envelope
from touchline.stage import Stage, Staged

pytestmark = [needs_poll, patience]


def of(staged: Staged[Any], matches: tuple[str, ...]) -> bytes:
    return msgspec.json.encode([r for r in staged.records if r.match_id in matches])


_STAGES = {
    stage.name: stage
    for stage in (merged.stage, odds_changes.stage, reference.stage, var_incidents.stage)
}


@functools.cache
def undisturbed(name: str) -> Staged[Any]:
    stage, raw = _STAGES[name], untouched()
    return through(stage, raw.ref, raw, **({"carried": None} if stage.ordered else {}))


@examples
@given(mutated_polls())
def test_a_hostile_match_costs_no_other_match_its_merged_record(poll: MutatedPoll) -> None:
    staged = through(merged.stage, poll.envelope.ref, poll.envelope)
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
    stage, hostile, good = odds_changes.stage, poll.envelope, untouched()
    fresh = through(stage, hostile.ref, hostile, carried=None)
    assert of(fresh, poll.others) == of(undisturbed("football/odds_changes"), poll.others)

    seen = undisturbed("football/odds_changes").carried
    after = through(stage, hostile.ref, hostile, carried=seen, earlier=lambda _: good)
    assert of(after, poll.others) == b"[]"

    back = through(stage, good.ref, good, carried=after.carried, earlier=lambda _: hostile)
    assert of(back, poll.others) == b"[]"


@examples
@given(mutated_polls())
def test_a_hostile_record_costs_no_other_its_place_among_the_references(poll: MutatedPoll) -> None:
    staged = through(reference.stage, poll.envelope.ref, poll.envelope)
    expected = undisturbed("football/reference")
    assert staged.received == expected.received
    lost = len(expected.records) - len(staged.records)
    assert lost == len(staged.quarantined) <= 3


@examples
@given(mutated_polls())
def test_hostile_incidents_cost_no_other_match_its_var_incidents(poll: MutatedPoll) -> None:
    stage, hostile = var_incidents.stage, poll.envelope
    fresh = through(stage, hostile.ref, hostile, carried=None)
    assert of(fresh, poll.others) == of(undisturbed("football/var_incidents"), poll.others)
    seen = undisturbed("football/var_incidents").carried
    again = through(stage, hostile.ref, hostile, carried=seen)
    assert of(again, poll.others) == b"[]"


# --- from the merged record to the alert ---------------------------------------------------------


def displayed(raw: Envelope) -> Iterator[tuple[Stage[Any], Staged[Any]]]:
    """Each stage after the merge and its work on this fetch, from what the one before stored."""
    joined = merged.merged(raw.ref, raw).records
    reduced = through(pretty_print.stage, raw.ref, joined, raw)
    yield pretty_print.stage, reduced
    converted = through(pretty_print_conversion.stage, raw.ref, reduced.records)
    yield pretty_print_conversion.stage, converted
    monitor = through(monitor_central.stage, raw.ref, converted.records, carried=None)
    yield monitor_central.stage, monitor
    for stage in alert_stages():
        yield stage, through(stage, raw.ref, monitor.records, carried=None)


def fates(staged: Staged[Any], matches: tuple[str, ...]) -> Any:
    """What became of these matches: their records, and why others were dropped."""
    dropped = [(r, m) for r, keys in staged.dropped.items() for m in keys if m in matches]
    return sorted(dropped), of(staged, matches)


@functools.cache
def displayed_undisturbed() -> dict[str, Staged[Any]]:
    return {stage.name: staged for stage, staged in displayed(untouched())}


@examples
@given(mutated_polls())
def test_a_hostile_match_costs_no_other_its_display_nor_its_alerts(poll: MutatedPoll) -> None:
    for stage, staged in displayed(poll.envelope):
        undisturbed = displayed_undisturbed()[stage.name]
        assert fates(staged, poll.others) == fates(undisturbed, poll.others)
        if stage.export is not None:
            msgspec.json.encode(stage.export(poll.envelope.ref, content(staged)))
