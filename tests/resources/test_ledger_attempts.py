"""Attempts at a key, as the ledger keeps them: one row each, decided on where they are written."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from resources.ledger import AttemptRow, Ledger
from tests.resources.ledger_samples import AT, DAY
from touchline.accounting import RetryAction, RetryReason, RunState
from touchline.retries import Content, Decision, decide, ending
from touchline.slot import Slot
from touchline.zeros import Expected

RAW = "league/box_scores"
FULL, MORE = Content("full", 384), Content("more", 390)


def slot(minute: int) -> Slot:
    return Slot.numbered(RAW, DAY, minute)


def table(
    at: datetime, content: Content | None = None, forced: str | None = None
) -> functools.partial[Decision]:
    return functools.partial(
        decide,
        content=content,
        expected=Expected.SOME,
        not_before=None,
        forced=forced,
        is_idempotent=True,
        now=at,
    )


def begin(
    ledger: Ledger, run_id: str, minute: int, at: datetime = AT, forced: str | None = None
) -> Decision:
    decides = table(at, forced=forced)
    return ledger.begin_attempt(slot(minute), run_id, at, decides, note=forced)


def land(
    ledger: Ledger, run_id: str, minute: int, content: Content, at: datetime = AT
) -> Decision | None:
    end = functools.partial(ending, content=content, records=content.units)
    return ledger.attempt_landed(slot(minute), run_id, at, table(at, content), end)


def rows(ledger: Ledger) -> dict[str, AttemptRow]:
    return {row.run_id: row for row in ledger.attempts(RAW, DAY)}


def test_of_those_who_ask_at_once_one_is_let(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        said = [*pool.map(lambda n: begin(ledger, f"run-{n}", 400 + n), range(4))]
    assert sorted(decision.action for decision in said) == [
        RetryAction.RUN,
        *[RetryAction.SKIP] * 3,
    ]
    [let] = [row.run_id for row in rows(ledger).values() if row.state is RunState.RUNNING]
    skipped = [row for row in rows(ledger).values() if row.state is RunState.SKIPPED]
    assert {(row.reason, row.blocked_by) for row in skipped} == {(RetryReason.IN_PROGRESS, let)}
    sequences = [row.sequence for row in ledger.attempts(RAW, DAY)]
    assert len(set(sequences)) == 4
    assert sequences == sorted(sequences)


def test_one_row_follows_an_attempt_to_its_end(ledger: Ledger) -> None:
    begin(ledger, "first", 400)
    began = rows(ledger)["first"]
    assert (began.state, began.inserted, began.ended_at) == (RunState.RUNNING, None, None)
    land(ledger, "first", 400, FULL, AT + timedelta(seconds=9))
    [ended] = ledger.attempts(RAW, DAY)
    assert (ended.state, ended.inserted, ended.unchanged) == (RunState.SUCCESS, 384, 0)
    assert (ended.started_at, ended.ended_at) == (AT, AT + timedelta(seconds=9))
    assert ended.sequence > began.sequence


def test_a_slot_that_has_its_answer_is_not_asked_for_again(ledger: Ledger) -> None:
    begin(ledger, "first", 400)
    for run_id in ("at-work", "answered"):
        again = begin(ledger, run_id, 400, forced="anna: to be sure")
        assert (again.reason, again.blocked_by) == (RetryReason.IN_PROGRESS, "first")
        land(ledger, "first", 400, FULL)
    assert begin(ledger, "third", 401, forced="anna: to be sure").reason is RetryReason.FORCED
    assert rows(ledger)["third"].note == "anna: to be sure"


def test_other_content_supersedes_what_had_landed_and_keeps_it(ledger: Ledger) -> None:
    for run_id, minute, content in (("first", 400, FULL), ("second", 500, MORE)):
        begin(ledger, run_id, minute)
        land(ledger, run_id, minute, content)
    assert [row.superseded_by for row in ledger.attempts(RAW, DAY)] == ["second", None]
    assert rows(ledger)["first"].as_prior.superseded
    begin(ledger, "third", 600)
    same = land(ledger, "third", 600, MORE)
    assert same
    assert same.blocked_by == "second"
    third = rows(ledger)["third"]
    assert (third.state, third.inserted, third.unchanged) == (RunState.SKIPPED, 0, 390)


def test_a_capture_that_lands_late_says_nothing_of_the_key(ledger: Ledger) -> None:
    begin(ledger, "newest", 500)
    land(ledger, "newest", 500, FULL)
    assert land(ledger, "late", 400, replace(FULL, hash="less", units=2)) is None
    assert land(ledger, "same", 500, MORE) is None
    assert [*rows(ledger)] == ["newest"]
    assert land(ledger, "later", 600, MORE) == Decision(RetryAction.RUN, RetryReason.NEW_CONTENT)


def test_a_silent_run_is_called_abandoned_until_it_ends_after_all(ledger: Ledger) -> None:
    begin(ledger, "silent", 400)
    later = AT + timedelta(minutes=16)
    # What fell silent counts as an attempt, which the next follows after its back-off.
    assert begin(ledger, "next", 416, later).abandoned == ("silent",)
    silent = rows(ledger)["silent"]
    assert (silent.state, silent.reason) == (RunState.ABANDONED, RetryReason.STALE_RUNNER)
    assert (silent.heartbeat_at, silent.ended_at) == (AT, None)
    assert rows(ledger)["next"].state is RunState.RUNNING
    ledger.attempt_failed(slot(400), "silent", later, "it is no run at work any more")
    assert rows(ledger)["silent"].state is RunState.ABANDONED
    land(ledger, "next", 416, FULL, later)
    ledger.attempt_failed(slot(416), "next", later, "it has ended")
    assert rows(ledger)["next"].state is RunState.SUCCESS


def test_a_slot_that_is_held_keeps_why_and_until_when(ledger: Ledger) -> None:
    held, other = slot(400), slot(401)
    ledger.slot_held(held, RetryReason.NOT_YET, AT, AT)
    ledger.start_fetch(other, "run", AT)
    ledger.slot_held(other, RetryReason.BACKOFF, AT, AT)
    found = ledger.fetches(RAW, DAY)
    assert [(row.fate, row.reason, row.until) for row in found.values()] == [
        ("held", "not_yet", AT),
        ("started", None, None),
    ]
    assert [key for key, _ in ledger.untold("league")] == [
        f"watch/league/box_scores/date={DAY}/missed.json"
    ]
