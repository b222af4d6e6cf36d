"""A fetch that failed is named at once where the next slot is hours away, and no more after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.feeds.conftest import TUESDAY, of_a_league
from tests.feeds.league import Fetched, League, game_lines, league
from tests.feeds.watched import HOUR, Case, Watched
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.slot import Slot

MORNING = 546
CHECK = (game_lines.name, "feed_is_alive")


class Refused(League):
    """A client that is refused in the morning."""

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        if slot.number != MORNING:
            return super().fetch(slot, previous=previous, ask=ask)
        call = Call("lines", {}, None, 500, error="http_status", detail="no luck")
        footer = {"outcome": "failed", "reason": "http_status"}
        sections = {"RAW_API_DATA": {"lines": call}}
        ref = FetchRef.of(slot, "refused00001")
        return Fetched(write_envelope(ref, sections, footer, start_line=""))


def test_one_failed_fetch_is_named_until_the_next_has_come(
    watch: Callable[[Case], Watched],
) -> None:
    watched = watch(replace(of_a_league(), plan=league(Refused())))
    watched.live_until(TUESDAY.start + 10 * HOUR)
    [said] = watched.findings()[CHECK]
    assert said == "the newest fetch failed, with http_status: no luck"
    watched.live_until(TUESDAY.start + 19 * HOUR)
    assert CHECK not in watched.findings()
