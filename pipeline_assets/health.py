"""The signals that the books and the store give: whether they answer, what is new, what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from pipeline_assets.alerting import FEED_IS_ALIVE, watched_since
from pipeline_assets.checks.report import Kind as FindingKind
from resources.heartbeat import heartbeat_key, written_at
from resources.inbox import Inbox
from resources.ledger import FetchRow, Ledger, LedgerUnavailable, RunRow
from resources.settings import Settings
from resources.spool import Spool, SpoolLimits, spool_verdict
from resources.store import AccessRefused, NoCredentials, NoSuchBucket, NotFound, Store, StoreError
from touchline.accounting import Outcome, Verdict
from touchline.alerting import Alert, AlertState
from touchline.day import Day, Window, utc_text
from touchline.delivery import DeliveryState
from touchline.health import (
    CODE_SERVER,
    LEDGER,
    STORE,
    STUCK,
    UP,
    Health,
    Kind,
    Signal,
    by_sensor,
    of_backlog,
    of_heartbeat,
    of_progress,
)
from touchline.notices import lasted, next_commands
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import RawAsset
from touchline.watch import STALE_FOR, WINDOW_OVERDUE

HEARTBEAT, RUNS = "heartbeat", "runs"


@dataclass(frozen=True)
class Books:
    """What is looked at, and when. `spools` has the spool of each feed."""

    settings: Settings
    plans: Mapping[str, FeedPlan]
    ledger: Ledger
    store: Store | None
    """None where the embedded one does not run."""
    spools: Mapping[str, Spool]
    now: datetime
    times: Mapping[str, datetime] = field(default_factory=dict)
    """What time it is to each feed, where that is not `now`."""

    def of(self, plan: FeedPlan) -> Books:
        """Return these, looked at when it is that time to the feed."""
        return replace(self, now=self.times.get(plan.name, self.now))

    @property
    def days(self) -> tuple[Day, Day]:
        """Today and yesterday."""
        today = Day.containing(self.now)
        return today, today.shifted(-1)


def book_signals(books: Books) -> Iterator[Signal]:
    """Every signal that the ledger, the store and the spools give; raises nothing of theirs."""
    ledger = _ledger(books)
    yield ledger
    yield from _store(books)
    for feed, spool in books.spools.items():
        yield _spool(books, feed, spool)
        yield _inbox(books, feed)
    looks: list[tuple[Kind, str, Callable[[], Signal]]] = [
        (Kind.LIVENESS, RUNS, partial(_runs, books)),
        (Kind.BACKLOG, "notices", partial(_notices, books)),
        (Kind.BACKLOG, "open verdicts", partial(_open_verdicts, books)),
    ]
    for plan in books.plans.values():
        at = books.of(plan)
        looks += [
            (Kind.LIVENESS, feed_signal(plan.name), partial(_feed, at, plan)),
            (Kind.BACKLOG, f"match alerts of {plan.name}", partial(_match_alerts, at, plan)),
            (Kind.BACKLOG, f"pending in {plan.name}", partial(_pending, at, plan)),
            (Kind.BACKLOG, f"windows of {plan.name}", partial(_windows, at, plan)),
            *(
                [(Kind.BACKLOG, f"stale days of {plan.name}", partial(_stale, at, plan))]
                if any(not stage.takes_fetches for stage in plan.stages)
                else []
            ),
            *(
                (Kind.PROGRESS, asset.name, partial(_progress, at, plan, asset.name))
                for asset in plan.assets
                # Of others the check of cadence says which of their few slots are missed.
                if plan.raw_of(asset.name).schedule.every_minute
            ),
        ]
    for kind, name, look in looks:
        try:
            if ledger.state is Health.BAD:
                raise LedgerUnavailable("the ledger does not answer")
            yield look()
        except LedgerUnavailable as error:
            yield Signal(kind, name, Health.UNKNOWN, str(error), (LEDGER,))


# --- liveness ------------------------------------------------------------------------------------


def _ledger(books: Books) -> Signal:
    try:
        books.ledger.probe()
    except LedgerUnavailable as error:
        return Signal(Kind.LIVENESS, LEDGER, Health.BAD, str(error), do=error.advice or "")
    return Signal(Kind.LIVENESS, LEDGER, Health.OK, f"{books.ledger.name} can be written")


def _store(books: Books) -> Iterator[Signal]:
    """Of the store by the heartbeats in it, and of these."""
    store, beats = _read_heartbeats(books)
    yield store
    for feed in books.plans:
        name = f"{HEARTBEAT} {feed}"
        if store.state.is_good:
            yield _heartbeat(books, name, beats.get(feed))
        else:
            detail = "the store does not tell"
            yield Signal(Kind.LIVENESS, name, Health.UNKNOWN, detail, (STORE,))


def _read_heartbeats(books: Books) -> tuple[Signal, dict[str, bytes]]:
    if books.store is None:
        detail = "the embedded object store does not run"
        return Signal(Kind.LIVENESS, STORE, Health.BAD, detail, (UP,), "touchline up"), {}
    where, found = f"bucket {books.settings.s3_bucket}", {}
    for feed in books.plans:
        try:
            found[feed] = books.store.get(heartbeat_key(feed)).body
        except NotFound:
            continue
        except StoreError as error:
            detail, do = f"{where}: {error}", _mend_store(error)
            return Signal(Kind.LIVENESS, STORE, Health.BAD, detail, do=do), {}
    return Signal(Kind.LIVENESS, STORE, Health.OK, f"{where} answers"), found


def _mend_store(error: StoreError) -> str:
    """What helps, by what went wrong: it may be whoever asks, and not the store."""
    match error:
        case NoCredentials():
            return "give the shell or service that asks AWS_* credentials; the store was not asked"
        case AccessRefused():
            return "check the AWS_* credentials and the clock of the shell or service that asks"
        case NoSuchBucket():
            return "check TOUCHLINE_S3_BUCKET, or make the bucket"
        case _:
            return "bring the object store back; what is fetched meanwhile waits in the spool"


def _heartbeat(books: Books, name: str, body: bytes | None) -> Signal:
    rests_on = (*by_sensor("heartbeat"), STORE, LEDGER)
    if body is None:
        return Signal(Kind.LIVENESS, name, Health.UNKNOWN, "none was ever written", rests_on)
    try:
        written = written_at(body)
    except ValueError as error:
        detail = f"what stands there is no heartbeat: {error}"
        return Signal(Kind.LIVENESS, name, Health.UNKNOWN, detail, rests_on)
    age = books.now - written
    detail = f"was written {lasted(age)} ago"
    seconds = age.total_seconds()
    return Signal(Kind.LIVENESS, name, of_heartbeat(age), detail, rests_on, age_seconds=seconds)


def _runs(books: Books) -> Signal:
    """A minute's run has a longest time; what works for longer hangs."""
    minutes = {
        run.slot: run
        for run in books.ledger.running()
        if run.slot is not None and run.slot.feed in books.plans
    }
    hung = [slot for slot, run in minutes.items() if _age(books, run) > _longest(books, slot)]
    if not hung:
        detail = f"{len(minutes)} of a minute at work" if minutes else "no minute's run at work"
        return Signal(Kind.LIVENESS, RUNS, Health.OK, detail, count=len(minutes))
    slot = max(hung, key=lambda slot: _age(books, minutes[slot]))
    oldest = minutes[slot]
    at, age = utc_text(slot.at), _age(books, oldest)
    detail = f"run {oldest.run_id} of {at} is at work for {lasted(age)}"
    # Dagster ends a run at its longest time; its next look at it is due within a few seconds.
    state = Health.WARNING if age < 2 * _longest(books, slot) else Health.BAD
    do = f"end the run {oldest.run_id} in Dagster; the next minute takes up its work"
    return Signal(Kind.LIVENESS, RUNS, state, detail, (CODE_SERVER,), do, count=len(hung))


