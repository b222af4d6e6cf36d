"""One company's early odds of a match: whose are shown, and which rows are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from pipeline_assets.football.goal_moments import (
    GOAL_MARKETS,
    GOALLESS,
    PRICE_FIRST_COMPANIES,
    ScoreHistory,
    score_history,
)
from pipeline_assets.football.merged_match import OddsIssue
from pipeline_assets.football.wire.fields import Malformed
from pipeline_assets.football.wire.odds import (
    NO_MINUTE,
    OddsRow,
    Phase,
    is_readable_minute,
    markets_of,
    phase_of,
    rows_of,
    score_of,
)

Meta = msgspec.Meta

LAST_EARLY_MINUTE = 10

# In the order in which rows are kept: before kick-off, then minute by minute. Other minutes, such
# as `midfield`, stay in the raw fetch alone.
_EARLY = {NO_MINUTE: -1} | {str(minute): minute for minute in range(LAST_EARLY_MINUTE + 1)}

# No price or line is near these limits, and exact arithmetic on 1e999999999 would take all memory.
_LARGEST_EXPONENT = 9
_MOST_DIGITS = 20

_SNIPPET = 200


class MarketState(StrEnum):
    """Why a market shows what it shows."""

    OK = "ok"
    """At least one open row was kept."""
    CLOSED = "closed"
    """Only closed rows were kept."""
    IN_DOUBT = "in_doubt"
    """All early rows that would be kept follow a jump of the price that no score explains yet."""
    UNKNOWN_PHASE = "unknown_phase"
    """The only rows without a minute are from before kick-off or from play: nobody can tell."""
    GOAL_SCORED = "goal_scored"
    """There were early rows, and all of them came after a goal."""
    ABSENT = "absent"
    """There were no early rows."""


class KeptRow(msgspec.Struct, frozen=True):
    """One quote. `v2`, `v3`, `v4` are home price, handicap and away price (Spread), home, draw and
    away price (MoneyLine), over price, line and under price (O/U, Corners). Prices are decimal for
    MoneyLine and Hong Kong elsewhere."""

    change_time: Annotated[int, Meta(description="Unix s")]
    minute: Annotated[str, Meta(description="minute of play, empty before kick-off")]
    v2: Decimal
    v3: Decimal
    v4: Decimal
    closed: Annotated[int, Meta(description="1 when betting was suspended, else 0")]
    score: Annotated[str, Meta(description="goals `h-a`, for Corners the corner count")]


class MarketRows(msgspec.Struct, frozen=True):
    """The kept rows of each market, pre-match by time, then minutes ascending; null where none."""

    spread: list[KeptRow] | None = None
    money_line: list[KeptRow] | None = None
    over_under: list[KeptRow] | None = None
    corners: list[KeptRow] | None = None


class MarketStates(msgspec.Struct, frozen=True):
    """Why each market shows what it shows: a member of `MarketState`."""

    spread: MarketState
    money_line: MarketState
    over_under: MarketState
    corners: MarketState


class EarlyOdds(msgspec.Struct, frozen=True):
    """The early odds of the company that was chosen."""

    company_id: str
    states: MarketStates
    rows: MarketRows


class OddsProblem(StrEnum):
    """What can be wrong in the odds of the company that is shown."""

    MALFORMED_COMPANY = "malformed_company"
    MALFORMED_MARKET = "malformed_market"
    MALFORMED_ROW = "malformed_row"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    UNREADABLE_SCORE = "unreadable_score"
    """A score that is not two numbers joined by `-`. It is no goal, and its row is set aside."""
    UNREADABLE_MINUTE = "unreadable_minute"
    """A minute that is neither a number nor one of the vendor's words."""


class Known(NamedTuple):
    """What was known of a match when its odds were received.

    `at` is the time of that (Unix s), and no row that changed later is looked at. `scheduled` is
    the scheduled start (Unix s), None where it is not known.
    """

    at: int
    scheduled: int | None = None


def early_odds(
    companies: Mapping[str, msgspec.Raw],
    company_order: Sequence[str],
    known: Known,
    *,
    price_first_companies: Collection[str] = PRICE_FIRST_COMPANIES,
) -> tuple[EarlyOdds | None, list[OddsIssue]]:
    """The early odds of the first company of the order that has data, else of the lowest numeric
    id that has; None when no company has any. Only that company's rows are decoded.

    A malformed company, market or row is left out and noted; the others go on.
    """
    issues: list[OddsIssue] = []
    for company_id in _candidates(companies, company_order):
        markets = _quoted(company_id, companies[company_id], known.at, issues)
        if markets:
            history = score_history(
                markets, known.at, is_price_first=company_id in price_first_companies
            )
            states, rows = _reduced(markets, history, known)
            return EarlyOdds(company_id, states, rows), issues
    return None, issues


def _candidates(companies: Collection[str], company_order: Sequence[str]) -> list[str]:
    preferred = [company_id for company_id in company_order if company_id in companies]
    others = sorted(
        (company_id for company_id in companies if company_id not in company_order),
        key=lambda company_id: (not company_id.isdecimal(), len(company_id), company_id),
    )
    return preferred + others


