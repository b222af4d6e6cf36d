"""The football vendor: one fetch, which is everything about all live matches in one minute."""

from __future__ import annotations

import logging
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import anyio
import anyio.to_thread
import httpx

from pipeline_assets.football.client import answers
from pipeline_assets.football.client.odds_quota import ODDS_HISTORY, OddsBudget, OldOdds
from pipeline_assets.football.client.references import ReferenceDesk
from pipeline_assets.football.wire import IN_PLAY, status_breakdown
from resources.vendor.http import CallError, HttpSettings, VendorClient, skew_seconds
from resources.vendor.quota import Budget, Quota
from resources.vendor.reference_cache import Entries, ReferenceCache
from touchline.accounting import Outcome, sha256_hex
from touchline.clock import Clock
from touchline.day import new_york_text
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.masking import Mask
from touchline.slot import Slot

__all__ = ["CallError", "FeedSettings", "FetchedMinute", "FootballFeed"]

logger = logging.getLogger(__name__)

LIVE_LIST = "match/detail_live"
MATCH_DETAILS = "match/recent/list"
TEAM = "team/additional/list"
COMPETITION = "competition/additional/list"
COUNTRIES = "country/list"

START_LINE = "=== RAW API DATA START ==="
END_LINE = "=== RAW API DATA END ==="


@dataclass(frozen=True, kw_only=True)
class FeedSettings(HttpSettings):
    """The football vendor's URL up to and with `/v1/football/`, its credentials and limits."""

    user: str = field(repr=False)
    secret: str = field(repr=False)
    odds_calls_per_minute: int = 120
    odds_wait_seconds: float = 15.0
    """How long a fetch may wait for the odds budget; then it carries old odds on."""
    team_hours: float = 24.0
    competition_hours: float = 24.0
    country_hours: float = 168.0
    cache_seconds: float = 5.0
    """How long reading or writing the reference cache may hold up a fetch."""
    failure_memory_seconds: float = 30.0
    """How long a team or the like that could not be had is not asked for again: less than a
    minute, so that every minute asks, and a fetch that ran late does not double the load."""


@dataclass(frozen=True)
class FetchedMinute:
    """What a fetch brought. `calls` counts the failed ones by their error code."""

    ref: FetchRef
    envelope: bytes
    outcome: Outcome
    reason: str | None
    started_at: datetime
    ended_at: datetime
    clock_skew_seconds: float | None
    calls: Counter[str]


