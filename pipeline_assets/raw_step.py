"""The first step of every slot: fetch it, and bring in what earlier ones left in the spool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from pipeline_assets.code_version import code_version
from pipeline_assets.expired import has_expired
from pipeline_assets.run import BACKLOG_SECONDS, Batch, Failure, Run
from resources.fetch_object import FetchObject, UnreadableObject, pack
from resources.ledger import LedgerUnavailable
from resources.site import Site
from resources.spool import Spooled, Torn
from resources.stage_codec import decode_stage
from resources.store import NotFound, StoreError
from resources.watch_record import record_watch
from touchline.accounting import (
    Account,
    FetchFate,
    MissedReason,
    Outcome,
    RetryAction,
    RetryReason,
    key_digest,
    sha256_hex,
)
from touchline.day import Day, FetchNumber, utc_text
from touchline.errors import Bad, Unavailable
from touchline.fetch import Envelope
from touchline.retries import Decision
from touchline.slot import Slot
from touchline.stage import RawAsset, Stage, describe
from touchline.watch import why_missed

STATE_IS_FRESH = 3
"""So many slots ago a stage may have made the fetch whose state says what is to be asked for."""


def raw_step(run: Run, raw: RawAsset) -> Batch:
    """The live fetch, then the spool's backlog, oldest first. Without a live slot of this raw asset
    nothing, or, in a run that makes a day anew, what the vendor says now of a day that can be
    fetched again."""
    if run.rebuild and run.slot is None and raw.refetch:
        return collect_step(run, raw, slot_now(run, raw))
    findings: list[str] = []
    is_live = run.slot is not None and run.slot.raw == raw.name
    made = _fetches(run, raw, run.slot, findings) if run.slot and is_live else iter(())
    return Batch(run, raw.name, False, made, findings)


def slot_now(run: Run, raw: RawAsset) -> Slot:
    """Return the slot of the run's day at this minute. Raises ValueError before the day begins."""
    return Slot.of(raw.name, run.day, run.site.clock.now().replace(second=0, microsecond=0))


def collect_step(run: Run, raw: RawAsset, slot: Slot) -> Batch:
    """Fetch a slot that no schedule may have, of a raw asset whose past can be fetched again, as
    far as the table of retries lets it: `run.decided` says what was decided."""
    findings: list[str] = []
    return Batch(run, raw.name, False, _collected(run, raw, slot, findings), findings)


def _collected(
    run: Run, raw: RawAsset, slot: Slot, findings: list[str]
) -> Iterator[FetchObject | Failure]:
    try:
        gone = [each.name for each in run.plan.assets if has_expired(run.site, each.name, run.day)]
    except Unavailable as error:
        yield Failure(None, f"whether {run.day} has expired is not known: {error}")
        return
    if gone:
        yield Failure(None, f"{gone[0]} of {run.day} has expired: nothing is fetched for it again")
        return
    _bring_the_books_up_to_date(run, raw, findings)
    if _is_there(run, slot, findings):
        run.decided[slot] = Decision(RetryAction.SKIP, RetryReason.IN_PROGRESS)
        findings.append(f"not fetched: fetch {slot.number} has landed in this very minute")
    elif decide_attempt(run, slot, findings).action is RetryAction.RUN:
        yield from fetch_now(run, raw, slot, findings)


def _fetches(
    run: Run, raw: RawAsset, slot: Slot, findings: list[str]
) -> Iterator[FetchObject | Failure]:
    _bring_the_books_up_to_date(run, raw, findings)
    _name_the_missed(run, raw, slot, findings)
    yield from _from_spool_or_live(run, raw, slot, findings)
    try:
        # After the fetch: a store that answers slowly must not make it late.
        record_watch(run.site.store, run.site.ledger, run.plan.name)
    except Unavailable as error:
        findings.append(f"the store was not told which minutes were missed: {error}")


def _from_spool_or_live(
    run: Run, raw: RawAsset, slot: Slot, findings: list[str]
) -> Iterator[FetchObject | Failure]:
    try:
        waiting = waiting_in_spool(run, raw)
    except (Bad, Unavailable) as error:
        # While one of the two books cannot be read, no backlog is taken. A damaged window is none
        # that can: and it may not cost this slot its fetch.
        findings.append(f"what of the spool has landed could not be seen: {error}")
        waiting = [spooled for spooled in run.spool.entries() if spooled.slot == slot]
    taken = 0
    for spooled in waiting:
        if spooled.slot == slot:
            for made in _from_spool(run, raw, slot, spooled, findings):
                taken += 1
                yield made
    if not taken and not _is_there(run, slot, findings):
        yield from _live(run, raw, slot, findings)
    started = time.monotonic()
    for spooled in waiting:
        if spooled.slot == slot:
            continue
        if time.monotonic() - started > BACKLOG_SECONDS:
            findings.append(f"{len(waiting)} fetches wait in the spool: more than one run may land")
            return
        yield from _from_spool(run, raw, slot, spooled, findings)


