"""The memory that making windows and sealing a day take, on fetches of real size.

Hours of film go through every stage as they do in life, then become windows all at once, as after
an outage, and a sealed day. Beside it the day of the asset with the most rows is sealed with as
many as a day has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from benchmarks.figures import Figure
from benchmarks.film import Film
from benchmarks.measured import alone, forget_peak, peak_mb
from benchmarks.watched_day import DAY, FEED, PLAN, NotAsItShould, Watched
from pipeline_assets.raw_step import raw_step
from pipeline_assets.rotation import rotate
from pipeline_assets.run import Run
from pipeline_assets.sealing import seal_day
from pipeline_assets.stage_step import stage_step
from resources.day_layout import AssetKeys
from resources.day_seal import DaySeal
from resources.manifest import About, Held
from resources.site import Site
from resources.stage_codec import decode_stage, write_stage_object
from resources.stage_window import write_window
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.clock import VirtualClock
from touchline.day import FetchNumber, Minute
from touchline.fetch import Envelope, FetchRef
from touchline.plan import FeedPlan
from touchline.slot import Slot

PART = "peak memory"
PEAK_MB = 400
ODDS = "football/odds_changes"


def tier_memory(watched: Watched, film: Film, minutes: int, rows: int) -> list[Figure]:
    """So many minutes of film as windows and sealed, and so many odds rows.

    Raises NotAsItShould.
    """
    alone(_live, watched, film, minutes)
    windows = alone(_windows, watched, DAY.minute(minutes).later(20))
    alone(_many_rows, watched, rows)
    sealed = alone(_seal, watched)
    many = alone(_seal_many_rows, watched)
    return [
        _figure(f"windows of {minutes} fetches in one rotation", windows),
        _figure(f"seal of {minutes} fetches", sealed),
        _figure(f"seal of {rows:,} rows", {ODDS: many}),
    ]


def _figure(what: str, peaks: dict[str, float]) -> Figure:
    asset, most = max(peaks.items(), key=lambda item: item[1])
    least = min(peaks.values())
    beside = f" ({asset.rpartition('/')[2]}; the least {least:,.0f})" if len(peaks) > 1 else ""
    return Figure.at_most(PART, f"{what}, MB", f"{most:,.0f}{beside}", most, PEAK_MB)


# --- hours of film -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fetched:
    envelope: bytes


@dataclass(frozen=True)
class _FilmFeed:
    """The vendor's client, without the vendor."""

    film: Film

    def fetch(self, slot: Slot, *, previous: Envelope | None, ask: Sequence[str] = ()) -> _Fetched:
        return _Fetched(self.film.fetch(slot.day, slot.number))


def _live(watched: Watched, film: Film, minutes: int) -> None:
    """Every step of these minutes; their checks are left out."""
    plan = replace(PLAN, client=lambda *_: _FilmFeed(film))
    with _site(watched, DAY.minute(1), plan) as (site, clock):
        site.ledger.open_interval(FEED, DAY.start, "recorded")
        for number in range(1, minutes + 1):
            minute = DAY.minute(number)
            clock.set(minute.utc)
            run = Run(site, plan, DAY, f"minute-{number}", plan.raws[0].slot(DAY, number))
            run.days.refresh()
            steps = [run.land(raw_step(run, plan.raws[0]))]
            steps += [run.land(stage_step(run, stage)) for stage in plan.stages]
            failures = [failure for step in steps for failure in step.failures]
            if failures or any(minute.number not in step.landed for step in steps):
                raise NotAsItShould(f"minute {number}: {failures[:3]}")
        site.ledger.close_interval(FEED, DAY.minute(minutes).end)


class _Noting(tuple[Any, ...]):
    """Assets that note the peak memory of what is done with each."""

    peaks: dict[str, float]

    def __iter__(self) -> Iterator[Any]:
        for asset in super().__iter__():
            forget_peak()
            yield asset
            self.peaks[asset.name] = max(peak_mb(), self.peaks.get(asset.name, 0.0))


