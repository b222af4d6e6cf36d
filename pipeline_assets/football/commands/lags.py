"""`touchline lags`: how far prices and score texts lay apart at the goals of one day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from pipeline_assets.expired import has_expired
from pipeline_assets.football import odds_changes
from pipeline_assets.football.early_odds import in_range
from pipeline_assets.football.goal_moments import GOAL_MARKETS
from pipeline_assets.football.lags import Lags, LagTable
from pipeline_assets.football.odds_change import OddsChange, apply
from pipeline_assets.football.wire.odds import score_of
from pipeline_assets.load import load_table
from resources.parquet import records_of
from resources.site import Site
from touchline.brought import Told, Work
from touchline.day import Day
from touchline.errors import NothingThere

ODDS = odds_changes.stage
BY = ["match_id", "company_id"]
_OF_DAY = "of_day"


def lags(date: Annotated[Day, typer.Option(help="New York day, like 2025-05-28.")]) -> Work:
    def work(site: Site, progress: Callable[[str], None]) -> Told:
        found = _lags_of_day(site, date, progress)
        return Told({"date": str(date), "lags": found}, [_table(date, found)])

    return work


def _lags_of_day(site: Site, day: Day, progress: Callable[[str], None]) -> list[Lags]:
    """Return a row for each company and market with a goal on a New York day, open or sealed.

    A goal belongs to the day whose fetches first showed its text. The day before is read too, for
    matches that were played over midnight. Raises NothingThere where no odds of the day landed,
    DayExpired, StoreError, UnreadableObject, UnreadableStageObject, LakeError.
    """
    progress(f"reading {day}")
    ours = _goal_rows(site, day)
    if not ours.num_rows:
        raise NothingThere(f"no odds of {day} are in {site.where}: another --date, or --prefix?")
    tables = [_marked(ours, of_day=True)]
    before = day.shifted(-1)
    if not has_expired(site, ODDS.name, before):
        progress(f"reading {before} for matches over midnight")
        earlier = _goal_rows(site, before)
        goes_on = pc.field("match_id").isin(ours["match_id"].unique())
        tables.insert(0, _marked(earlier.filter(goes_on), of_day=False))
    found = LagTable()
    for rows, of_day in _matches(pa.concat_tables(tables, promote_options="default")):
        _add(found, rows, of_day)
    return found.rows()


def _goal_rows(site: Site, day: Day) -> pa.Table:
    return load_table(site, ODDS.name, day).filter(pc.field("market").isin(GOAL_MARKETS))


def _marked(table: pa.Table, *, of_day: bool) -> pa.Table:
    return table.append_column(_OF_DAY, pa.array([of_day] * table.num_rows, pa.bool_()))


def _matches(table: pa.Table) -> Iterator[tuple[list[OddsChange], list[bool]]]:
    """Yield the rows of one match and company after the other, in the order in which they came, and
    which of them are of the day."""
    in_order = table.sort_by([(name, "ascending") for name in BY])  # Stable.
    counts = in_order.group_by(BY, use_threads=False).aggregate([([], "count_all")])
    start = 0
    for count in counts["count_all"].to_pylist():
        part = in_order.slice(start, count)
        yield records_of(part, OddsChange), part[_OF_DAY].to_pylist()
        start += count


def _add(found: LagTable, rows: Sequence[OddsChange], of_day: Sequence[bool]) -> None:
    context = max(
        (row.change_time for row, is_ours in zip(rows, of_day, strict=True) if not is_ours),
        default=-1,
    )
    quotes: dict[str, OddsChange] = {}
    apply(rows, quotes)
    markets: dict[str, list[OddsChange]] = {market: [] for market in GOAL_MARKETS}
    for row in sorted(quotes.values(), key=lambda row: (row.change_time, row.k)):
        if in_range(row.v2, row.v3, row.v4) and score_of(row.score) is not None:
            markets[row.market].append(row)
    found.add(rows[0].company_id, markets, since=context + 1)


def _table(day: Day, lags: Sequence[Lags]) -> RenderableType:
    """A row a company and market."""
    if not lags:
        return f"no goal on {day} in a market that was quoted before and after it"
    table = Table(
        title=f"goals of {day}: which comes first, the price or the score text", box=SIMPLE_HEAD
    )
    table.add_column("company", no_wrap=True)
    table.add_column("market")
    for name in ("goals", "price first", "median, longest", "label first", "median, longest"):
        table.add_column(name, justify="right")
    for row in lags:
        table.add_row(
            f"{row.company_id} {row.company}",
            row.market,
            f"{row.goals:,}",
            _share(row.price_first, row.goals),
            _seconds(row.price_first_median_seconds, row.price_first_longest_seconds),
            _share(row.label_first, row.goals),
            _seconds(row.label_first_median_seconds, row.label_first_longest_seconds),
        )
    return table


def _share(count: int, goals: int) -> str:
    return f"{count:,} ({count / goals:.0%})"


def _seconds(median: float | None, longest: int | None) -> str:
    return "" if median is None else f"{median:.0f} s, {longest} s"