def waiting_in_spool(run: Run, raw: RawAsset) -> list[Spooled]:
    """Return the spooled fetches of this raw asset that have not landed, oldest first. One that has
    landed stays in the spool until its window was compared with it.

    Raises StoreError, LedgerUnavailable, UnreadableObject.
    """
    return [spooled for spooled in run.spool.entries(raw.name) if not _has_landed(run, spooled)]


def _has_landed(run: Run, spooled: Spooled) -> bool:
    raw = spooled.slot.raw
    if spooled.number not in run.days.numbers(raw, spooled.day):
        return False
    fate = run.site.ledger.fetches(raw, spooled.day, spooled.number, spooled.number)
    row = fate.get(spooled.number)
    if row is None or row.fate is not FetchFate.LANDED:
        return False
    if row.fetch_id == spooled.fetch_id:
        return True
    keys = run.days.keys(raw)
    return any(run.site.store.list(keys.beside(spooled.day, spooled.number, spooled.fetch_id)))


def _from_spool(
    run: Run, raw: RawAsset, slot: Slot, spooled: Spooled, findings: list[str]
) -> Iterator[FetchObject]:
    try:
        envelope = run.spool.read(spooled)
    except FileNotFoundError:
        return  # Another run has landed it meanwhile.
    except Torn as error:
        if run.site.clock.now() < spooled.at + raw.patience.max_runtime:
            return  # Another run may be writing it at this moment.
        aside = run.spool.set_aside(spooled)
        findings.append(f"a torn spool file lies in torn/{aside.name}: {error}")
        # It held its slot from being named, and the next run may be a day away.
        _name_the_missed(run, raw, slot, findings)
        return
    yield raw_object(raw, envelope)


def _live(
    run: Run, raw: RawAsset, slot: Slot, findings: list[str]
) -> Iterator[FetchObject | Failure]:
    """Wait for the slot's time and fetch it; too late, it is missed and says why."""
    clock, ledger = run.site.clock, run.site.ledger
    latest = slot.at + raw.patience.start_within
    while (early := (slot.at - clock.now()).total_seconds()) > 0:
        run.sleep(early)
    started = clock.now()
    try:
        if started > latest:
            ledger.slot_missed(slot, MissedReason.STARTED_LATE, started)
            findings.append(
                f"minute {utc_text(slot.at)} is missed: its run was ready at {started:%H:%M:%S} UTC"
            )
            return
        if raw.schedule.source and _is_postponed(run, raw, slot, findings):
            return
        if raw.refetch and not _is_to_be_fetched(run, slot, findings):
            return
        ledger.start_fetch(slot, run.run_id, started)
    except LedgerUnavailable as error:
        findings.append(str(error))
        if started > latest:
            return
    run.fetch_started = started
    yield from fetch_now(run, raw, slot, findings)


def _is_postponed(run: Run, raw: RawAsset, slot: Slot, findings: list[str]) -> bool:
    """Whether a plan has closed the slot since it was asked for. Raises LedgerUnavailable."""
    if slot in run.site.ledger.slots(raw, slot.day):
        return False
    findings.append(
        f"not fetched: the newest plan of {slot.day} has no slot {slot.number} any more"
    )
    return True


def _is_to_be_fetched(run: Run, slot: Slot, findings: list[str]) -> bool:
    """Decide whether to ask for a slot that can be fetched again. One that is not asked for has
    that as its fate."""
    ledger = run.site.ledger
    with suppress(LedgerUnavailable):
        if ledger.fates(slot.raw, slot.day).get(slot.number) is FetchFate.HELD:
            return False
    decision = decide_attempt(run, slot, findings)
    if decision.action is RetryAction.RUN:
        return True
    try:
        ledger.slot_held(slot, decision.reason, decision.until, run.site.clock.now())
    except LedgerUnavailable as error:
        findings.append(str(error))
    return False


