"""Whatever the vendor sends of one match, the others are shown and alerted as if nothing were
wrong, from the reduced record to the alert."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given

from pipeline_assets.football import (
    merged,
    monitor_central,
    pretty_print,
    pretty_print_conversion,
)
from pipeline_assets.football.alerts.rules import alert_stages
from resources.parquet import records_of, table_of
from tests.pipeline_assets.football.examples import content
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

pytestmark = needs_poll


def chain(raw: Envelope) -> Iterator[tuple[Stage[Any], Staged[Any]]]:
    """Each stage after the merge and its work on this fetch, from what the one before stored."""
    joined = merged.merged(raw.ref, raw).records
    reduced = through(pretty_print.stage, raw, joined, raw)
    yield pretty_print.stage, reduced
    converted = through(pretty_print_conversion.stage, raw, reduced.records)
    yield pretty_print_conversion.stage, converted
    monitor = through(monitor_central.stage, raw, converted.records, carried=None)
    yield monitor_central.stage, monitor
    for stage in alert_stages():
        yield stage, through(stage, raw, monitor.records, carried=None)


def through(stage: Stage[Any], raw: Envelope, *inputs: Any, **state: Any) -> Staged[Any]:
    staged = stage.by(raw.ref, *inputs, **state)
    assert staged.account.conserved
    assert {record.reason for record in staged.quarantined} <= {*stage.reasons}
    stored = records_of(table_of(staged.records, stage.makes), stage.makes)
    assert msgspec.json.encode(stored) == msgspec.json.encode(staged.records)
    staged.records = stored
    return staged


def fates(staged: Staged[Any], matches: tuple[str, ...]) -> Any:
    """What became of these matches: their records, and why others were dropped."""
    dropped = [(r, m) for r, keys in staged.dropped.items() for m in keys if m in matches]
    records = [record for record in staged.records if record.match_id in matches]
    return sorted(dropped), msgspec.json.encode(records)


@functools.cache
def undisturbed() -> dict[str, Staged[Any]]:
    return {stage.name: staged for stage, staged in chain(untouched())}


@patience
@examples
@given(mutated_polls())
def test_a_hostile_match_costs_no_other_match_anything(poll: MutatedPoll) -> None:
    for stage, staged in chain(poll.envelope):
        assert fates(staged, poll.others) == fates(undisturbed()[stage.name], poll.others)
        if stage.export is not None:
            msgspec.json.encode(stage.export(poll.envelope.ref, content(staged)))
