"""What was left in a feed's inbox: captured fetches, taken into their minutes, above all.

A capture lands as if it had been fetched in its minute: it replaces a placeholder, and beside
another capture of its minute it is kept and does not count. What follows from it is then made as
`reprocess` makes it, in the day itself and, where an ordered stage carries another state over
midnight, in the days behind. The file goes last: whoever dies on the way is followed by one who
does it again, which changes nothing that was done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline_assets.asked import answer_lines
from pipeline_assets.expired import has_expired
from pipeline_assets.raw_step import raw_object
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out, new_run_id
from pipeline_assets.run import Batch, Run
from pipeline_assets.stage_step import DAYS_STATE_IS_SOUGHT, LEFT_TO_LIVE_RUNS
from resources.appended import Answer, Answered
from resources.day_store import Landing
from resources.inbox import Capture, NoCapture, is_being_written, read_capture, shown_name
from resources.site import Site
from resources.stage_codec import decode_stage
from touchline.accounting import FetchFate, sha256_hex
from touchline.day import Day, utc_text
from touchline.errors import Bad, TouchlineError, Unavailable
from touchline.fetch import Envelope
from touchline.plan import FeedPlan
from touchline.slot import Slot

Progress = Callable[[str], None]
REASON = "captures from the inbox"


class NotYet(TouchlineError):
    """A day cannot be put right now; says why. It is tried again."""


@dataclass
class InboxReport:
    """What became of what lay in the inbox. `landed` counts captures by how they came to stand in
    the store; `aside` says which files cannot be taken and why, `waiting` what is tried again."""

    landed: Counter[Landing] = field(default_factory=Counter)
    aside: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "landed": self.landed,
            "aside": self.aside,
            "waiting": self.waiting,
            "answers": self.answers,
        }

    @property
    def wrong(self) -> list[str]:
        """What somebody has to look at."""
        return [
            *(f"{name} is set aside: {why}" for name, why in self.aside.items()),
            *(
                f"{given.file} {given.id or '?'}: {given.answer}: {given.says}"
                for given in self.answers
                if given.answer is not Answered.DONE
            ),
        ]


def take_inbox(
    site: Site, plan: FeedPlan, *, run_id: str, progress: Progress = lambda _: None
) -> InboxReport:
    """Take captures first, then what people have asked for and remarked upon.

    Neither files nor data, store or ledger make it raise; OSError of the state folder's disk does.
    """
    inbox, report = site.inbox(plan.name), InboxReport()
    with inbox.alone():
        _look_into_files(site, plan, report)
        landed: dict[Day, list[Capture]] = {}
        for day, captures in groupby(inbox.taken(), key=lambda capture: capture.day):
            progress(f"landing captures of {day}")
            landed[day] = _land_day(Run(site, plan, day, run_id), list(captures), report)
        # All of them land first: what follows from two days is not made twice.
        for day, captures in landed.items():
            if not captures:
                continue
            try:
                _put_right(site, plan, day, {each.slot for each in captures}, progress)
            except (NotYet, Bad, Unavailable) as error:
                report.waiting.append(f"what follows from captures of {day}: {error}")
                continue
            for capture in captures:
                capture.path.unlink()
        report.answers, waiting = answer_lines(site, plan, progress)
        report.waiting += waiting
    site.record.note(failures=report.wrong)
    return report


def _look_into_files(site: Site, plan: FeedPlan, report: InboxReport) -> None:
    inbox, now = site.inbox(plan.name), site.clock.now()
    for path in inbox.files():
        site.record.beat()
        try:
            is_fresh = is_being_written(path, now)
            envelope = read_capture(path.read_bytes())
            _refuse(site, plan, envelope)
        except FileNotFoundError:
            if path.is_symlink():
                report.waiting.append(f"{shown_name(path)} is a link that leads nowhere")
            # Else who left it has taken it back.
        except OSError as error:
            report.waiting.append(f"{shown_name(path)} cannot be read: {error.strerror}")
        except NoCapture as error:
            if is_fresh:
                report.waiting.append(f"{shown_name(path)}: {error}")
            else:
                _set_aside(site, plan, path, str(error), report)
        else:
            inbox.take(path, envelope)


def _refuse(site: Site, plan: FeedPlan, envelope: Envelope) -> None:
    """Raises NoCapture for what is none of this feed's, or can be none."""
    ref = envelope.ref
    if ref.feed != plan.name:
        raise NoCapture(f"it is a fetch of {ref.feed}, and this is the inbox of {plan.name}")
    raw = next((raw for raw in plan.raws if raw.name == ref.slot.raw), None)
    if raw is None:
        there = ", ".join(raw.name for raw in plan.raws)
        raise NoCapture(f"it is a fetch of {ref.slot.raw}, and {plan.name} has {there}")
    last = raw.newest_number(ref.day, site.clock.now())
    if ref.number > last:
        raise NoCapture(f"{ref.day} has minutes 1 to {last}, not {ref.number}")
    if ref.at > site.clock.now():
        raise NoCapture(f"its minute {utc_text(ref.at)} has not begun")
    try:
        raw_object(raw, envelope)
    except Exception as error:  # Whatever its content does, it may not stop the others.
        raise NoCapture(f"its records cannot be counted: {error}") from error


def _set_aside(site: Site, plan: FeedPlan, path: Path, why: str, report: InboxReport) -> None:
    report.aside[site.inbox(plan.name).set_aside(path, why).name] = why


# --- the minute ----------------------------------------------------------------------------------