@dataclass(frozen=True)
class _NotedPlan(FeedPlan):
    @cached_property
    def noted(self) -> _Noting:
        noted = _Noting((*self.raws, *self.stages))
        noted.peaks = {}
        return noted

    @property
    def assets(self) -> _Noting:
        return self.noted


def _windows(watched: Watched, at: Minute) -> dict[str, float]:
    def work(site: Site) -> list[str]:
        return rotate(site, FEED).findings

    return _noted(watched, at, work)


def _seal(watched: Watched) -> dict[str, float]:
    def work(site: Site) -> list[str]:
        return seal_day(site, FEED, DAY, run_id="seal").waiting

    return _noted(watched, DAY.minute(DAY.length).later(10), work)


def _noted(watched: Watched, at: Minute, work: Callable[[Site], list[str]]) -> dict[str, float]:
    """Peak memory by asset, MB; what is left of the asset before is in it."""
    plan = _NotedPlan(PLAN.raws, PLAN.stages, PLAN.client)
    with _site(watched, at, plan) as (site, _):
        if wrong := work(site):
            raise NotAsItShould(f"{at}: {wrong[:3]}")
    return plan.noted.peaks


@contextmanager
def _site(watched: Watched, at: Minute, plan: FeedPlan) -> Iterator[tuple[Site, VirtualClock]]:
    with watched.at(at) as (site, _):
        clock = VirtualClock(at.utc)
        site.clock, site.plans = clock, {FEED: plan}
        yield site, clock


# --- a day's rows --------------------------------------------------------------------------------


def _many(watched: Watched) -> Watched:
    return replace(watched, prefix=f"{watched.prefix}-many-rows")


def _many_rows(watched: Watched, rows: int) -> None:
    """Windows of a whole day with so many rows: those of the first fetch, which shows every
    history, and then as many in each."""
    stage = PLAN.stages[[stage.name for stage in PLAN.stages].index(ODDS)]
    with watched.at(DAY.minute(1)) as (site, _):
        first = decode_stage(stage, site.days(FEED).read(ODDS, DAY, 1).body).table
    first = first.replace_schema_metadata()  # What its footer said of it alone.
    each = max(0, rows - first.num_rows) // (DAY.length - 1)
    with _many(watched).at(DAY.minute(1)) as (site, _):
        for window in DAY.windows():
            singles = []
            for number in range(window.first, window.last + 1):
                start = number * 7919 % (first.num_rows - each)
                shown = first if number == 1 else first.slice(start, each)
                singles.append(_single(stage, FetchNumber(number), shown))
            site.store.put_new(AssetKeys.of(ODDS, {}).window(window), write_window(stage, singles))


def _single(stage: Any, number: FetchNumber, rows: pa.Table) -> tuple[Held, bytes]:
    ref = FetchRef(FEED, DAY.minute(number), sha256_hex(b"%d" % number)[:12])
    for name, value in (("fetch_number", number), ("fetch_id", ref.fetch_id)):
        at = rows.schema.get_field_index(name)
        column = pa.repeat(pa.scalar(value, rows.schema.field(at).type), rows.num_rows)
        rows = rows.set_column(at, rows.schema.field(at), column)
    account = Account(rows.num_rows, rows.num_rows)
    body = write_stage_object(stage, ref, rows, account, About({}, [], []), "")
    held = Held(
        number=number,
        fetch_id=ref.fetch_id,
        minute=str(ref.minute),
        outcome=Outcome.COMPLETE,
        account=account,
        digest="",
        sha256=sha256_hex(body),
        etag=hashlib.md5(body).hexdigest(),
        code_version="",
    )
    return held, body


def _seal_many_rows(watched: Watched) -> float:
    at = DAY.end + timedelta(minutes=10)
    with _many(watched).at(DAY.minute(DAY.length)) as (site, _):
        days = site.days(FEED)
        index = days.index(ODDS, DAY)
        DaySeal(days, ODDS, DAY, index, site.settings.home).seal(at)
    return peak_mb()