def decide_attempt(run: Run, slot: Slot, findings: list[str]) -> Decision:
    """Begin the run's attempt at a slot that can be fetched again, or say why it makes none."""
    attempt = run.attempt(slot, findings)
    assert attempt is not None
    run.decided[slot] = attempt.begin()
    return run.decided[slot]


def fetch_now(
    run: Run, raw: RawAsset, slot: Slot, findings: list[str]
) -> Iterator[FetchObject | Failure]:
    """Fetch the slot, whatever its time. An attempt that brings nothing ends with that."""
    error = "what was fetched did not land"
    try:
        yield _fetched(run, raw, slot, findings)
    except Exception as failed:
        error = describe(failed)
        raise
    finally:
        if attempt := run.attempt(slot, findings):
            attempt.brought_nothing(error)


def _fetched(run: Run, raw: RawAsset, slot: Slot, findings: list[str]) -> FetchObject:
    try:
        run.site.claim_origin(run.plan.name, run.site.settings.origin)
    except StoreError as error:
        findings.append(f"the origin of the store could not be compared: {error}")
    feed = run.site.feed(run.plan.name)
    ask = _wanted(run, raw, slot, findings)
    fetched = feed.fetch(slot, previous=_previous(run, raw, slot), ask=ask)
    envelope = Envelope(fetched.envelope)
    try:
        run.spool.write(envelope.ref, envelope.data)
    except OSError as error:
        # The store is the one place left for it.
        findings.append(f"fetch {slot.number} could not be written to the spool: {error}")
    return raw_object(raw, envelope)


def raw_object(asset: RawAsset, envelope: Envelope) -> FetchObject:
    """A fetch as it is stored, with its account: every record of the list is kept."""
    failed = envelope.outcome is Outcome.FAILED
    keys = [] if failed else asset.record_keys(envelope)
    body = pack(envelope.data)
    return FetchObject(
        asset=asset.name,
        ref=envelope.ref,
        outcome=envelope.outcome,
        account=Account(received=len(keys), emitted=len(keys)),
        digest=key_digest(keys),
        sha256=sha256_hex(body),
        code_version=code_version(asset.module),
        upstream_sha256=None,
        etag=None,
        body=body,
    )


def _is_there(run: Run, slot: Slot, findings: list[str]) -> bool:
    """Whether this slot's fetch has come good. Where that cannot be told, it is fetched: of two
    captures one counts."""
    try:
        found = run.days.read_back(slot.raw, slot.day, slot.number)
    except NotFound:
        return False
    except (StoreError, UnreadableObject) as error:
        findings.append(f"whether fetch {slot.number} has landed could not be seen: {error}")
        return False
    return not found.outcome.is_placeholder


def _previous(run: Run, raw: RawAsset, slot: Slot) -> Envelope | None:
    """The fetch before this one, from which a client over its quota carries bodies on."""
    try:
        (before,) = raw.before(slot, 1, run.site.ledger.plans_of(raw.name))
        return run.days.read(raw.name, before.day, before.number).envelope()
    except (Unavailable, ValueError):
        return None


def _wanted(run: Run, raw: RawAsset, slot: Slot, findings: list[str]) -> list[str]:
    """What stages want the feed to be asked for, by the state that their newest fetch left."""
    ids: list[str] = []
    for stage in run.plan.stages_of(raw):
        if stage.asks is None:
            continue
        try:
            carried = _newest_state(run, raw, stage, slot)
            ids += stage.asks(carried, slot) if carried is not None else ()
        except Exception as error:  # Whatever it is, it may not cost this slot its fetch.
            findings.append(f"nothing is asked for {stage.name}: {describe(error)}")
    return list(dict.fromkeys(ids))


def _newest_state(run: Run, raw: RawAsset, stage: Stage[Any], slot: Slot) -> Any:
    """What the last fetch left that the stage has made; None where it is older than a run takes.
    One object, and no listing of the day, while fetches are on time."""
    for before in raw.before(slot, STATE_IS_FRESH, run.site.ledger.plans_of(raw.name)):
        try:
            found = run.days.read(stage.name, before.day, before.number)
        except NotFound:
            continue
        return decode_stage(stage, found.body).carried
    return None


