"""`touchline verify`: the checks of Dagster, run by hand for a day or for all of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from operations.arguments import Deep, Feed, Json, OptionalDay, Prefix
from operations.console import answer, progress
from operations.errors import EXIT_CODES
from operations.next_step import DayAt, next_step
from operations.opened import nothing_known, opened_to_read, plans_of
from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from resources.appended import Remark
from resources.known_days import is_known, known_days
from resources.remarks import remarks_on
from resources.site import Site
from resources.store import StoreError
from touchline.accounting import FetchFate, Outcome, Verdict
from touchline.day import Day
from touchline.errors import Misuse
from touchline.plan import FeedPlan

Remarks = dict[str, list[Remark] | None]
"""By day."""
NotFetched = dict[str, dict[str, int]]
"""By day, how many minutes have no data, by whether the fetch failed or the minute was missed."""
_NUMBERS = ("recorded", "landed", "fetches_expected", "fetches_present")


def verify(
    date: OptionalDay = None,
    every_day: Annotated[
        bool, typer.Option("--all", help="Every day that the ledger or the store knows.")
    ] = False,
    feed: Feed = None,
    deep: Deep = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Compare what was recorded with what really landed."""
    if (date is not None) == every_day:
        today = Day.containing(datetime.now(UTC))
        raise Misuse(f"say which New York day with --date (today is {today}), or --all")

    with opened_to_read(prefix) as site:
        found = verify_days(site, date, feed, deep=deep, progress=progress)
        remarks, not_fetched = _remarks_of(site, found), _not_fetched_of(site, found)
        below = site.settings.s3_prefix
        command = _next_of(found, below)
    days: dict[str, dict[str, Any]] = {}
    for each in found:
        days.setdefault(str(each.day), {})[each.asset] = each.as_dict()
    said = {
        "verdict": overall(found),
        "days": days,
        "not_fetched": not_fetched,
        "remarks": remarks,
        "next": command,
    }
    shown = _shown(found, remarks, not_fetched, below)
    lines = [] if command is None else [f"next: {command}"]
    answer(said, itertools.chain(shown, lines), as_json=as_json)
    raise typer.Exit(EXIT_CODES[overall(found)])


@dataclass(frozen=True)
class AssetVerdict:
    """The checks of one asset on one day as one verdict, the worst of theirs."""

    asset: str
    day: Day
    reports: Sequence[CheckReport]

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(report.verdict for report in self.reports)

    def number(self, name: str) -> int | None:
        """What the first check that knows it says: the checks of records come first, so what was
        recorded and what landed are records."""
        said = (getattr(report, name) for report in self.reports)
        return next((value for value in said if value is not None), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            **{name: self.number(name) for name in _NUMBERS},
            "findings": [found for report in self.reports for found in report.findings],
        }


def verify_days(
    site: Site,
    day: Day | None,
    feed: str | None = None,
    *,
    deep: bool = False,
    progress: Callable[[str], None],
) -> list[AssetVerdict]:
    """Every asset of this day, or of every day that is known, oldest first.

    Raises Misuse for a feed or a day that is not known, and where nothing is.
    """
    plans = plans_of(site, feed)
    found = []
    for plan in plans:
        for each in known_days(site, plan.name) if day is None else _only(site, plan, day):
            known: KnownClaims = {}
            for asset in plan.assets:
                progress(f"verifying {each} {asset.name}")
                reports = check_day(site, plan, asset, each, deep=deep, known=known)
                found.append(AssetVerdict(asset.name, each, reports))
    if not found:
        raise Misuse(nothing_known(site, plans, day))
    return found


def _only(site: Site, plan: FeedPlan, day: Day) -> list[Day]:
    """A day that the ledger knows is checked also while the store is away, which is then said."""
    return [day] if is_known(site, plan.name, day) else []


def overall(verdicts: Iterable[AssetVerdict]) -> Verdict:
    return Verdict.worst(found.verdict for found in verdicts)


def _next_of(verdicts: Sequence[AssetVerdict], prefix: str) -> str | None:
    """The command that helps next with the oldest day that is as bad as the worst."""
    worst = overall(verdicts)
    if worst is Verdict.OK:
        return None
    day = next(found.day for found in verdicts if found.verdict is worst)
    reports = [report for found in verdicts if found.day == day for report in found.reports]
    return next_step(DayAt(day, prefix), reports)


def _remarks_of(site: Site, verdicts: Iterable[AssetVerdict]) -> Remarks:
    """What people have said about these days; None of a day where the store does not tell."""
    found: Remarks = {}
    for day, feed in sorted({(each.day, each.asset.partition("/")[0]) for each in verdicts}):
        try:
            said = remarks_on(site.store, feed, day)
        except StoreError:
            found[str(day)] = None
            continue
        if said:
            found[str(day)] = [*(found.get(str(day)) or ()), *said]
    return found


def _not_fetched_of(site: Site, verdicts: Iterable[AssetVerdict]) -> NotFetched:
    """Of these days, those that have such minutes. Raises LedgerUnavailable."""
    found: dict[str, Counter[str]] = {}
    for day, feed in sorted({(each.day, each.asset.partition("/")[0]) for each in verdicts}):
        raws = (raw.name for raw in site.plans[feed].raws)
        rows = [row for raw in raws for row in site.ledger.fetches(raw, day).values()]
        of_day = found.setdefault(str(day), Counter())
        of_day["failed"] += sum(row.outcome is Outcome.FAILED for row in rows)
        of_day["missed"] += sum(row.fate is FetchFate.MISSED for row in rows)
    return {day: dict(of_day) for day, of_day in found.items() if any(of_day.values())}


_STYLES = {Verdict.OK: "green", Verdict.BAD: "bold red", Verdict.COULD_NOT_CHECK: "bold yellow"}


def _shown(
    verdicts: Sequence[AssetVerdict], remarks: Remarks, not_fetched: NotFetched, prefix: str
) -> Iterator[RenderableType]:
    """A table a day, then each finding on a line of its own, minutes without data, and what people
    have said."""
    for day, of_day in itertools.groupby(verdicts, key=lambda found: found.day):
        table = Table(title=str(day))
        table.add_column("asset", overflow="fold")
        table.add_column("verdict")
        for heading in ("recorded", "landed", "fetches"):
            table.add_column(heading, justify="right")
        for found in of_day:
            table.add_row(
                found.asset,
                f"[{_STYLES[found.verdict]}]{found.verdict}[/]",
                _cell(found.number("recorded")),
                _cell(found.number("landed")),
                f"{_cell(found.number('fetches_present'))} of "
                f"{_cell(found.number('fetches_expected'))}",
            )
        yield table
    yield from finding_lines(verdicts)
    for day, of_day in not_fetched.items():
        counts = f"{of_day['failed']:,} failed, {of_day['missed']:,} missed"
        yield f"{day}: minutes without data: {counts}: {DayAt(Day.parse(day), prefix).losses()}"
    for day, said in remarks.items():
        if said is None:
            yield f"{day}: remarks could not be read"
        for each in said or ():
            about = f" on {each.match}" if each.match else ""
            yield f"{day} {each.by}{about}: {each.says}"


def finding_lines(verdicts: Iterable[AssetVerdict]) -> Iterator[str]:
    """A line for each finding."""
    for found in verdicts:
        for report in found.reports:
            for each in report.findings:
                fetch = "" if each.fetch_number is None else f" fetch {each.fetch_number}:"
                yield f"{found.day} {found.asset}:{fetch} {each.kind}: {each.detail}"


def _cell(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