def _quoted(
    company_id: str, company: msgspec.Raw, at: int, issues: list[OddsIssue]
) -> dict[str, list[OddsRow]]:
    """The non-empty markets of a company, usable rows that changed up to `at` only, oldest first.

    Rows of one moment stand as the vendor has them, newest first like all the others.
    """
    try:
        markets = markets_of(company)
    except Malformed as error:
        issues.append(OddsIssue(OddsProblem.MALFORMED_COMPANY, f"{company_id}: {error}"))
        return {}
    quoted = {}
    for market in ("asia", "eu", "bs", "cr"):
        if market not in markets:
            continue
        where = f"{company_id} {market}"
        try:
            rows = rows_of(markets[market])
        except Malformed as error:
            issues.append(OddsIssue(OddsProblem.MALFORMED_MARKET, f"{where}: {error}"))
            continue
        if rows.bad:
            first = rows.bad[0]
            issues.append(
                OddsIssue(
                    OddsProblem.MALFORMED_ROW,
                    f"{where}: {len(rows.bad)} of {rows.count} rows, the first at {first.index}: "
                    f"{first.why}: {bytes(first.raw)[:_SNIPPET].decode(errors='replace')}",
                )
            )
        usable: list[OddsRow] = []
        odd: dict[OddsProblem, list[str]] = defaultdict(list)
        known = [row for row in rows.good if row.change_time <= at]
        count = len(known) + len(rows.bad)
        for row in known:
            if not in_range(row.v2, row.v3, row.v4):
                odd[OddsProblem.VALUE_OUT_OF_RANGE].append(f"{row.v2} {row.v3} {row.v4}")
            elif score_of(row.score) is None:
                odd[OddsProblem.UNREADABLE_SCORE].append(row.score)
            else:
                usable.append(row)
                if not is_readable_minute(row.minute):
                    odd[OddsProblem.UNREADABLE_MINUTE].append(row.minute)
        for problem, texts in odd.items():
            said = f"{where}: {len(texts)} of {count} rows, the first {texts[0][:_SNIPPET]!r}"
            issues.append(OddsIssue(problem, said))
        if count:
            newest_first = sorted(usable, key=lambda row: row.change_time, reverse=True)
            quoted[market] = newest_first[::-1]
    return quoted


def in_range(*values: Decimal) -> bool:
    """Whether these may be a quote's prices and line, so that one may calculate with them."""
    return all(
        abs(value.adjusted()) <= _LARGEST_EXPONENT and len(value.as_tuple().digits) <= _MOST_DIGITS
        for value in values
    )


def _reduced(
    markets: Mapping[str, list[OddsRow]], history: ScoreHistory, known: Known
) -> tuple[MarketStates, MarketRows]:
    kept = [
        _kept(markets.get(market, ()), market in GOAL_MARKETS, history, known.scheduled)
        for market in ("asia", "eu", "bs", "cr")
    ]
    return MarketStates(*(state for state, _ in kept)), MarketRows(*(rows for _, rows in kept))


def _kept(
    rows: Sequence[OddsRow], counts_goals: bool, history: ScoreHistory, scheduled: int | None
) -> tuple[MarketState, list[KeptRow] | None]:
    """The rows of one market to keep, from its rows oldest first.

    Before kick-off the opening and the closing row, in each minute the first open one. Of a minute
    (or of the time before kick-off) without open rows, the first closed one. All were quoted before
    the first goal, as far as that was known, and none is in doubt.
    """
    first_goal = history.first_goal
    of_minute: dict[str, list[OddsRow]] = defaultdict(list)
    phases: set[Phase] = set()
    has_doubtful = has_goal = False
    for row in rows:
        if row.minute not in _EARLY:
            continue
        if row.minute == NO_MINUTE:
            phase = phase_of(row.minute, row.status, row.change_time, scheduled)
            phases.add(phase)
            if phase is not Phase.PRE_MATCH:
                has_goal = has_goal or (counts_goals and row.score != "0-0")
                continue
        if counts_goals:
            is_before_goal = history.score_at(row.change_time) == GOALLESS
        else:
            # A corner row's own score counts corners: "0-0" there would mean "no corner yet".
            is_before_goal = first_goal is None or row.change_time < first_goal
        if not is_before_goal:
            has_goal = True
        elif history.is_in_doubt(row.change_time):
            has_doubtful = True
        else:
            of_minute[row.minute].append(row)
    if not of_minute:
        if has_doubtful:
            return MarketState.IN_DOUBT, None
        if phases == {Phase.UNKNOWN}:
            return MarketState.UNKNOWN_PHASE, None
        return (MarketState.GOAL_SCORED if has_goal else MarketState.ABSENT), None
    kept: list[OddsRow] = []
    for minute in sorted(of_minute, key=lambda minute: _EARLY[minute]):
        open_rows = [row for row in of_minute[minute] if not row.closed]
        kept.append((open_rows or of_minute[minute])[0])
        if minute == NO_MINUTE and len(open_rows) > 1:
            kept.append(open_rows[-1])
    all_closed = all(row.closed for row in kept)
    return MarketState.CLOSED if all_closed else MarketState.OK, [_as_kept(row) for row in kept]


def _as_kept(row: OddsRow) -> KeptRow:
    return KeptRow(row.change_time, row.minute, row.v2, row.v3, row.v4, row.closed, row.score)
