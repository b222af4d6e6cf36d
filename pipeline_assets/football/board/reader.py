"""What the board knows of the store: the newest fetch of the display, and its matches' alerts.

One reader serves all viewers. Each look is one listing of what came behind the last fetch; objects
are read when one has landed. Nothing here asks the ledger for anything that the store has, so a
board may stand beside a second copy; and nothing that goes wrong takes the last state away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pipeline_assets.day_state import Cell, cells_of
from pipeline_assets.football import monitor_central, pretty_print_conversion
from pipeline_assets.football.alerts.rules import Fired
from pipeline_assets.football.board.following import Position, read_on
from pipeline_assets.football.board.match import ShownMatch, shown_match
from pipeline_assets.landed_alerts import AlertShown, alerts_of_fetch
from pipeline_assets.minute_state import LEGEND, MinuteState
from pipeline_assets.pages.pictures import HOUR_MINUTES, Box, Clock, Row
from resources.day_index import Place
from resources.day_store import DayStore
from resources.fetch_object import FetchObject
from resources.known_days import days_in_store
from resources.ledger import LedgerUnavailable
from resources.site import Site
from resources.stage_codec import StateNotKept, decode_stage
from resources.store import NotFound
from touchline.day import WINDOW_MINUTES, Day, FetchNumber, Minute, Window
from touchline.errors import Bad, Unavailable, Unreadable
from touchline.fetch import FetchRef
from touchline.outcomes import State
from touchline.stage import ALERT, KIND, OUTCOME, Stage

MONITOR = monitor_central.stage
CONVERTED = pretty_print_conversion.stage
LOOK_BACK = 10
"""So many fetches are tried for one that is no placeholder, and so many days for a fetch."""

Alerts = Mapping[str, tuple[AlertShown, ...]]


@dataclass(frozen=True)
class Seen:
    """The board's state. Everything is that of `fetch`, which is None before the first one.

    `failed` names a newer fetch of which there is no display, and why; `trouble` why the store
    could not be read just now. Both are empty while all is well.
    """

    fetch: FetchRef | None = None
    matches: tuple[ShownMatch, ...] = ()
    alerts: Alerts = field(default_factory=dict)
    """By match."""
    origin: str | None = None
    hour: Row | None = None
    """The last hour, minute by minute; None where the ledger does not tell."""
    failed: str = ""
    trouble: str = ""

    def age_seconds(self, now: datetime) -> float | None:
        """How long ago the minute began of which the board tells; None before the first fetch."""
        if self.fetch is None:
            return None
        return max(0.0, (now - self.fetch.at).total_seconds())


@dataclass
class Reader:
    """Looks at a site for one feed. For one thread; `read` never raises for a store that is away
    or an object that cannot be read."""

    site: Site
    seen: Seen = field(default_factory=Seen)
    _etag: str = ""
    """Of the fetch object that is shown."""
    _passed: dict[str, str] = field(default_factory=dict)
    """Placeholders behind it by ETag, newest first, and what is to be said of them."""
    _hour_of: tuple[str, Minute] | None = None
    """What was shown, and in which minute, when the last hour was read."""
    _alerts_read: dict[str, FetchRef] = field(default_factory=dict)
    """By rule, the last fetch whose alerts are known."""
    _alerts_since: Minute | None = None
    """When the earliest alert was raised that is shown."""
    _outcomes: dict[str, State] = field(default_factory=dict)
    """By alert id, what has been read of how alerts turned out since then."""
    _outcomes_read: Position | None = None

    def read(self) -> Seen:
        try:
            self._look()
        except (Bad, Unavailable) as error:  # It may be well at the next look.
            self.seen = replace(self.seen, trouble=" ".join(str(error).split()))
        else:
            self.seen = replace(self.seen, trouble="")
        return self.seen

    def _look(self) -> None:
        found, failed = self._newest()
        if found is not None:
            self._show(found)
        self.seen = replace(self.seen, failed=failed)
        if self.seen.fetch is not None:
            self._look_at_hour(self.seen.fetch)
            for stage in self.site.stages.values():
                if stage.tags.get(KIND) == ALERT and stage.feed == MONITOR.feed:
                    self._look_for_alerts(stage, self.seen.fetch)
            for stage in self.site.stages.values():
                if stage.tags.get(KIND) == OUTCOME and stage.feed == MONITOR.feed:
                    self._look_at_outcomes(stage, self.seen.fetch)
            self._look_at_deliveries(self.seen.fetch)

    @property
    def _days(self) -> DayStore:
        return self.site.days(MONITOR.feed)

    # --- the display -----------------------------------------------------------------------------

    def _newest(self) -> tuple[FetchObject | None, str]:
        """The newest fetch of the display if it is not the one that is shown, and what is to be
        said of the newest one behind it that failed."""
        today, shown = Day.containing(self.site.clock.now()), self.seen.fetch
        if shown is None:
            known = {today, *days_in_store(self.site, MONITOR.feed)}
            days = sorted((day for day in known if day <= today), reverse=True)[:LOOK_BACK]
        else:
            # A day's last minutes land in the next one.
            days = sorted({shown.day, today}, reverse=True)
        before, self._passed = self._passed, {}
        for day in days:
            for place in self._places(day, shown)[:LOOK_BACK]:
                if shown and place.etag == self._etag:
                    return None, self._failed
                if place.etag in before:
                    self._passed[place.etag] = before[place.etag]
                    continue
                found = self._days.read_place(MONITOR.name, day, place)
                if not found.outcome.is_placeholder:
                    return found, self._failed
                self._passed[place.etag] = f"{found.ref.nyc_timestamp}: {found.outcome}"
        return None, self._failed

    @property
    def _failed(self) -> str:
        return next(iter(self._passed.values()), "")

    def _places(self, day: Day, shown: FetchRef | None) -> list[Place]:
        """What there is of a day, newest first; of the shown one that fetch and what came after."""
        after = None
        if shown is not None and shown.day == day:
            after = shown.number - 1
        places = list(self._days.index(MONITOR.name, day, after=after).places())
        return places[::-1]

    def _show(self, found: FetchObject) -> None:
        records = decode_stage(MONITOR, found.body).records
        kickoffs = self._kickoffs(found.ref)
        at = found.ref.at
        matches = [shown_match(each, kickoffs.get(each.match_id), at) for each in records]
        live = {match.match_id for match in matches}
        self.seen = Seen(
            found.ref,
            tuple(sorted(matches, key=lambda match: match.place)),
            {match: alerts for match, alerts in self.seen.alerts.items() if match in live},
            self.seen.origin or self.site.origin(MONITOR.feed),
            self.seen.hour,
        )
        # Only now: what could not be shown is looked at again.
        self._etag = found.etag or ""

    def _kickoffs(self, ref: FetchRef) -> dict[str, int | None]:
        """Kick-off of each match's period: the display leaves it out."""
        try:
            stored = self._days.read_back(CONVERTED.name, ref.day, ref.number)
            matches = decode_stage(CONVERTED, stored.body).records
        except (NotFound, Unreadable):
            return {}
        scores = ((match.match_id, match.live_data.parsed_score) for match in matches)
        return {name: score.kickoff_timestamp for name, score in scores if score}

    def _look_at_hour(self, fetch: FetchRef) -> None:
        """Once a minute, and when a fetch has landed."""
        now = self.site.clock.now()
        state = (self._etag, Minute.containing(now))
        if state == self._hour_of:
            return
        try:
            hour = last_hour(self.site, MONITOR, fetch, now)
        except LedgerUnavailable:
            hour = None
        self.seen = replace(self.seen, hour=hour)
        self._hour_of = state

    # --- alerts ----------------------------------------------------------------------------------

    def _look_for_alerts(self, stage: Stage, fetch: FetchRef) -> None:
        """What the newest object of a rule carries names every match that has had its alert."""
        read = self._alerts_read.get(stage.name)
        if read and read.minute >= fetch.minute:
            return
        if read and read.day == fetch.day:
            last = read.number
        else:
            first = Window.of(fetch.day, max(1, fetch.number - WINDOW_MINUTES)).first
            last = FetchNumber(first - 1)
        index = self._days.index(stage.name, fetch.day, after=last)
        for place in reversed(list(index.places())):
            found = self._days.read_place(stage.name, fetch.day, place)
            if found.outcome.is_placeholder:
                continue
            try:
                fired = decode_stage(stage, found.body).carried
            except StateNotKept:
                continue
            self._alerts_read[stage.name] = found.ref
            if isinstance(fired, Fired):
                self._add_alerts(stage, fired)
            return

    def _add_alerts(self, stage: Stage, fired: Fired) -> None:
        alerts = dict(self.seen.alerts)
        for match in (each.match_id for each in self.seen.matches):
            known = alerts.get(match, ())
            if match not in fired.at or any(alert.asset == stage.name for alert in known):
                continue
            minute = Minute(datetime.fromtimestamp(fired.at[match], UTC))
            if self._alerts_since is None or minute < self._alerts_since:
                self._alerts_since, self._outcomes_read = minute, Position.before(minute)
            of_fetch = alerts_of_fetch(self.site, stage, minute.day, minute.number)
            ours = tuple(alert for alert in of_fetch if alert.subject_id in (match, None))
            alerts[match] = known + ours
        self.seen = replace(self.seen, alerts=alerts)

    def _look_at_outcomes(self, stage: Stage, fetch: FetchRef) -> None:
        """How each alert has turned out: read on from when the earliest one was raised, while one
        of them has no outcome yet."""
        shown = [alert for alerts in self.seen.alerts.values() for alert in alerts]
        newest = Position(fetch.day, fetch.number)
        if self._outcomes_read is None or self._outcomes_read >= newest:
            return
        if all(alert.state not in (None, State.PENDING) for alert in shown):
            return
        try:
            for table in read_on(self._days, stage, self._outcomes_read, fetch.day):
                for row in table.select(["alert_id", "state"]).to_pylist():
                    self._outcomes[row["alert_id"]] = State(row["state"])
        except Unreadable:
            # Of half of what there is nothing can be said for sure, until there is news of it.
            self._outcomes.clear()
            self._outcomes_read = newest
        states = self._outcomes
        self._retell(lambda alert: replace(alert, state=states.get(alert.alert_id or "")))

    def _look_at_deliveries(self, fetch: FetchRef) -> None:
        """How the delivery of each alert stands; what was known of it where the ledger is away."""
        if not self.seen.alerts:
            return
        days = (fetch.day.shifted(-1), fetch.day)
        try:
            rows = [row for day in days for row in self.site.ledger.match_alerts(day)]
        except LedgerUnavailable:
            return
        states = {row.alert_id: row.state for row in rows}
        self._retell(
            lambda alert: replace(alert, delivery=states.get(alert.alert_id or "", alert.delivery))
        )

    def _retell(self, of: Callable[[AlertShown], AlertShown]) -> None:
        alerts = {match: tuple(map(of, alerts)) for match, alerts in self.seen.alerts.items()}
        self.seen = replace(self.seen, alerts=alerts)