def _longest(books: Books, slot: Slot) -> timedelta:
    return books.plans[slot.feed].raw_of(slot.raw).patience.at_work


def _age(books: Books, run: RunRow) -> timedelta:
    return books.now - run.started_at


def _feed(books: Books, plan: FeedPlan) -> Signal:
    """By the check that judges it, since only that has seen what it brought. What it said of a day
    before the one it judged last is history: a sealed day is judged no more."""
    name, failure = feed_signal(plan.name), _failure(books, plan)
    raws = tuple(raw.name for raw in plan.raws)
    judged = {
        day: at
        for day in books.days
        for (check, asset), at in books.ledger.newest_verdicts(plan.name, day).items()
        if check == FEED_IS_ALIVE and asset in raws
    }
    since = max(judged, default=min(books.days))
    standing = [
        alert
        for alert in books.ledger.alerts(feed=plan.name)
        if alert.key.check == FEED_IS_ALIVE and alert.key.day >= since and alert.is_standing
    ]
    if standing:
        causes = ", ".join(sorted({alert.key.cause for alert in standing}))
        detail = f"{FEED_IS_ALIVE}: {causes}{f'; {failure}' if failure else ''}"
        day = max(alert.key.day for alert in standing)
        do = "touchline doctor" if failure else f"touchline verify --date {day}"
        if _is_bad(standing):
            return Signal(Kind.LIVENESS, name, Health.BAD, detail, (), do)
        # Nobody could judge the feed, which may be well.
        return Signal(
            Kind.LIVENESS, name, Health.UNKNOWN, detail, (*raws, *_minutes_rest_on(plan)), do
        )
    if failure:
        return Signal(Kind.LIVENESS, name, Health.WARNING, failure, (), "touchline doctor")
    if not any(raw.signs for raw in plan.raws):
        return Signal(Kind.LIVENESS, name, Health.OK, "its newest fetch has not failed")
    if not judged:
        return Signal(Kind.LIVENESS, name, Health.UNKNOWN, "nothing has judged it yet", raws)
    age = books.now - max(judged.values())
    detail = f"was judged to be alive {lasted(age)} ago"
    if age > STUCK:
        rests_on = (*raws, *_minutes_rest_on(plan))
        return Signal(Kind.LIVENESS, name, Health.UNKNOWN, detail, rests_on)
    return Signal(Kind.LIVENESS, name, Health.OK, detail)