class FootballFeed:
    """Fetches a minute: the live list, details and odds of every match, and what they refer to."""

    name = "football"

    def __init__(
        self,
        settings: FeedSettings,
        *,
        clock: Clock,
        quota: Quota,
        cache: ReferenceCache,
        new_id: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._quota = quota
        self._cache = cache
        self._new_id = new_id
        self._credentials = {"user": settings.user, "secret": settings.secret}
        self._mask = Mask(self._credentials, public=settings.url)

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> FetchedMinute:
        """Fetch everything now, for this slot; `previous` is the fetch from which odds beyond the
        quota come.

        `ask` are ids of matches whose details are wanted though the live list may have lost them.
        They are details like any other; a match counts as fetched by being in the list alone.

        Never raises because of the vendor: a list that cannot be had is the outcome `failed`, any
        other call an error record in the envelope and the outcome `partial`.
        """
        return anyio.run(self._fetch, slot, previous, ask)

    def probe(self) -> Call:
        """One call of the live list, as a fetch makes it first: what comes of the address and the
        credentials. `error` is None where they serve."""
        return anyio.run(self._probe)

    async def _probe(self) -> Call:
        async with self._client() as client:
            return _of_matches(await client.get(LIVE_LIST, {}))[0]

    def _client(self) -> VendorClient:
        return VendorClient(
            self._settings,
            credentials=self._credentials,
            mask=self._mask,
            judge=answers.judge,
            clock=self._clock,
        )

    async def _fetch(
        self, slot: Slot, previous: Envelope | None, ask: Sequence[str]
    ) -> FetchedMinute:
        ref = FetchRef.of(slot, self._new_id())
        started_at, began = self._clock.now(), time.monotonic()
        async with self._client() as client:
            live, kept = await self._live_list(client)
            live, matches = _of_matches(live)
            desk = ReferenceDesk(
                client,
                kept,
                time_to_live=self._time_to_live(),
                failure_memory=timedelta(seconds=self._settings.failure_memory_seconds),
                ref=ref,
                clock=self._clock,
            )
            asked = _Asked(live)
            if matches:
                asked.details, asked.odds = await self._matches(client, matches, previous)
                await self._references(desk, asked)
            if matches is not None:
                listed = {match.match_id for match in matches}
                left = answers.distinct(match_id for match_id in ask if match_id not in listed)
                asked.details += await self._left(client, left)
        seconds = time.monotonic() - began
        fetched = self._written(ref, asked, matches, previous, started_at, seconds)
        with anyio.move_on_after(self._settings.cache_seconds) as stored:
            store = partial(self._cache.store, desk.learned, now=fetched.ended_at)
            await anyio.to_thread.run_sync(store, abandon_on_cancel=True)
        if stored.cancelled_caught:
            logger.warning("the reference cache takes too long to write: going on without it")
        return fetched

    async def _live_list(self, client: VendorClient) -> tuple[Call, Entries]:
        """The live list, and what the reference cache holds, read meanwhile."""
        kept: Entries = {}

        async def load() -> None:
            nonlocal kept
            with anyio.move_on_after(self._settings.cache_seconds) as loaded:
                kept = await anyio.to_thread.run_sync(self._cache.load, abandon_on_cancel=True)
            if loaded.cancelled_caught:
                logger.warning("the reference cache takes too long to read: asking anew")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load)
            live = await client.get(LIVE_LIST, {})
        return live, kept

    async def _matches(
        self,
        client: VendorClient,
        matches: list[answers.LiveMatch],
        previous: Envelope | None,
    ) -> tuple[list[Call], list[Call]]:
        """Details and odds of every distinct match, in the order of the live list."""
        settings = self._settings
        # Without the credentials: the budget of one host is the budget of one account.
        host = httpx.URL(settings.url).netloc.decode()
        budget = Budget(f"{ODDS_HISTORY} {host}", settings.odds_calls_per_minute)
        turns = OddsBudget(self._quota, budget, self._clock, settings.odds_wait_seconds)
        details: dict[str, Call] = {}
        odds: dict[str, Call] = {}

        async def ask_details(match_id: str) -> None:
            details[match_id] = await client.get(MATCH_DETAILS, {"uuid": match_id})

        async def ask_odds(match_id: str) -> None:
            odds[match_id] = await client.get(
                ODDS_HISTORY, {"uuid": match_id}, admission=turns.admit
            )

        ids = answers.distinct(match.match_id for match in matches)
        carried = OldOdds(previous, self._clock.now())
        async with anyio.create_task_group() as tasks:
            for match_id in answers.odds_order(matches, carried.answered):
                tasks.start_soon(ask_odds, match_id)
            for match_id in ids:
                tasks.start_soon(ask_details, match_id)
        return (
            [details[match_id] for match_id in ids],
            [carried.instead_of(odds[match_id]) for match_id in ids],
        )

    async def _left(self, client: VendorClient, match_ids: Sequence[str]) -> list[Call]:
        """Details of matches that have left the live list; nothing else of them is wanted."""
        found: dict[str, Call] = {}

        async def ask(match_id: str) -> None:
            found[match_id] = await client.get(MATCH_DETAILS, {"uuid": match_id})

        async with anyio.create_task_group() as tasks:
            for match_id in match_ids:
                tasks.start_soon(ask, match_id)
        return [found[match_id] for match_id in match_ids]

    async def _references(self, desk: ReferenceDesk, asked: _Asked) -> None:
        """Every team and competition that the details name, those into which they were merged, and
        the countries they belong to."""
        named = [
            answers.references(call.body, call.params["uuid"])
            for call in asked.details
            if call.error is None and call.body is not None
        ]
        teams = answers.distinct(i for one in named for i in (one.home_team_id, one.away_team_id))
        competitions = answers.distinct(one.competition_id for one in named)
        wanted = [(TEAM, i) for i in teams] + [(COMPETITION, i) for i in competitions]
        if wanted:
            wanted.append((COUNTRIES, ""))
        found = await desk.get_all(wanted)
        asked.teams, asked.competitions, asked.countries = (
            [found[key] for key in sorted(found) if key[0] == kind]
            for kind in (TEAM, COMPETITION, COUNTRIES)
        )

    def _time_to_live(self) -> dict[str, timedelta]:
        return {
            TEAM: timedelta(hours=self._settings.team_hours),
            COMPETITION: timedelta(hours=self._settings.competition_hours),
            COUNTRIES: timedelta(hours=self._settings.country_hours),
        }

    def _written(
        self,
        ref: FetchRef,
        asked: _Asked,
        matches: list[answers.LiveMatch] | None,
        previous: Envelope | None,
        started_at: datetime,
        seconds: float,
    ) -> FetchedMinute:
        ended_at = self._clock.now()
        errors = Counter(call.error for call in asked.calls() if call.error is not None)
        skew = _median_skew(asked.calls())
        if matches is None:
            outcome, reason = Outcome.FAILED, asked.live.error
        else:
            outcome, reason = Outcome.PARTIAL if errors else Outcome.COMPLETE, None
        statuses = None if matches is None else _statuses(matches)
        live_sha256 = None if asked.live.body is None else sha256_hex(asked.live.body)
        footer = {
            "fetch_number": ref.number,
            "random_fetch_id": ref.fetch_id,
            "nyc_timestamp": new_york_text(ended_at),
            "pipeline_completion_time_seconds": round(seconds, 3),
            "fetch_end": END_LINE,
            "total_matches": None if matches is None else sum(m.is_counted for m in matches),
            "matches_in_play": None if statuses is None else sum(s in IN_PLAY for s in statuses),
            "match_status_breakdown": None if statuses is None else status_breakdown(statuses),
            "outcome": outcome,
            "reason": reason,
            "calls_failed": dict(sorted(errors.items())),
            "clock_skew_seconds": skew,
            "live_sha256": live_sha256,
            "live_unchanged_fetches": _unchanged(live_sha256, previous),
        }
        logger.info(
            "football #%d %s: %s%s, %s matches, %d calls answered, failed %s, %.1f s",
            ref.number,
            ref.fetch_id,
            outcome,
            f" ({reason})" if reason else "",
            footer["total_matches"],
            sum(call.error is None and call.carried_from is None for call in asked.calls()),
            footer["calls_failed"] or "none",
            seconds,
        )
        return FetchedMinute(
            ref,
            write_envelope(ref, asked.sections(), footer, start_line=START_LINE),
            outcome,
            reason,
            started_at,
            ended_at,
            skew,
            errors,
        )


