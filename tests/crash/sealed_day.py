"""Flows on a day that has ended: its seal, a backfill of it, its seal again, what is cleared."""

from __future__ import annotations

from pipeline_assets.sealing import SealReport, clear_replaced, seal_day
from pipeline_assets.slot_run import rebuild_day
from tests.chain import FEED, Chain
from tests.crash.flow import Flow, Step
from tests.crash.open_day import LOCK_LASTS, minute, minute_with_a_mistake, unwatched, windows
from touchline.day import Minute

A_DAY = 24 * 60
FETCHED = (0, 1, 10, 11)
NOBODY_CAME = frozenset(range(2, 10))


def seal(chain: Chain, now: Minute) -> None:
    report = _seal(chain, now)
    assert not report.waiting, report.waiting


def seal_if_it_may(chain: Chain, now: Minute) -> None:
    """The day may be locked by one that has died."""
    _seal(chain, now)


def _seal(chain: Chain, now: Minute) -> SealReport:
    with chain.process() as site:
        return seal_day(site, FEED, chain.day, run_id=f"seal-{now}")


def rebuild_sealed(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        rebuild_day(site, FEED, chain.day, run_id=f"rebuild-{now}")


def clear(chain: Chain, now: Minute) -> None:
    with chain.process() as site:
        clear_replaced(site, FEED, run_id=f"clear-{now}")


SEAL = Flow(
    "seal",
    past=(
        *(Step(passed, minute) for passed in FETCHED),
        Step(12, unwatched),
        # One window and its fetch objects; what is left is put into windows by the seal.
        Step(13, windows),
    ),
    dies=Step(A_DAY, seal),
    after=(Step(A_DAY + 10, seal_if_it_may), Step(A_DAY + LOCK_LASTS + 10, seal)),
    landed=frozenset(FETCHED),
    skipped=NOBODY_CAME,
)

SEALED_WITH_A_MISTAKE = (
    *(Step(passed, minute_with_a_mistake) for passed in FETCHED),
    Step(12, unwatched),
    Step(A_DAY, seal),
)
BACKFILL = Flow(
    "backfill of a sealed day",
    past=SEALED_WITH_A_MISTAKE,
    dies=Step(A_DAY + 1, rebuild_sealed),
    after=(
        Step(A_DAY + 2, rebuild_sealed),
        Step(A_DAY + 2 + LOCK_LASTS, rebuild_sealed),
        Step(A_DAY + 3 + LOCK_LASTS, seal),
    ),
    landed=frozenset(FETCHED),
    skipped=NOBODY_CAME,
)
SEAL_AGAIN = Flow(
    "seal again",
    past=(*SEALED_WITH_A_MISTAKE, Step(A_DAY + 1, rebuild_sealed)),
    dies=Step(A_DAY + 2, seal),
    after=(Step(A_DAY + 10, seal_if_it_may), Step(A_DAY + LOCK_LASTS + 10, seal)),
    landed=frozenset(FETCHED),
    skipped=NOBODY_CAME,
)
CLEAR = Flow(
    "clear what a seal replaced",
    past=(*SEAL.past, Step(A_DAY, seal)),
    dies=Step(2 * A_DAY + 1, clear),
    after=(Step(2 * A_DAY + 10, clear), Step(2 * A_DAY + LOCK_LASTS + 10, clear)),
    landed=frozenset(FETCHED),
    skipped=NOBODY_CAME,
)
FLOWS = (SEAL, BACKFILL, SEAL_AGAIN, CLEAR)
