"""That the harness sees what a process does, kills it there, and does not overlook a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resources.ledger import Ledger
from resources.spool import write_durably
from resources.store.s3 import S3Store
from tests.chain import FEED
from tests.crash.account import DayAccount, complaints
from tests.crash.children import ChildFailed, WasKilled, in_child
from tests.crash.conftest import NOON
from tests.crash.effects import LEDGER_FILE, Edge, Effect, Kind, Observer, Point
from tests.crash.plans import small_rows
from tests.crash.rig import Rig

CREATED = Effect(Kind.CREATE, "spool/a.txt", 1)
COMMITTED = Effect(Kind.LEDGER_COMMIT, "intervals", 1)
STORED = Effect(Kind.S3_REQUEST, "PUT raw/a If-None-Match", 1)
MOVED = Effect(Kind.RENAME, "spool/a.txt", 1)
REMOVED = Effect(Kind.UNLINK, "b.txt", 1)
EFFECTS = [
    CREATED,
    Effect(Kind.FSYNC, "spool/a.txt", 1),
    Effect(Kind.FSYNC, "spool", 1),
    COMMITTED,
    STORED,
    MOVED,
    REMOVED,
]


@pytest.fixture
def work(rig: Rig, s3_prefix: str, tmp_path: Path) -> Callable[[], None]:
    """One side effect of each kind."""
    _ledger(tmp_path, s3_prefix).migrate()
    (tmp_path / "spool").mkdir()

    def work() -> None:
        ledger = _ledger(tmp_path, s3_prefix)
        write_durably(tmp_path / "spool" / "a.txt", b"a fetch")
        ledger.open_interval(FEED, NOON.utc, "simulated")
        store = replace(rig.observed[1], prefix=s3_prefix)
        store.put_new("raw/a", b"a fetch")
        assert [item.key for item in store.list("raw/")] == ["raw/a"]
        (tmp_path / "spool" / "a.txt").rename(tmp_path / "b.txt")
        (tmp_path / "b.txt").unlink()

    return work


def _ledger(home: Path, prefix: str) -> Ledger:
    return Ledger(f"sqlite:///{home / LEDGER_FILE}", prefix)


def _done(rig: Rig, home: Path, prefix: str) -> dict[Kind, bool]:
    """Which of the effects of `work` the world shows."""
    ours: S3Store = replace(rig.ours, prefix=prefix)
    return {
        Kind.CREATE: any(home.glob("spool/a.txt")) or (home / "b.txt").exists(),
        Kind.LEDGER_COMMIT: in_child(lambda: _intervals(home, prefix)) == 1,
        Kind.S3_REQUEST: len(list(ours.list(""))) == 1,
        Kind.RENAME: (home / "b.txt").exists(),
    }


def _intervals(home: Path, prefix: str) -> int:
    day = NOON.day
    return len(_ledger(home, prefix).intervals(FEED, day.start, day.end))


def test_every_side_effect_is_listed_in_its_order(
    work: Callable[[], None], rig: Rig, s3_prefix: str, tmp_path: Path
) -> None:
    observer = rig.proxy.observer = Observer(tmp_path, s3_prefix)
    in_child(work, observer)
    assert observer.effects == observer.done == EFFECTS
    assert rig.proxy.reads["GET"] >= 1


@pytest.mark.parametrize("effect", [CREATED, COMMITTED, STORED, MOVED], ids=str)
@pytest.mark.parametrize("edge", Edge)
def test_before_an_effect_it_has_not_happened_and_after_it_it_has(
    effect: Effect,
    edge: Edge,
    work: Callable[[], None],
    rig: Rig,
    s3_prefix: str,
    tmp_path: Path,
) -> None:
    observer = rig.proxy.observer = Observer(tmp_path, s3_prefix, Point(effect, edge))
    with pytest.raises(WasKilled):
        in_child(work, observer)

    place = EFFECTS.index(effect)
    until = place + 1 if edge is Edge.AFTER else place
    assert observer.done == EFFECTS[:until]
    done = _done(rig, tmp_path, s3_prefix)
    assert {kind for kind, is_done in done.items() if is_done} == {
        each.kind for each in EFFECTS[:until] if each.kind in done
    }


@pytest.mark.parametrize(("lines", "reached"), [(1, 4), (1_000_000, len(EFFECTS))])
def test_a_process_dies_so_many_lines_after_an_effect_and_at_its_end_at_the_latest(
    lines: int,
    reached: int,
    work: Callable[[], None],
    rig: Rig,
    s3_prefix: str,
    tmp_path: Path,
) -> None:
    point = Point(COMMITTED, Edge.AFTER, lines)
    observer = rig.proxy.observer = Observer(tmp_path, s3_prefix, point)
    with pytest.raises(WasKilled):
        in_child(work, observer)
    assert observer.done == EFFECTS[:reached]


def test_what_a_child_says_comes_back() -> None:
    def fails() -> None:
        raise ZeroDivisionError("a mistake in this child")

    assert in_child(lambda: {"numbers": [1, 2]}) == {"numbers": [1, 2]}
    with pytest.raises(ChildFailed, match="a mistake in this child"):
        in_child(fails)


# --- the account ---------------------------------------------------------------------------------

NUMBERS = [NOON.later(passed).number for passed in range(3)]
WELL = DayAccount(
    landed=frozenset(NUMBERS),
    missed={},
    silent=[],
    rows=small_rows(NOON.day, NUMBERS),
    findings=[],
    pending=[],
    kept_beside=[],
    torn=[],
    left_behind=[],
)
FIRST = NUMBERS[0]
HEADS = "football/heads"


def wrong(found: DayAccount) -> list[str]:
    rows = small_rows(NOON.day, found.landed)
    return complaints(found, rows, landed=set(NUMBERS))


def test_a_day_that_is_well_is_not_complained_of() -> None:
    assert wrong(WELL) == []


def test_a_minute_of_which_nobody_had_anything_may_be_missed() -> None:
    fewer = frozenset(NUMBERS[1:])
    found = replace(
        WELL, landed=fewer, missed={FIRST: "run_died"}, rows=small_rows(NOON.day, fewer)
    )
    rows = small_rows(NOON.day, fewer)
    assert complaints(found, rows, landed=fewer, may_be_missed={FIRST}) == []
    assert [line.partition(":")[0] for line in wrong(found)] == ["lost", "missed without need"]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"silent": [FIRST]},
        {"rows": WELL.rows | {HEADS: WELL.rows[HEADS][1:]}},
        {"rows": WELL.rows | {HEADS: [*WELL.rows[HEADS], WELL.rows[HEADS][-1]]}},
        {"landed": WELL.landed | {NUMBERS[-1] + 1}},
        {"findings": ["heads landed_matches_claimed BAD"]},
        {"pending": ["a claim"]},
        {"kept_beside": [FIRST]},
        {"torn": [FIRST]},
        {"left_behind": ["spool/a.txt"]},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)
def test_whatever_is_wrong_is_said(spoilt: dict[str, Any]) -> None:
    assert wrong(replace(WELL, **spoilt))