def last_hour(site: Site, stage: Stage, fetch: FetchRef, now: datetime) -> Row | None:
    """The last hour minute by minute, drawn as a report draws its day.

    Of the day of this fetch, up to now or to the day's last fetch; None where the ledger knows
    nothing of it. Reads that hour alone. Raises LedgerUnavailable, StoreError.
    """
    day, minute = fetch.day, Minute.containing(now)
    last = minute.number if minute.day == day else fetch.number
    first = max(1, last - HOUR_MINUTES + 1)
    raw = site.plans[stage.feed].raw_of(stage.name)
    watched = frozenset(slot.number for slot in site.ledger.expected(raw, day, now))
    fetches = site.ledger.fetches(raw.name, day, first, last)
    claims = site.ledger.claims_of(stage.name, day, range(first, last + 1))
    before = (first - 1) // WINDOW_MINUTES * WINDOW_MINUTES
    index = site.days(stage.feed).index(stage.name, day, after=before)
    cells = list(cells_of(day, day.length, watched, fetches, claims, index.numbers, ()))
    boxes = list(_boxes(cells, Clock(day, day.length), first, last))
    return Row("the last hour", HOUR_MINUTES, boxes) if boxes else None


def _boxes(cells: list[Cell], clock: Clock, first: int, last: int) -> Iterator[Box]:
    for number in range(first, last + 1):
        cell = cells[FetchNumber(number) - 1]
        if cell.state is not MinuteState.NOT_EXPECTED:
            said = ": ".join(filter(None, (LEGEND[cell.state], cell.what, cell.why)))
            yield Box(
                HOUR_MINUTES - 1 - last + number, 1, cell.state, f"{clock.at(number)}: {said}"
            )
