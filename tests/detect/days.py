"""The days that faults are injected into: one that is still watched, and the same one sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from resources.store import Store
from simulator.server import Served
from tests.chain import FEED, NOON, Chain
from tests.crash.world import RollingWorld
from tests.detect.stored import Stored

MATCHES = 12
"""A minute, enough that silence is strange."""
WATCHED = (range(10), range(30, 35))
"""Minutes from noon on: the first ten stand in a window, the others in objects of their own."""
NEXT = WATCHED[-1].stop
A_DAY = 24 * 60


class BusyWorld(RollingWorld):
    """In each minute one match of twelve begins and one has ended."""

    began: int = 0
    """When each period of play is said to have begun (Unix s)."""
    alters: Sequence[Callable[[str, Any], object]] = ()
    """Change what an endpoint says of a match: its details, or its odds by company."""

    def live(self, at: int) -> Sequence[str]:
        return [f"match-{at // 60 - back}" for back in range(MATCHES)]

    def live_entry(self, match_id: str, at: int) -> bytes:
        entry = msgspec.json.decode(super().live_entry(match_id, at))
        entry["score"][4] = self.began
        return msgspec.json.encode(entry)

    def detail(self, match_id: str, at: int) -> bytes | None:
        return self._altered("match/recent/list", super().detail(match_id, at))

    def odds(self, match_id: str, at: int) -> bytes:
        return self._altered("odds/history", super().odds(match_id, at)) or b""

    def _altered(self, endpoint: str, body: bytes | None) -> bytes | None:
        answer = msgspec.json.decode(body or b"null")
        for alter in self.alters:
            alter(endpoint, answer)
        return body and msgspec.json.encode(answer)


def busy_world() -> BusyWorld:
    return BusyWorld(NOON.later(-MATCHES), MATCHES + 3 * 60)


@dataclass
class Days:
    """Prepares each past once, and gives copies of it. `folder` is removed by whoever made it."""

    access: S3Access
    store: Store
    vendor: Served
    folder: Path
    _open: Chain | None = None
    _sealed: Chain | None = None
    _copies: int = 0

    def copy(self, *, sealed: bool = False) -> tuple[Chain, Stored]:
        past = self._sealed_day() if sealed else self._open_day()
        self._copies += 1
        name = f"copy-{self._copies:03d}"
        copied = past.copy(self.folder / name, name)
        copied.at(NOON.later(4 * A_DAY if sealed else NEXT))
        return copied, Stored(copied.store, copied.home, str(NOON.day))

    def _open_day(self) -> Chain:
        if self._open is None:
            home = self.folder / "open"
            home.mkdir(parents=True)
            chain = Chain(self.access, self.vendor, home, "open", PLANS[FEED], NOON, self.store)
            first, second = WATCHED
            watch(chain, first)
            chain.rotate(first.stop + 3)
            chain.rotate(first.stop + 16)
            watch(chain, second, closed=False)
            chain.at(NOON.later(NEXT))
            self._open = chain
        return self._open

    def _sealed_day(self) -> Chain:
        if self._sealed is None:
            chain = self._open_day().copy(self.folder / "sealed", "sealed")
            chain.unwatch(NEXT)
            chain.rotate(60)
            if waiting := chain.seal(2 * A_DAY).waiting:
                raise RuntimeError(f"the day could not be sealed: {waiting[0]}")
            chain.clear(4 * A_DAY)
            self._sealed = chain
        return self._sealed


def watch(chain: Chain, minutes: range, *, closed: bool = True) -> None:
    with chain.process() as site:
        site.ledger.open_interval(FEED, NOON.later(minutes.start).utc, "simulated")
    for passed in minutes:
        found = [f for check in chain.minute(passed).checks for f in check.findings]
        if found:
            raise RuntimeError(f"the day that is to be spoiled is not well: {found[0]}")
    if closed:
        chain.unwatch(minutes.stop)