@dataclass
class _Asked:
    """The calls of one fetch by their place in the envelope."""

    live: Call
    details: list[Call] = field(default_factory=list)
    odds: list[Call] = field(default_factory=list)
    teams: list[Call] = field(default_factory=list)
    competitions: list[Call] = field(default_factory=list)
    countries: list[Call] = field(default_factory=list)

    def sections(self) -> dict[str, dict[str, Call | list[Call]]]:
        return {
            "REFERENCE_DATA": {
                "countries": self.countries,
                "competitions": self.competitions,
                "teams": self.teams,
            },
            "RAW_API_DATA": {
                "live_matches": self.live,
                "match_details": self.details,
                "match_odds": self.odds,
            },
        }

    def calls(self) -> Iterator[Call]:
        yield self.live
        for calls in (self.details, self.odds, self.teams, self.competitions, self.countries):
            yield from calls


def _of_matches(live: Call) -> tuple[Call, list[answers.LiveMatch] | None]:
    """The live list and its matches; None where it cannot be had, which the call then says."""
    if live.error is not None:
        return live, None
    assert live.body is not None
    matches = answers.live_matches(live.body)
    if matches is None:
        return replace(live, error=CallError.NO_RESULTS, detail="results is not a list"), None
    return live, matches


def _statuses(matches: Iterable[answers.LiveMatch]) -> list[int]:
    return [match.status for match in matches if match.status is not None]


def _unchanged(live_sha256: str | None, previous: Envelope | None) -> int:
    """How many fetches right before this one brought the very same live list."""
    if live_sha256 is None or previous is None or previous.footer.get("live_sha256") != live_sha256:
        return 0
    return previous.footer.get("live_unchanged_fetches", 0) + 1


def _median_skew(calls: Iterable[Call]) -> float | None:
    """Over the calls answered now; those carried were skewed some other time."""
    skews = [skew_seconds(call) for call in calls if call.carried_from is None]
    known = [skew for skew in skews if skew is not None]
    return round(statistics.median(known), 3) if known else None