def feed_signal(feed: str) -> str:
    """What a feed's signal is called."""
    return f"feed {feed}"


def _failure(books: Books, plan: FeedPlan) -> str | None:
    """How the newest fetch failed; None where it did not."""
    found = (_newest_fetch(books, raw) for raw in plan.raws)
    newest = max((row for row in found if row), key=lambda row: row.slot.at, default=None)
    if newest is None or newest.outcome is not Outcome.FAILED:
        return None
    return f"the newest fetch, that of {utc_text(newest.slot.at)}, failed: {newest.reason}"


def _newest_fetch(books: Books, raw: RawAsset) -> FetchRow | None:
    for day in books.days:
        if number := books.ledger.newest_fetch(raw.name, day):
            return books.ledger.fetches(raw.name, day, number, number).get(number)
    return None


def _is_bad(alerts: Iterable[Alert]) -> bool:
    return any(alert.key.verdict is Verdict.BAD for alert in alerts)


# --- progress ------------------------------------------------------------------------------------


def _progress(books: Books, plan: FeedPlan, asset: str) -> Signal:
    rests_on = _minutes_rest_on(plan)
    raw = plan.raw_of(asset).name
    if asset != raw:
        rests_on = (raw, feed_signal(plan.name), *rests_on)
    if watched_since(books.ledger, plan, books.now) is None:
        detail = "Touchline is not running: no minute is expected"
        return Signal(Kind.PROGRESS, asset, Health.UNKNOWN, detail, (UP,), "touchline up")
    newest = next(filter(None, (_newest(books, plan, asset, day) for day in books.days)), None)
    if newest is None:
        detail = "nothing has landed today or yesterday; after a start it takes up to two minutes"
        return Signal(Kind.PROGRESS, asset, Health.UNKNOWN, detail, rests_on)
    age = books.now - newest
    detail = f"the newest fetch is that of {utc_text(newest)}, {lasted(age)} old"
    do = f"touchline verify --date {Day.containing(books.now)}"
    seconds = age.total_seconds()
    return Signal(Kind.PROGRESS, asset, of_progress(age), detail, rests_on, do, age_seconds=seconds)


