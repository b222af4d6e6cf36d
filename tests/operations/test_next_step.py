"""What `next:` says, by what the checks found."""

from __future__ import annotations

import pytest

from operations.commands.drift import Drift
from operations.next_step import DayAt, next_step
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.drift import DriftedDay
from touchline.day import Day
from touchline.notices import next_commands

DAY = Day.parse("2025-05-28")
AT = DayAt(DAY, "replay/a b")
RAW, MERGED = "football/raw_fetches", "football/merged"
DRY_RUN = "touchline reprocess --date 2025-05-28 --prefix 'replay/a b' --dry-run"


def report(asset: str, *found: tuple[Kind, int | None]) -> CheckReport:
    made = CheckReport("landed_matches_claimed", asset, DAY)
    for kind, number in found:
        made.found(kind, number, None, "")
    return made


def test_where_nothing_was_found_nothing_helps() -> None:
    assert next_step(AT, [report(RAW), report(MERGED)]) is None


@pytest.mark.parametrize("kind", Kind)
def test_every_finding_has_a_command_that_can_be_pasted(kind: Kind) -> None:
    for number in (None, 7):
        command = next_step(AT, [report(RAW, (kind, number))])
        assert command is not None
        assert command.startswith("touchline ")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        (Kind.REAL_LOSS, DRY_RUN),
        (Kind.TRACKING_ERROR, DRY_RUN),
        (Kind.WINDOW_OVERDUE, DRY_RUN),
        (Kind.FEED_FAILS, "touchline doctor"),
        (Kind.UNCHECKED, "touchline doctor"),
        (Kind.SPOOL_FILLS_UP, "touchline status --prefix 'replay/a b'"),
        (Kind.FEED_FROZEN, "touchline fetch 2025-05-28 7 --prefix 'replay/a b' --pretty"),
        (
            Kind.RETRY_CAP,
            "touchline collect --feed football --date 2025-05-28 --prefix 'replay/a b'",
        ),
        (Kind.SCHEMA_DRIFTS, "touchline quarantine --date 2025-05-28 --prefix 'replay/a b'"),
    ],
)
def test_a_finding_has_its_command(kind: Kind, command: str) -> None:
    assert next_step(AT, [report(RAW, (kind, 7))]) == command


def test_a_prefix_can_be_pasted_wherever_a_command_is_named() -> None:
    drifted = DriftedDay(MERGED, DAY, 1, 1, ("a",), "b")
    found = [*Drift("a b", [drifted], [], [], []).commands, *next_commands({"late"}, DAY, "a b")]
    assert all("--prefix 'a b'" in command for command in found)


def test_what_can_be_repaired_comes_first_and_what_cannot_is_explained() -> None:
    found = [report(RAW, (Kind.FEED_FAILS, 9)), report(MERGED, (Kind.REAL_LOSS, 7))]
    assert next_step(AT, found) == DRY_RUN
    told = "touchline losses --from 2025-05-28 --to 2025-05-28"
    assert next_step(DayAt(DAY, ""), found, {(MERGED, 7)}) == told
