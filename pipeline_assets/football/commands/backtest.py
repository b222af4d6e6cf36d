"""`touchline backtest`: what a rule would have done on landed days, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any
from xml.sax.saxutils import escape as escape_xml

import msgspec
import typer
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from pipeline_assets.expired import has_expired
from pipeline_assets.football.alerts.rules import Rule, all_rules
from pipeline_assets.football.alerts.settling import Scoreline
from pipeline_assets.football.backtest import Backtest, Hit
from pipeline_assets.football.backtest import backtest as run_rule
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.landed_alerts import DAYS_TO_AN_OUTCOME
from pipeline_assets.load import load_table
from resources.fetch_object import FetchObject
from resources.parquet import records_of
from resources.site import Site
from resources.stage_codec import decode_stage
from touchline.brought import Told, Work
from touchline.day import Day, FetchNumber, Minute, new_york_text
from touchline.errors import Misuse, NothingThere
from touchline.outcomes import State

DISPLAY = "football/monitor_central"
OUTCOMES = "football/alert_outcomes"
ROWS_AT_ONCE = 5_000


def backtest(
    rule: Annotated[str, typer.Option(help="Rule id, like 3ou_half.")],
    first: Annotated[Day, typer.Option("--from", help="First day.")],
    last: Annotated[Day, typer.Option("--to", help="Last day.")],
    plot: Annotated[Path | None, typer.Option(help="SVG file for the profit hit by hit.")] = None,
) -> Work:
    chosen = rule_named(rule)

    def work(site: Site, progress: Callable[[str], None]) -> Told:
        tried = try_rule(site, chosen, first, last, progress)
        files = {} if plot is None else {plot: plot_of(tried).encode()}
        return Told(msgspec.Raw(json_of(tried)), shown(tried), files)

    return work


class Tried(msgspec.Struct, frozen=True):
    """The result of one rule over these days. No display landed on the days in `without`."""

    rule: str
    version: int
    first: Day
    last: Day
    without: list[Day]
    found: Backtest


def rule_named(rule_id: str) -> Rule[Any]:
    """Raises Misuse, which lists the rules."""
    rules = {rule.rule_id: rule for rule in all_rules()}
    if rule_id not in rules:
        raise Misuse(f"{rule_id!r} is none of the rules: {', '.join(rules)}")
    return rules[rule_id]


def try_rule(
    site: Site, rule: Rule[Any], first: Day, last: Day, progress: Callable[[str], None]
) -> Tried:
    """Run it over the display of these days, wherever that stands, and over the day after while a
    hit of theirs has no end yet.

    Raises NothingThere where no day has a display, StoreError, UnreadableObject,
    UnreadableStageObject, LakeError.
    """
    days = list(_days(first, last))
    without = [day for day in days if not _has_display(site, day)]
    if without == days:
        raise NothingThere(f"no display of {first} to {last} is in {site.where}: another --prefix?")
    known: dict[str, Scoreline] = {}
    for day in _days(first, last.shifted(DAYS_TO_AN_OUTCOME)):
        known |= _ends(site, day)

    def fetches() -> Iterator[tuple[Minute, list[MonitorRecord]]]:
        for day in [*days, last.shifted(1)]:
            if _has_display(site, day):
                progress(f"reading {day}")
                yield from _display(site, day)

    found = run_rule(rule, fetches(), known, until=last.end)
    return Tried(rule.rule_id, rule.version, first, last, without, found)


def _days(first: Day, last: Day) -> Iterator[Day]:
    day = first
    while day <= last:
        yield day
        day = day.shifted(1)


def _has_display(site: Site, day: Day) -> bool:
    if has_expired(site, DISPLAY, day):
        return False
    return bool(site.days(site.stages[DISPLAY].feed).index(DISPLAY, day).numbers)


def _ends(site: Site, day: Day) -> dict[str, Scoreline]:
    """How matches ended by the outcomes that landed on a day, whatever rule they are of."""
    if has_expired(site, OUTCOMES, day):
        return {}
    rows = load_table(site, OUTCOMES, day).to_pylist()
    return {
        row["match_id"]: Scoreline(
            row["final_status_id"],
            row["final_home"],
            row["final_away"],
            row["ht_home"],
            row["ht_away"],
        )
        for row in rows
        if row["state"] in (State.WON, State.LOST, State.VOID)
    }


def _display(site: Site, day: Day) -> Iterator[tuple[Minute, list[MonitorRecord]]]:
    """The display's records fetch by fetch, a part of the day in memory at a time. A fetch that
    shows no match is none here."""
    for number, group in groupby(_records(site, day), key=itemgetter(0)):
        yield day.minute(number), [record for _, record in group]


def _records(site: Site, day: Day) -> Iterator[tuple[FetchNumber, MonitorRecord]]:
    stage = site.stages[DISPLAY]
    for part in site.days(stage.feed).parts(DISPLAY, day):
        if isinstance(part, FetchObject):
            for record in decode_stage(stage, part.body).records:
                yield part.ref.number, record
            continue
        for start in range(0, part.num_rows, ROWS_AT_ONCE):
            rows = part.slice(start, ROWS_AT_ONCE)
            numbers = rows.column("fetch_number").to_pylist()
            yield from zip(numbers, records_of(rows, MonitorRecord), strict=True)


def json_of(tried: Tried) -> bytes:
    found = tried.found
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    return encoder.encode(
        {
            "rule": tried.rule,
            "version": tried.version,
            "from": str(tried.first),
            "to": str(tried.last),
            "days_without_display": [str(day) for day in tried.without],
            "fetches": found.fetches,
            "fates": found.fates,
            "summary": {
                **msgspec.structs.asdict(found.tally),
                "staked": found.staked,
                "profit": found.profit,
                "profit_per_unit": found.yield_per_unit,
            },
            "hits": found.hits,
        }
    )


def shown(tried: Tried) -> Iterator[RenderableType]:
    """A row a hit, then the sums; a rule that never fired says what kept it from it."""
    found = tried.found
    if found.hits:
        table = Table(title=f"{tried.rule}, {tried.first} to {tried.last}")
        for name in ("fired, New York", "match", "end", "outcome", "why"):
            table.add_column(name)
        table.add_column("profit", justify="right")
        for hit in found.hits:
            table.add_row(*_row(hit))
        yield table
    else:
        yield f"{tried.rule} never fired in {found.fetches:,} fetches"
    fates = ", ".join(f"{fate} {count:,}" for fate, count in found.fates.items())
    yield f"of {sum(found.fates.values()):,} records: {fates or 'none'}"
    if found.hits:
        yield _sums(found)
    if tried.without:
        yield f"without a display: {', '.join(map(str, tried.without))}"


def _row(hit: Hit) -> tuple[str, ...]:
    end = "" if hit.final_home is None else f"{hit.final_home}-{hit.final_away}"
    return (
        new_york_text(hit.at_utc),
        escape(_teams(hit)),
        end,
        hit.state,
        hit.reason,
        (hit.no_return or "") if hit.profit is None else f"{hit.profit:+.2f}",
    )


def _sums(found: Backtest) -> str:
    alerts = found.tally.alerts
    said = f"{alerts} {'hit' if alerts == 1 else 'hits'}: {found.tally}"
    if found.profit is None:
        return f"{said}; the rule names no bet"
    if found.yield_per_unit is None:
        return f"{said}; nothing was staked"
    return (
        f"{said}; {found.staked} units staked, profit {found.profit:+.2f}, "
        f"{found.yield_per_unit:+.1%} a unit"
    )


# --- the picture ---------------------------------------------------------------------------------

WIDE, HIGH, MARGIN = 900, 300, 50
_COLORS = {State.WON: "#2f9e78", State.LOST: "#d8334a", State.VOID: "#98a4b1"}
_OTHER = "#4b8fe2"


def plot_of(tried: Tried) -> str:
    """The sum of profit per unit staked after each hit in turn; of a rule that names no bet, wins
    less losses. Each hit is a dot in the color of its outcome, with its match as its title."""
    hits = tried.found.hits
    has_bet = tried.found.profit is not None
    points = {State.WON: Decimal(1), State.LOST: Decimal(-1)}
    steps = [hit.profit if has_bet else points.get(hit.state) for hit in hits]
    sums = list(accumulate((step or Decimal(0) for step in steps), initial=Decimal(0)))
    what = "profit in units, one staked a hit" if has_bet else "hits won less hits lost"
    title = f"{tried.rule}, {tried.first} to {tried.last}: {what}"
    low, high = min(sums), max(sums)
    span = max(high - low, Decimal(1))

    def x(place: int) -> float:
        return round(MARGIN + place * (WIDE - 2 * MARGIN) / max(1, len(hits)), 1)

    def y(value: Decimal) -> float:
        return round(float(HIGH - MARGIN - (value - low) / span * (HIGH - 2 * MARGIN)), 1)

    line = " ".join(f"{x(place)},{y(value)}" for place, value in enumerate(sums))
    dots = [
        f'<circle cx="{x(place)}" cy="{y(sums[place])}" r="4" '
        f'fill="{_COLORS.get(hit.state, _OTHER)}"><title>{_title(hit)}</title></circle>'
        for place, hit in enumerate(hits, start=1)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
            f'font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>',
            f'<text x="{MARGIN}" y="25">{escape_xml(title)}</text>',
            *_axis([value for value in (low, Decimal(0), high) if _has_room(value, span)], y),
            f'<polyline points="{line}" fill="none" stroke="#4b5563" stroke-width="1.5"/>',
            *(dots or [f'<text x="{MARGIN}" y="{HIGH // 2}">it never fired</text>']),
            "</svg>",
        ]
    )


def _axis(values: Sequence[Decimal], y: Callable[[Decimal], float]) -> list[str]:
    return [
        f'<line x1="{MARGIN}" x2="{WIDE - MARGIN}" y1="{y(value)}" y2="{y(value)}" '
        f'stroke="#d1d5db"/><text x="{MARGIN - 6}" y="{y(value) + 4}" text-anchor="end">'
        f"{value:+.1f}</text>"
        for value in values
    ]


def _has_room(value: Decimal, span: Decimal) -> bool:
    """Whether its label stands clear of that of zero."""
    return not value or abs(value) / span > Decimal("0.1")


def _title(hit: Hit) -> str:
    return escape_xml(f"{_teams(hit)}: {hit.state}")


def _teams(hit: Hit) -> str:
    return f"{hit.home_team or 'unknown'} vs {hit.away_team or 'unknown'}"
