"""Faults that nobody thought of: some asset, some minute, some blow, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from tests.chain import NOON
from tests.detect.days import WATCHED
from tests.detect.fault import Fault, Seen
from tests.detect.injections import one_less
from tests.detect.stored import Stored, Told, cut, flipped

DRAWN = 5
ASSETS = (
    "raw_fetches",
    "merged",
    "pretty_print",
    "pretty_print_conversion",
    "monitor_central",
    "alert_3ou_half",
    "odds_changes",
    "reference",
)
WINDOWED, SINGLES = (tuple(NOON.number + passed for passed in minutes) for minutes in WATCHED)
WITH_ROWS = ("merged", "pretty_print", "pretty_print_conversion", "monitor_central")

Blow = Callable[[Stored, str, int], object]


def _key(stored: Stored, asset: str, number: int) -> str:
    return stored.window(asset, number) if number in WINDOWED else stored.single(asset, number)


def _delete(stored: Stored, asset: str, number: int) -> None:
    stored.delete(_key(stored, asset, number))
    stored.forget_spooled(number)


def _another(stored: Stored, asset: str, number: int) -> None:
    other = SINGLES[SINGLES.index(number) - 1] if number in SINGLES else SINGLES[0]
    stored.put(_key(stored, asset, number), *stored.get(stored.single(asset, other)))


def _row(stored: Stored, asset: str, number: int) -> None:
    stored.rewrite(asset, number, one_less, Told.BYTES)


BLOWS: Mapping[str, Blow] = {
    "deleted": _delete,
    "truncated": lambda stored, asset, n: stored.change(_key(stored, asset, n), cut),
    "a bit flipped": lambda stored, asset, n: stored.change(_key(stored, asset, n), flipped),
    "overwritten with another fetch's": _another,
    "claim of other bytes": lambda stored, asset, n: stored.claim(
        asset, n, etag="0" * 32, verified_etag="0" * 32
    ),
    "claim of another fetch": lambda stored, asset, n: stored.claim(
        asset, n, landed_fetch_id="aN0therFetch"
    ),
    "claim gone": lambda stored, asset, n: stored.sql(
        "DELETE FROM ledger_claims WHERE asset = ? AND number = ?", f"football/{asset}", n
    ),
    "a row dropped": _row,
}


def drawn(seed: int) -> list[Fault]:
    """So many, the same for the same seed. Any finding that speaks of the fetch or its window will
    do: which one is right depends on what was drawn. All are looked for in depth."""
    rng = random.Random(seed)
    return [_one(rng) for _ in range(DRAWN)]


def _one(rng: random.Random) -> Fault:
    blow = rng.choice(sorted(BLOWS))
    asset = rng.choice(WITH_ROWS if blow == "a row dropped" else ASSETS)
    number = rng.choice(SINGLES if blow == "a row dropped" else WINDOWED + SINGLES)

    def inject(stored: Stored, asset: str) -> None:
        BLOWS[blow](stored, asset, number)

    first = (number - 1) // 10 * 10 + 1
    return Fault(
        f"drawn: {blow}, fetch {number}",
        asset,
        "as drawn",
        inject=inject,
        seen=Seen.DEEP,
        about=(number, first) if number in WINDOWED else (number,),
    )
