"""The recorded film as a vendor: over HTTP, its last hour again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.film import FIRST_CUT, HOUR
from benchmarks.watched_day import VENDOR_SECRET, VENDOR_USER
from simulator.clock import Clock
from simulator.history import MarketRows
from simulator.recorded import Recorded
from simulator.server import Served, serve
from touchline.day import Minute


@dataclass(frozen=True)
class EveryHour:
    """The film as a source. At the minute `begins` it shows its first cut."""

    film: Recorded
    begins: Minute

    def _moment(self, at: int) -> int:
        passed = (at - int(self.begins.utc.timestamp())) % (HOUR * 60)
        return int(FIRST_CUT.utc.timestamp()) + passed

    def live(self, at: int) -> Sequence[str]:
        return self.film.live(self._moment(at))

    def live_entry(self, match_id: str, at: int) -> bytes:
        return self.film.live_entry(match_id, self._moment(at))

    def recent(self, at: int, since: int | None = None) -> Sequence[str]:
        return self.film.recent(self._moment(at), since)

    def detail(self, match_id: str, at: int) -> bytes | None:
        return self.film.detail(match_id, self._moment(at))

    def odds(self, match_id: str, at: int) -> bytes | None:
        return self.film.odds(match_id, self._moment(at))

    def odds_rows(self, match_id: str, after: int, until: int) -> Sequence[MarketRows]:
        return self.film.odds_rows(match_id, self._moment(after), self._moment(until))

    def teams(self) -> Sequence[str]:
        return self.film.teams()

    def team(self, team_id: str) -> bytes | None:
        return self.film.team(team_id)

    def competitions(self) -> Sequence[str]:
        return self.film.competitions()

    def competition(self, competition_id: str) -> bytes | None:
        return self.film.competition(competition_id)

    def countries(self) -> bytes:
        return self.film.countries()


@contextmanager
def vendor(film: Recorded, begins: Minute) -> Iterator[Served]:
    """The film on a loopback port, its clock to be set to each minute."""
    source, clock = EveryHour(film, begins), Clock(begins.utc)
    with serve(source, user=VENDOR_USER, secret=VENDOR_SECRET, clock=clock) as served:
        yield served
