"""`touchline backtest`: what a rule would have done on landed days, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from operations.opened import NothingThere
from pipeline_assets.expired import has_expired
from pipeline_assets.football.alerts.rules import Rule, all_rules
from pipeline_assets.football.alerts.settling import Scoreline
from pipeline_assets.football.backtest import Backtest, Hit, backtest
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.landed_alerts import DAYS_TO_AN_OUTCOME
from pipeline_assets.load import load_table
from resources.fetch_object import FetchObject
from resources.parquet import records_of
from resources.site import Site
from resources.stage_codec import decode_stage
from touchline.day import Day, FetchNumber, Minute, new_york_text
from touchline.errors import Misuse
from touchline.outcomes import State

DISPLAY = "football/monitor_central"
OUTCOMES = "football/alert_outcomes"
ROWS_AT_ONCE = 5_000


class Tried(msgspec.Struct, frozen=True):
    """What a rule did on these days; `without` are those of which no display landed."""

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
        where = f"s3://{site.store.bucket}/{site.store.prefix}"
        raise NothingThere(f"no display of {first} to {last} is in {where}: another --prefix?")
    known: dict[str, Scoreline] = {}
    for day in _days(first, last.shifted(DAYS_TO_AN_OUTCOME)):
        known |= _ends(site, day)

    def fetches() -> Iterator[tuple[Minute, list[MonitorRecord]]]:
        for day in [*days, last.shifted(1)]:
            if _has_display(site, day):
                progress(f"reading {day}")
                yield from _display(site, day)

    found = backtest(rule, fetches(), known, until=last.end)
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


def as_json(tried: Tried) -> bytes:
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


def show(tried: Tried, console: Console) -> None:
    """A row a hit, then the sums; a rule that never fired says what kept it from it."""
    found = tried.found
    say = partial(console.print, markup=False, soft_wrap=True)
    if found.hits:
        table = Table(title=f"{tried.rule}, {tried.first} to {tried.last}")
        for name in ("fired, New York", "match", "end", "outcome", "why"):
            table.add_column(name)
        table.add_column("profit", justify="right")
        for hit in found.hits:
            table.add_row(*_row(hit))
        console.print(table)
    else:
        say(f"{tried.rule} never fired in {found.fetches:,} fetches")
    fates = ", ".join(f"{fate} {count:,}" for fate, count in found.fates.items())
    say(f"of {sum(found.fates.values()):,} records: {fates or 'none'}")
    if found.hits:
        say(_sums(found))
    if tried.without:
        say(f"without a display: {', '.join(map(str, tried.without))}")


def _row(hit: Hit) -> tuple[str, ...]:
    names = f"{hit.home_team or 'unknown'} vs {hit.away_team or 'unknown'}"
    end = "" if hit.final_home is None else f"{hit.final_home}-{hit.final_away}"
    return (
        new_york_text(hit.at_utc),
        escape(names),
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