def _minutes_rest_on(plan: FeedPlan) -> tuple[str, ...]:
    """The signals without which no minute's run comes to anything."""
    ticks = (part for raw in plan.raws for part in by_sensor(f"{raw.job}_tick"))
    return (*ticks, RUNS, STORE, LEDGER)


def _newest(books: Books, plan: FeedPlan, asset: str, day: Day) -> datetime | None:
    """When the newest fetch that this asset has of the day was to be made (UTC)."""
    raw = plan.raw_of(asset)
    if asset == raw.name:
        newest = books.ledger.newest_fetch(raw.name, day)
    else:
        newest = books.ledger.newest_good(asset, day)
    return raw.slot(day, newest).at if newest else None


# --- backlog -------------------------------------------------------------------------------------


def spool_signal(feed: str) -> str:
    """What the signal of a feed's spool is called."""
    return f"spool of {feed}"


def _spool(books: Books, feed: str, spool: Spool) -> Signal:
    name, rests_on = spool_signal(feed), (STORE, *by_sensor(f"{feed}_rotation"))
    limits = SpoolLimits(books.settings.spool_limit_megabytes, books.settings.spool_limit_hours)
    try:
        state = spool.state(books.now)
    except OSError as error:
        return Signal(Kind.BACKLOG, name, Health.UNKNOWN, f"it cannot be read: {error}")
    verdict, detail = spool_verdict(state, limits)
    health = Health.OK if verdict is Verdict.OK else Health.BAD
    return Signal(
        Kind.BACKLOG,
        name,
        health,
        detail,
        rests_on,
        "bring the object store back",
        None,
        state.fetches,
    )


def _inbox(books: Books, feed: str) -> Signal:
    """What people left there, and what of it could not be taken, which they have to look at."""
    name, inbox = f"inbox of {feed}", Inbox.of(books.settings, feed)
    try:
        left, aside = inbox.left(), inbox.aside()
    except OSError as error:
        return Signal(Kind.BACKLOG, name, Health.UNKNOWN, f"it cannot be read: {error}")
    health = Health.WARNING if aside else Health.OK
    detail = f"{len(left)} files wait, {len(aside)} lie aside"
    rests_on = by_sensor(f"{feed}_inbox")
    do = f"read why in {inbox.folder / 'aside'}, and clear it" if aside else ""
    return Signal(Kind.BACKLOG, name, health, detail, rests_on, do, None, len(left))


def _pending(books: Books, plan: FeedPlan) -> Signal:
    """What was announced and has not landed."""
    waiting = [
        (row.updated_at, asset.name)
        for asset in plan.assets
        for day in books.days
        for row in books.ledger.pending(asset.name, day)
    ]
    return _backlog(
        books,
        f"pending in {plan.name}",
        [at for at, _ in waiting],
        "fetches are announced and have not landed",
        (STORE, *(raw.name for raw in plan.raws)),
        f"touchline losses --from {books.days[1]} --to {books.days[0]}",
    )


def _windows(books: Books, plan: FeedPlan) -> Signal:
    """Fetches that no window holds though theirs is overdue."""
    late: list[datetime] = []
    for asset in plan.assets:
        if not plan.raw_of(asset.name).schedule.every_minute:
            continue
        for day in books.days:
            if books.ledger.seal(asset.name, day) is not None:
                continue
            held = books.ledger.in_windows(asset.name, day)
            alone = set(books.ledger.landed_numbers(asset.name, day)) - held
            due = (Window.of(day, number).end + WINDOW_OVERDUE for number in alone)
            late += [at for at in due if at < books.now]
    name, count = f"windows of {plan.name}", len(late)
    rests_on = (STORE, LEDGER, *by_sensor(f"{plan.name}_rotation"))
    if not late:
        return Signal(Kind.BACKLOG, name, Health.OK, "none is overdue", rests_on, count=0)
    age = books.now - min(late)
    detail = f"{count} fetches should be in a window, the first since {lasted(age)}"
    do = f"look at the runs of {plan.name}_rotation in Dagster"
    return Signal(
        Kind.BACKLOG, name, of_backlog(age), detail, rests_on, do, age.total_seconds(), count
    )


