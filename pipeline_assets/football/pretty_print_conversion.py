"""US odds, units and texts for each reduced match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.documents import fetch_document, match_counts
from pipeline_assets.football.environment import (
    Environment,
    EnvironmentIssue,
    convert_environment,
)
from pipeline_assets.football.pretty_print import (
    KeptRow,
    MarketRows,
    ReducedMatch,
    by_market,
    reduced_document,
)
from pipeline_assets.football.prices import Price
from pipeline_assets.football.wire.fields import Noticed, Unread
from pipeline_assets.football.wire.odds import NO_MINUTE
from touchline.fetch import FetchRef
from touchline.stage import Content, Stage, Staged

Meta = msgspec.Meta

# Which minute's row is shown, the first of these that has an open one. Before kick-off is the
# last resort.
_MINUTES_BY_PREFERENCE = [str(minute) for minute in (3, *range(4, 11), 2, 1, 0)]

_SNIPPET = 200

American = Annotated[str | None, Meta(description="American price, null where it pays nothing")]


class Spread(msgspec.Struct, frozen=True):
    """The shown Asian handicap; positive means that home gives goals."""

    time_of_match: Annotated[str, Meta(description="minute of play, empty before kick-off")]
    home: American
    spread: Decimal
    away: American


class MoneyLine(msgspec.Struct, frozen=True):
    """The shown match-winner prices."""

    time_of_match: Annotated[str, Meta(description="minute of play, empty before kick-off")]
    home: American
    tie: American
    away: American


class Total(msgspec.Struct, frozen=True):
    """The shown over/under prices and their line."""

    time_of_match: Annotated[str, Meta(description="minute of play, empty before kick-off")]
    over: American
    total: Decimal
    under: American


class ConvertedOdds(msgspec.Struct, frozen=True):
    """What is shown of each market, null where nothing is."""

    spread: Spread | None
    money_line: MoneyLine | None
    over_under: Total | None
    corners: Total | None


class PrematchMoneyLine(msgspec.Struct, frozen=True):
    """The closing pre-match prices on the winner; null where a price pays nothing."""

    home: American
    tie: American
    away: American
    home_decimal: Decimal | None
    draw_decimal: Decimal | None
    away_decimal: Decimal | None


class ConvertedMatch(ReducedMatch, frozen=True):
    """A reduced match with US odds, units and texts. `converted_odds` is null when no market shows
    anything, `prematch_money_line` when there was no open pre-match quote on the winner."""

    formatted_live_score: Annotated[str | None, Meta(description="null when it is unknown")]
    converted_odds: ConvertedOdds | None
    prematch_money_line: PrematchMoneyLine | None
    environment: Environment
    environment_issues: list[EnvironmentIssue]


class Reason(StrEnum):
    """A match is quarantined here only by an unexpected error."""


def pretty_print_conversion(
    fetch: FetchRef, reduced: Iterable[ReducedMatch]
) -> Staged[ConvertedMatch]:
    """Convert each match; every one flows through. Weather that cannot be read is a finding."""
    staged = Staged[ConvertedMatch]()
    noticed = Noticed()
    for match in reduced:
        with staged.one_record(match.match_id, raw=match):
            converted = _converted(match)
            for issue in converted.environment_issues:
                where = f"{match.match_id}: {issue.text[:_SNIPPET]}"
                noticed.note(Unread.UNREAD_FIELD, issue.name, where)
            staged.emit(converted)
    staged.findings.extend(noticed.findings())
    return staged


def _converted(match: ReducedMatch) -> ConvertedMatch:
    environment, issues = _environment(match.match_details.environment)
    return ConvertedMatch(
        **msgspec.structs.asdict(match),
        formatted_live_score=_live_score(match),
        converted_odds=match.odds and _converted_odds(match.odds),
        prematch_money_line=match.odds and _prematch_money_line(match.odds.money_line),
        environment=environment,
        environment_issues=issues,
    )


def _environment(raw: msgspec.Raw | None) -> tuple[Environment, list[EnvironmentIssue]]:
    try:
        return convert_environment(raw and msgspec.json.decode(raw))
    except msgspec.DecodeError as error:  # Such as a number beyond any.
        return Environment(), [EnvironmentIssue("environment", str(error))]


def _live_score(match: ReducedMatch) -> str | None:
    """None where a goal that it would show is unknown."""
    score = match.live_data.parsed_score
    if score is None or score.home_detailed is None or score.away_detailed is None:
        return None
    home, away = score.home_detailed, score.away_detailed
    goals = (home.score_regular, away.score_regular, home.score_halftime, away.score_halftime)
    if None in goals:
        return None
    return "Live Score: {}-{} (HT: {}-{})".format(*goals)


def shown_row(rows: Sequence[KeptRow] | None) -> KeptRow | None:
    """The one row of a market to show, among open ones alone: minute 3, else the first of 4 to 10,
    else the last of 0 to 2, else the closing pre-match row."""
    open_in: dict[str, KeptRow] = {row.minute: row for row in rows or () if not row.closed}
    for minute in (*_MINUTES_BY_PREFERENCE, NO_MINUTE):
        if minute in open_in:
            return open_in[minute]
    return None


def _converted_odds(odds: MarketRows) -> ConvertedOdds | None:
    spread = shown_row(odds.spread)
    money_line = shown_row(odds.money_line)
    converted = ConvertedOdds(
        spread=spread
        and Spread(spread.minute, _hong_kong(spread.v2), spread.v3, _hong_kong(spread.v4)),
        money_line=money_line
        and MoneyLine(
            money_line.minute,
            _decimal(money_line.v2),
            _decimal(money_line.v3),
            _decimal(money_line.v4),
        ),
        over_under=_total(shown_row(odds.over_under)),
        corners=_total(shown_row(odds.corners)),
    )
    return converted if any(by_market(converted).values()) else None


def _total(row: KeptRow | None) -> Total | None:
    return row and Total(row.minute, _hong_kong(row.v2), row.v3, _hong_kong(row.v4))


def _prematch_money_line(rows: Sequence[KeptRow] | None) -> PrematchMoneyLine | None:
    closing = shown_row([row for row in rows or () if row.minute == NO_MINUTE])
    if closing is None:
        return None
    home, draw, away = closing.v2, closing.v3, closing.v4
    return PrematchMoneyLine(
        home=_decimal(home),
        tie=_decimal(draw),
        away=_decimal(away),
        home_decimal=_paying(home),
        draw_decimal=_paying(draw),
        away_decimal=_paying(away),
    )


def _hong_kong(price: Decimal) -> str | None:
    found = Price.of_hong_kong(price)
    return found and found.american


def _decimal(price: Decimal) -> str | None:
    found = Price.of_decimal(price)
    return found and found.american


def _paying(price: Decimal) -> Decimal | None:
    return price if Price.of_decimal(price) else None


def _spread_document(shown: Spread) -> dict[str, Any]:
    return {
        "time_of_match": shown.time_of_match,
        "Home": shown.home,
        "Spread": shown.spread,
        "Away": shown.away,
    }


def _money_line_document(shown: MoneyLine) -> dict[str, Any]:
    return {
        "time_of_match": shown.time_of_match,
        "Home": shown.home,
        "Tie": shown.tie,
        "Away": shown.away,
    }


def _total_document(shown: Total) -> dict[str, Any]:
    return {
        "time_of_match": shown.time_of_match,
        "Over": shown.over,
        "Total": shown.total,
        "Under": shown.under,
    }


def odds_document(odds: ConvertedOdds | None) -> dict[str, list[dict[str, Any]]] | None:
    """The shown row of each market as a list of one, under the names that documents use."""
    if odds is None:
        return None
    documents = {
        "Spread": odds.spread and _spread_document(odds.spread),
        "MoneyLine": odds.money_line and _money_line_document(odds.money_line),
        "O/U": odds.over_under and _total_document(odds.over_under),
        "Corners": odds.corners and _total_document(odds.corners),
    }
    return {market: [document] for market, document in documents.items() if document}


def _prematch_document(prices: PrematchMoneyLine | None) -> dict[str, Any] | None:
    if prices is None:
        return None
    american = {"Home": prices.home, "Tie": prices.tie, "Away": prices.away}
    return {"MoneyLine": american | decimal_prices(prices)}


def decimal_prices(prices: PrematchMoneyLine) -> dict[str, Decimal | None]:
    return {
        "home_decimal": prices.home_decimal,
        "draw_decimal": prices.draw_decimal,
        "away_decimal": prices.away_decimal,
    }


def converted_document(match: ConvertedMatch) -> dict[str, Any]:
    """One match as the daily log shows it."""
    document = reduced_document(match)
    del document["prematch_money_line"]
    return document | {
        "converted_odds": odds_document(match.converted_odds),
        "prematch_odds": _prematch_document(match.prematch_money_line),
    }


def conversion_document(fetch: FetchRef, content: Content[ConvertedMatch]) -> dict[str, Any]:
    """The documented JSON of one fetch of this stage."""
    return fetch_document(
        fetch,
        content,
        stage=stage.name,
        body={"matches": [converted_document(match) for match in content.records]},
        counts=match_counts(match.status_id for match in content.records),
    )


stage = Stage(
    name="football/pretty_print_conversion",
    inputs=("football/pretty_print",),
    makes=ConvertedMatch,
    by=pretty_print_conversion,
    key=lambda match: match.match_id,
    reasons=Reason,
    counts="matches",
    misread=(*Unread,),
    doc="Each match with American prices for one shown row a market, US weather units and a score.",
    export=conversion_document,
)
