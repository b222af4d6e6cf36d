"""Plan days: which slots raw assets are to have, as the records of another asset say.

A plan is made just before an object of that asset lands, in whatever run lands it, unless a later
fetch of its raw asset has landed already. One that is partial, or of which a record was
quarantined, opens slots and closes none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from resources.fetch_object import FetchObject
from resources.ledger import LedgerUnavailable
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import StoreError
from resources.watch_record import record_watch
from touchline.accounting import Outcome
from touchline.day import Day, FetchNumber
from touchline.day_plan import in_force
from touchline.plan import FeedPlan
from touchline.schedule import Planned
from touchline.slot import Slot
from touchline.stage import RawAsset, describe


def slots_between(site: Site, plan: FeedPlan, start: datetime, end: datetime) -> Iterator[Slot]:
    """Yield a feed's slots in [start, end), in order of time. A slot whose run was awaited before
    the next is asked for may have planned later ones. Raises LedgerUnavailable."""
    sources = {plan.raw_of(raw.schedule.source).name for raw in plan.raws if raw.schedule.source}
    waiting = deque(plan.slots(start, end, site.ledger.plans_of))
    while waiting:
        slot = waiting.popleft()
        yield slot
        if slot.raw in sources:
            later = plan.slots(slot.at, end, site.ledger.plans_of)
            waiting = deque(each for each in later if plan.turn(each) > plan.turn(slot))


def plan_days(site: Site, plan: FeedPlan, made: FetchObject) -> Iterator[str]:
    """Plan the days of the raw assets that are planned from what is about to land; yield what went
    wrong. Where nothing is planned anew, the plan before stays in force."""
    raws = plan.planned_from(made.asset)
    if not raws or not made.outcome.holds_records:
        return
    try:
        if not _is_newest(site, plan, made):
            return
        records = decode_stage(site.stages[made.asset], made.body).records
        may_close = _is_whole(site, plan, made)
        for raw in raws:
            yield from _plan(site, raw, records, may_close=may_close)
        # The next run that tells the store may be half a day away, and the ledger be lost by then.
        record_watch(site.store, site.ledger, plan.name)
    except LedgerUnavailable as error:
        yield f"days could not be planned: {error}"
    except StoreError as error:
        yield f"the store was not told of the plans of days: {error}"
    except Exception as error:  # Whatever it is, it may not cost this run what it lands.
        yield f"days could not be planned from {made.asset}: {describe(error)}"


def _plan(
    site: Site, raw: RawAsset, records: Sequence[object], *, may_close: bool
) -> Iterator[str]:
    schedule, now = raw.schedule, site.clock.now()
    times = schedule.times(records) if isinstance(schedule, Planned) else {}
    if not times:
        return
    planned = site.ledger.planned_days(raw.name, min(times), max(times)) if may_close else ()
    for day in sorted({*times, *planned}):
        if raw.ends(day) <= now:
            continue
        try:
            numbers = _numbers(raw, day, times.get(day, ()))
        except ValueError as error:
            yield f"{day} of {raw.name} could not be planned: {error}"
            continue
        if not may_close:
            numbers += in_force(day, site.ledger.plans(raw.name, day))
        site.ledger.plan_day(raw.name, day, numbers, now)


def _is_whole(site: Site, plan: FeedPlan, made: FetchObject) -> bool:
    """Whether every record of the fetch is there: of others nobody knows whether they are off the
    calendar. Raises LedgerUnavailable."""
    raw, number = plan.raw_of(made.asset).name, made.ref.number
    fetch = site.ledger.fetches(raw, made.ref.day, number, number).get(number)
    is_complete = fetch is not None and fetch.outcome is Outcome.COMPLETE
    return is_complete and not made.account.quarantined


def _numbers(raw: RawAsset, day: Day, times: Iterable[datetime]) -> list[FetchNumber]:
    """Return the numbers of the slots at these times. Raises ValueError for one that the day cannot
    have."""
    slots = [Slot.of(raw.name, day, at) for at in times]
    for slot in slots:
        if slot.at >= raw.ends(day):
            raise ValueError(f"{slot} is later than its day is open")
    return [slot.number for slot in slots]


def _is_newest(site: Site, plan: FeedPlan, made: FetchObject) -> bool:
    """Whether no later fetch of the same raw asset has landed. Raises LedgerUnavailable."""
    raw, day = plan.raw_of(made.asset).name, Day.containing(site.clock.now())
    while day > made.ref.day:
        if site.ledger.newest_fetch(raw, day) is not None:
            return False
        day = day.shifted(-1)
    newest = site.ledger.newest_fetch(raw, made.ref.day)
    return newest is None or newest <= made.ref.number
