"""`touchline report`: a day as one HTML page that asks nobody for anything.

What a page shows is worked out here, without I/O, from the day's state; the template beside this
file only says where it stands. Every text in it is escaped there, since names come from the vendor.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment

from operations.arguments import DayArgument, Deep, Prefix
from operations.commands.losses import losses_alike
from operations.console import answer, progress, span, whole
from operations.errors import EXIT_CODES
from operations.next_step import DayAt, next_step
from operations.opened import nothing_known, opened_to_read, plans_of
from pipeline_assets.checks.report import CheckReport
from pipeline_assets.checks.specs import CHECKS
from pipeline_assets.day_state import (
    TO_LOOK_AT,
    Cell,
    DayState,
    Run,
    read_day_state,
)
from pipeline_assets.minute_state import LEGEND, MinuteState
from pipeline_assets.pages import templates
from pipeline_assets.pages.pictures import (
    Clock,
    chart,
    hour_rows,
    parts,
    short,
    shown_minutes,
    strip,
    ticks,
)
from resources.known_days import is_known
from touchline.day import new_york_text
from touchline.errors import Misuse
from touchline.plan import subject_word

LISTED_RUNS = 200
"""So many rows of minutes to look at are listed; the pictures show all of them."""


def report(
    day: DayArgument,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or folder for the page's own name. [default: this folder]"),
    ] = None,
    feed: Annotated[str | None, typer.Option(help="Feed. [default: the first]")] = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout; a page only with --out.")
    ] = False,
) -> None:
    """Write a day as one HTML page: each minute, where records went, alerts, losses, verdicts."""
    with opened_to_read(prefix) as site:
        plan = plans_of(site, feed)[0]
        if not is_known(site, plan.name, day):
            raise Misuse(nothing_known(site, [plan], day))
        state = read_day_state(site, plan, day, deep=deep, progress=progress)
        page = render(state, prefix=site.settings.s3_prefix)
        command = next_of(state, site.settings.s3_prefix)
    if out is None and not as_json:
        out = Path()
    if out is not None:
        out = out / file_name(state) if out.is_dir() else out
        with whole(out) as file:
            file.write(page.encode())
    said = state.as_dict() | {"page": out and str(out), "next": command}
    answer(said, [str(out)], as_json=as_json)
    if command is not None and not as_json:
        progress(f"next: {command}")
    raise typer.Exit(EXIT_CODES[state.verdict])


@dataclass(frozen=True)
class LookAt:
    """Minutes in a row that somebody may want to look at, in these assets."""

    assets: str
    when: str
    fetches: str
    run: Run


def render(state: DayState, *, prefix: str = "") -> str:
    """The page. `prefix` is that of the store, for the commands that it names."""
    worst = state.worst
    clock = Clock(state.day, len(worst))
    first, last = shown_minutes(worst)
    at = DayAt(state.day, prefix)
    return _TEMPLATE.render(
        state=state,
        date=f"{state.day.date:%A, %B} {state.day.date.day}, {state.day.date.year}",
        read=new_york_text(state.read),
        prefix=prefix,
        seen=_watched(state, clock),
        figures=_figures(state, worst),
        said=LEGEND,
        legend=Counter(cell.state for cell in worst),
        kinds={cell.state for asset in state.assets for cell in asset.cells},
        hours=list(hour_rows(state, worst, clock, first, last)),
        strips=[strip(asset, clock, first, last) for asset in state.assets],
        ticks=ticks(clock, first, last),
        look_at=list(itertools.islice(minutes_to_look_at(state, clock), LISTED_RUNS)),
        flows=[(asset, parts(asset)) for asset in state.assets],
        charts=[chart(asset, clock, first, last) for asset in state.odds],
        alerts=[(clock.at(alert.number), alert) for alert in state.alerts],
        subject=subject_word(state.subject),
        losses=list(losses_alike(state.losses)),
        next_step=next_of(state, prefix),
        reprocess=at.reprocess(),
        verify=at.verify("--deep"),
        checks=CHECKS,
        verdicts=[(asset, _by_check(asset.reports)) for asset in state.assets],
    )


def next_of(state: DayState, prefix: str) -> str | None:
    """The command that helps next with this day; None where all is well."""
    given_up = {(loss.asset, loss.fetch_number) for loss in state.losses if not loss.recoverable}
    reports = [report for asset in state.assets for report in asset.reports]
    return next_step(DayAt(state.day, prefix), reports, given_up)


def file_name(state: DayState) -> str:
    return f"touchline-{state.feed}-{state.day}.html"


def minutes_to_look_at(state: DayState, clock: Clock) -> Iterator[LookAt]:
    """In the order of the day; what is the same in several assets is told once."""
    alike: dict[tuple[int, int, MinuteState, str], list[tuple[str, Run]]] = {}
    for asset in state.assets:
        for run in asset.runs():
            if run.state in TO_LOOK_AT:
                same = (run.first, run.last, run.state, run.what)
                alike.setdefault(same, []).append((short(asset.name), run))
    for _, told in sorted(alike.items(), key=lambda each: each[0][:2]):
        names, run = [name for name, _ in told], told[0][1]
        yield LookAt(
            "all assets" if len(names) == len(state.assets) > 1 else ", ".join(names),
            clock.between(run.first, run.last),
            span(range(run.first, run.last + 1)),
            run,
        )


def _figures(state: DayState, worst: Sequence[Cell]) -> list[tuple[str, str, MinuteState | None]]:
    """What the head of the page says: a number, what it counts, and its color."""
    raws = [asset for asset in state.assets if asset.name in state.watched]
    fetches = [cell.state for asset in raws for cell in asset.cells]
    landed = sum(each in (MinuteState.LANDED, MinuteState.EMPTY) for each in fetches)
    missed = fetches.count(MinuteState.MISSED)
    open_losses = [loss for loss in state.losses if loss.is_open]
    bad = sum(cell.state in (MinuteState.BAD, MinuteState.UNCHECKED) for cell in worst)
    return [
        (f"{landed:,} of {state.expected:,}", "expected minutes landed", None),
        (f"{missed:,}", "minutes missed", MinuteState.MISSED if missed else None),
        (f"{bad:,}", "minutes with a failed check", MinuteState.BAD if bad else None),
        (f"{len(open_losses):,}", "open losses", MinuteState.BAD if open_losses else None),
        *((f"{asset.account.emitted:,}", f"{asset.counts} fetched", None) for asset in raws),
        *((f"{asset.account.emitted:,}", asset.counts, None) for asset in state.odds),
        (f"{len(state.alerts):,}", "alerts", None),
    ]


def _watched(state: DayState, clock: Clock) -> str:
    numbers = sorted(frozenset().union(*state.watched.values()))
    spans = itertools.groupby(enumerate(numbers), key=lambda each: each[1] - each[0])
    said = []
    for _, group in spans:
        together = [number for _, number in group]
        said.append(clock.between(together[0], together[-1]))
    return f"watched {', '.join(said)}" if said else "which nobody watched"


def _by_check(reports: Iterable[CheckReport]) -> Mapping[str, CheckReport]:
    return {report.check: report for report in reports}


def _environment() -> Environment:
    found = templates(Path(__file__).parents[1])
    found.filters["short"] = short
    found.filters["count"] = lambda value: "?" if value is None else f"{value:,}"
    return found


_TEMPLATE = _environment().get_template("report.html.jinja")