def _land_day(run: Run, captures: Sequence[Capture], report: InboxReport) -> list[Capture]:
    """Land the captures of the run's day; those that count in their minutes then."""
    site, plan = run.site, run.plan
    run.days.refresh()
    try:
        if any(has_expired(site, asset.name, run.day) for asset in plan.assets):
            for capture in captures:
                _set_aside(site, plan, capture.path, f"{run.day} has expired", report)
            return []
        if site.origin(plan.name) is None:
            site.claim_origin(plan.name, site.settings.origin)
    except Unavailable as error:
        report.waiting.append(f"captures of {run.day}: {error}")
        return []
    return [capture for capture in captures if _land(run, capture, report)]


def _land(run: Run, capture: Capture, report: InboxReport) -> bool:
    try:
        envelope = read_capture(capture.path.read_bytes())
    except NoCapture as error:  # Who wrote it went on writing.
        _set_aside(run.site, run.plan, capture.path, str(error), report)
        return False
    except OSError as error:
        report.waiting.append(f"{capture.path.name} cannot be read: {error.strerror}")
        return False
    raw = run.plan.raw_of(envelope.ref.slot.raw)
    step = run.land(Batch(run, raw.name, False, iter([raw_object(raw, envelope)]), []))
    report.landed.update(step.landed.values())
    findings = (said for said in step.findings if said not in run.remarks)
    problems = [*map(str, step.failures), *findings]
    report.waiting += [f"a capture of {run.day}: {problem}" for problem in problems]
    if problems:
        return False
    if Landing.CONFLICT in step.landed.values():
        capture.path.unlink()  # It is kept beside the one that counts, and nothing follows from it.
        return False
    return True


# --- what follows from it ------------------------------------------------------------------------


def _put_right(
    site: Site, plan: FeedPlan, day: Day, captured: AbstractSet[Slot], progress: Progress
) -> None:
    """Make again what follows from what was captured of this day, and the days behind it while
    what is carried over midnight is another. Raises NotYet, and what is Bad or Unavailable."""
    inbox, right = site.inbox(plan.name), list[Day]()
    behind: Day | None = day
    states = dict[str, str]()
    while behind is not None:
        _wait_for_live_runs(site, plan, behind)
        before = inbox.state_before(behind, _carried(site, plan, behind))
        if behind == day:
            new = _not_taken(site, plan, day, captured)
            _reprocess(site, plan, day, None, new, progress)
        elif inbox.made_from(behind) != states:  # Else it was, and a day behind it waits.
            for stage in states:
                _reprocess(site, plan, behind, stage, frozenset(), progress)
            inbox.was_made_from(behind, states)
        after = _carried(site, plan, behind)
        changed = {name: state for name, state in after.items() if before.get(name) != state}
        states = {name: sha256_hex(state.encode()) for name, state in changed.items()}
        right.append(behind)
        behind = _next_day(site, plan, behind) if states else None
    for each in right:
        inbox.is_right(each)


def _wait_for_live_runs(site: Site, plan: FeedPlan, day: Day) -> None:
    """Of a day at which live runs are at work, an ordered stage could not be made anew to its end.
    Raises NotYet, LedgerUnavailable."""
    for raw in plan.raws:
        fates = site.ledger.fates(raw.name, day)
        newest = max((n for n, fate in fates.items() if fate is FetchFate.LANDED), default=None)
        if newest and site.clock.now() < raw.slot(day, newest).at + LEFT_TO_LIVE_RUNS:
            raise NotYet(
                f"live runs are at work on {day}: what is made of earlier fetches is made anew "
                f"{LEFT_TO_LIVE_RUNS.seconds // 60} minutes after its last one"
            )


def _not_taken(
    site: Site, plan: FeedPlan, day: Day, captured: AbstractSet[Slot]
) -> AbstractSet[Slot]:
    """Those that some stage has nothing of."""
    new: set[Slot] = set()
    for stage in (each for each in plan.stages if each.takes_fetches):
        raw, rows = plan.raw_of(stage.name).name, site.ledger.standing(stage.name, day)
        taken = {number for number, row in rows.items() if row.has_landed}
        new |= {slot for slot in captured if slot.raw == raw and slot.number not in taken}
    return new


def _reprocess(
    site: Site,
    plan: FeedPlan,
    day: Day,
    stage: str | None,
    captured: AbstractSet[Slot],
    progress: Progress,
) -> None:
    """What a day lacks, or all of this stage's day. Raises NotYet and what planning and its work
    raise."""
    named = stage is not None
    made = plan_repair(
        site, plan, day, asset=stage, named=named, captured=captured, progress=progress
    )
    if made.is_empty:
        return
    done = carry_out(site, made, run_id=new_run_id(), reason=REASON, progress=progress)
    if done.failures:
        raise NotYet("; ".join(done.failures))


def _carried(site: Site, plan: FeedPlan, day: Day) -> dict[str, str]:
    """What each ordered stage carries into the next day, as its last fetch of this day has it.
    Raises StoreError, UnreadableObject, UnreadableStageObject."""
    days, carried = site.days(plan.name), dict[str, str]()
    days.refresh()
    for stage in plan.stages:
        last = max(days.index(stage.name, day).numbers, default=None) if stage.ordered else None
        if last is not None:
            body = days.read_back(stage.name, day, last).body
            carried[stage.name] = decode_stage(stage, body).carried_text
    return carried


def _next_day(site: Site, plan: FeedPlan, day: Day) -> Day | None:
    """The next one that an ordered stage goes on with from the state of this day."""
    for later in range(1, DAYS_STATE_IS_SOUGHT + 1):
        if site.ledger.has_landed(plan.name, day.shifted(later)):
            return day.shifted(later)
    return None