def _bring_the_books_up_to_date(run: Run, raw: RawAsset, findings: list[str]) -> None:
    """Tell the ledger what it missed while it was away or while a writer died."""
    now, days = run.site.clock.now(), run.days
    try:
        assets = (raw, *run.plan.stages_after(raw))
        run.site.ledger.assets_begin([asset.name for asset in assets], run.day)
        brought = days.claims.bring_in(now)
        pending = {(claim.key, claim.sha256): claim for claim in brought}
        for day in raw.schedule.open_days(run.day, now):
            for asset in assets:
                for row in run.site.ledger.pending(asset.name, day):
                    if row.pending and row.pending.run_id != run.run_id:
                        pending[row.pending.key, row.pending.sha256] = row.pending
        for claim in pending.values():
            if days.promote(claim, at=now):
                findings.append(f"{claim.key} had landed unconfirmed; it is confirmed now")
    except Unavailable as error:
        findings.append(f"claims could not be confirmed: {error}")


def _name_the_missed(run: Run, raw: RawAsset, slot: Slot, findings: list[str]) -> None:
    """Every expected slot that passed without a fetch gets its fate and its reason."""
    now = run.site.clock.now()
    held = {spooled.slot for spooled in run.spool.entries(raw.name)}

    def landed(day: Day) -> frozenset[FetchNumber]:
        return run.days.numbers(raw.name, day)

    try:
        missed = [
            (silent, reason)
            for silent, reason in silent_slots(run.site, raw, slot, now)
            if silent not in held and silent.number not in landed(silent.day)
        ]
        for silent, reason in missed:
            run.site.ledger.slot_missed(silent, reason, now)
    except (Bad, Unavailable) as error:
        findings.append(f"missed minutes could not be named: {error}")
        return
    if missed:
        first, reason = missed[0]
        at = utc_text(first.at)
        findings.append(f"{len(missed)} minutes are missed, the first {at}: {reason}")


def silent_slots(
    site: Site, raw: RawAsset, before: Slot, now: datetime
) -> list[tuple[Slot, MissedReason]]:
    """Expected slots before this one that have no fate in the ledger and can have no fetch any
    more, by day. Goes back through the days until one that is over has nothing silent; where slots
    depend on data, one on which there were any.

    What can be fetched again is expected at any time since the feed was first watched: also of the
    days between two watch intervals, when nothing ran.
    """
    ledger = site.ledger
    silent: list[tuple[Slot, MissedReason]] = []
    open_days = raw.schedule.open_days(before.day, now)
    first = ledger.first_watched(raw.feed) if raw.refetch else None
    for day in _days_back(site, raw, max(open_days)):
        if first is None:
            expected = ledger.expected(raw, day, before.at)
        else:
            expected = [each for each in ledger.slots(raw, day) if first <= each.at < before.at]
        found = _silent_of(site, raw, day, expected, now)
        silent = found + silent
        if day not in open_days and not found and _is_settled(site, raw, day, expected):
            break
    return silent


def _days_back(site: Site, raw: RawAsset, newest: Day) -> Iterator[Day]:
    """Yield the days up to this one, newest first: where slots depend on data those alone that have
    a plan, since the feed was first watched."""
    if raw.schedule.source is None:
        while True:
            yield newest
            newest = newest.shifted(-1)
    if first := site.ledger.first_watched(raw.feed):
        oldest = min(raw.schedule.open_days(Day.containing(first), first))
        yield from reversed(site.ledger.planned_days(raw.name, oldest, newest))


def _is_settled(site: Site, raw: RawAsset, day: Day, expected: list[Slot]) -> bool:
    """Whether no day before one of which nothing is silent needs to be looked at. Of what can be
    fetched again, it is one that was watched, or named by an earlier run, or is older than the
    feed's first watch interval; where slots depend on data, one that has any."""
    if raw.schedule.source:
        return bool(expected)
    ledger, first = site.ledger, site.ledger.first_watched(raw.feed)
    if not raw.refetch or first is None or day.end <= first or ledger.fates(raw.name, day):
        return True
    return bool(ledger.intervals(raw.feed, day.start, day.end))


def _silent_of(
    site: Site, raw: RawAsset, day: Day, expected: list[Slot], now: datetime
) -> list[tuple[Slot, MissedReason]]:
    fates = site.ledger.fates(raw.name, day)
    open_fates = (None, FetchFate.STARTED)
    waiting = [slot for slot in expected if fates.get(slot.number) in open_fates]
    if not waiting:
        return []
    died = site.ledger.died(raw.name, day)
    at_work = {run.slot for run in site.ledger.running()}
    found = []
    for slot in waiting:
        started = slot.number in fates or slot in at_work
        reason = why_missed(slot, now, raw.patience, started=started, died=slot.number in died)
        if reason is not None:
            found.append((slot, reason))
    return found