def _stale(books: Books, plan: FeedPlan) -> Signal:
    """Days that wait to be made again, since earlier ones have changed."""
    waiting = books.ledger.stale(plan.name)
    name, rests_on = f"stale days of {plan.name}", (STORE, LEDGER, *by_sensor(f"{plan.name}_seal"))
    if not waiting:
        return Signal(Kind.BACKLOG, name, Health.OK, "none", rests_on, count=0)
    first = min(waiting, key=lambda each: each.since)
    age = books.now - first.since
    health = Health.BAD if age >= STALE_FOR else Health.OK
    detail = f"{len(waiting)} wait, the first since {lasted(age)}: {first.because}"
    do = f"touchline seal --date {first.day} --feed {plan.name}"
    return Signal(
        Kind.BACKLOG, name, health, detail, rests_on, do, age.total_seconds(), len(waiting)
    )


def _match_alerts(books: Books, plan: FeedPlan) -> Signal:
    undelivered = books.ledger.undelivered_alerts(books.now, plan.name)
    name, what = f"match alerts of {plan.name}", "alerts about matches have reached nobody"
    rests_on = (*by_sensor("alert_delivery"), LEDGER)
    failed = [alert for alert in undelivered if alert.state is DeliveryState.FAILED]
    if failed:
        detail = f"{len(failed)} {what}: {failed[0].last_error}"
        return Signal(
            Kind.BACKLOG, name, Health.BAD, detail, (), "touchline alerts", None, len(undelivered)
        )
    waiting = [alert.fired_at for alert in undelivered]
    return _backlog(books, name, waiting, what, rests_on, "touchline alerts")


def _notices(books: Books) -> Signal:
    notices = books.ledger.notices(DeliveryState.PENDING, DeliveryState.FAILED)
    failed = [notice for notice in notices if notice.state is DeliveryState.FAILED]
    name, what = "notices", "notices have reached nobody"
    if failed:
        detail = f"{len(failed)} {what}: {failed[0].last_error}"
        return Signal(
            Kind.BACKLOG, name, Health.BAD, detail, (), "touchline alerts", None, len(notices)
        )
    rests_on = (*by_sensor("check_alerts"), LEDGER)
    waiting = [notice.made_at for notice in notices]
    return _backlog(books, name, waiting, what, rests_on, "touchline alerts")


def _open_verdicts(books: Books) -> Signal:
    """What the checks have found and nobody has muted or acknowledged."""
    alerts = [each for each in books.ledger.alerts() if each.state is AlertState.OPEN]
    loud = [alert for alert in alerts if alert.hushed_until(books.now) == books.now]
    name = "open verdicts"
    if not loud:
        hushed = f"; {len(alerts)} are muted or acknowledged" if alerts else ""
        return Signal(Kind.BACKLOG, name, Health.OK, f"none{hushed}", count=len(alerts))
    first = min(loud, key=lambda alert: alert.opened_at)
    found = {alert.key.cause for alert in loud}
    detail = f"{len(loud)} since {lasted(books.now - first.opened_at)}: {', '.join(sorted(found))}"
    state = Health.BAD if _is_bad(loud) else Health.UNKNOWN
    rests_on = (STORE, LEDGER, *map(feed_signal, books.plans))
    if found == {FindingKind.SPOOL_FILLS_UP}:
        rests_on += tuple(map(spool_signal, books.spools))
    do = next_commands({first.key.cause}, first.key.day, books.ledger.prefix)[0]
    return Signal(Kind.BACKLOG, name, state, detail, rests_on, do, None, len(alerts))


def _backlog(
    books: Books,
    name: str,
    waiting: list[datetime],
    what: str,
    rests_on: tuple[str, ...],
    do: str,
) -> Signal:
    if not waiting:
        return Signal(Kind.BACKLOG, name, Health.OK, "nothing waits", rests_on, count=0)
    age = books.now - min(waiting)
    detail = f"{len(waiting)} {what}, the first since {lasted(age)}"
    seconds = age.total_seconds()
    return Signal(Kind.BACKLOG, name, of_backlog(age), detail, rests_on, do, seconds, len(waiting))
