"""A vendor whose answers follow from the minute alone, whoever asks and whenever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from pipeline_assets.football.quarantine import quarantine_stage
from pipeline_assets.football.raw_fetches import raw_fetches
from pipeline_assets.football.wire.fetched import LIVE
from tests.chain import FEED
from tests.crash.world import live_in
from tests.pipeline_assets.small_plan import HEADS, NEWCOMERS, heads
from tests.schedules.turns import Pause
from touchline.day import Minute
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import Staged


@dataclass(frozen=True)
class Answered:
    envelope: bytes


@dataclass
class Vendor:
    """In each minute one match begins and one has ended. The first fetch of a minute that fails
    brings nothing, and the next one everything."""

    fails: frozenset[Minute] = frozenset()
    captures: Counter[Minute] = field(default_factory=Counter)

    def capture(self, minute: Minute) -> Envelope:
        self.captures[minute] += 1
        nth = self.captures[minute]
        ref = FetchRef(FEED, minute, f"n{minute.number:06d}nth{nth:02d}")
        if minute in self.fails and nth == 1:
            live = Call(LIVE, {}, b"<html>", 502, error="not_json")
            footer = {"outcome": "failed", "reason": "not_json"}
        else:
            entries = [{"id": match} for match in live_in(minute)]
            live = Call(LIVE, {}, msgspec.json.encode({"code": 0, "results": entries}), 200)
            footer = {"outcome": "complete"}
        sections = {"RAW_API_DATA": {"live_matches": live}}
        return Envelope(write_envelope(ref, sections, footer, start_line=""))


@dataclass(frozen=True)
class Client:
    """Asking takes its time: others may go on before and after the vendor looks."""

    vendor: Vendor
    pause: Pause

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Answered:
        self.pause()
        envelope = self.vendor.capture(Minute(slot.at))
        self.pause()
        return Answered(envelope.data)


def plan_of(client: Client, by: Callable[..., Staged[Any]] = heads) -> FeedPlan:
    """Rows of each fetch, rows that depend on the fetches before, and what was set aside."""
    first = replace(HEADS, by=by)
    stages = (first, NEWCOMERS, quarantine_stage(first, NEWCOMERS))
    return FeedPlan((raw_fetches,), stages, lambda *_: client)
