"""Each match reduced to what is looked at: one company's early odds, VAR incidents, names.

Everything removed stays available in the raw fetch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.documents import fetch_document, match_counts
from pipeline_assets.football.early_odds import (
    KeptRow,
    Known,
    MarketRows,
    MarketState,
    MarketStates,
    early_odds,
)
from pipeline_assets.football.merged_match import (
    CompetitionPart,
    MergedMatch,
    MissingPart,
    OddsIssue,
    OddsReference,
    ParsedDetails,
    TeamPart,
)
from pipeline_assets.football.wire.codes import VAR_TYPE, company_name
from pipeline_assets.football.wire.fetched import ODDS, by_uuid
from pipeline_assets.football.wire.fields import Malformed, elements, members, results_of
from pipeline_assets.football.wire.live import ParsedScore, type_of
from pipeline_assets.football.wire.odds import companies_of
from touchline.day import ONE_MINUTE
from touchline.fetch import Envelope, FetchRef, IndexEntry
from touchline.stage import Content, Stage, Staged, Unusable

__all__ = [
    "KeptRow",
    "MarketRows",
    "MarketState",
    "MarketStates",
    "ReducedMatch",
    "by_market",
    "pretty_print",
    "reduced_document",
    "stage",
]

Meta = msgspec.Meta

COMPANY_ORDER = ("2",)
"""Whose odds are shown: the first of these with data, else the lowest numeric id with data."""

MARKET_NAMES = {
    "spread": "Spread",
    "money_line": "MoneyLine",
    "over_under": "O/U",
    "corners": "Corners",
}
"""What documents call the markets' columns."""

GOAL_SCORED_TEXT = "Goal scored - odds invalid"


class ReducedLiveData(msgspec.Struct, frozen=True):
    """The live list's entry without statistics and commentary."""

    raw_score_array: msgspec.Raw
    parsed_score: ParsedScore | None
    incidents: Annotated[list[msgspec.Raw], Meta(description="VAR incidents alone, as received")]


class ReducedDetails(msgspec.Struct, frozen=True):
    """The match's detail; of the vendor's own record the environment alone."""

    environment: Annotated[msgspec.Raw | None, Meta(description="as received")]
    parsed_details: ParsedDetails | None


class ReducedMatch(msgspec.Struct, frozen=True):
    """A live match with the early odds of one company and its VAR incidents.

    The odds fields are null when no company quotes the match.
    """

    match_id: str
    status_id: int | None
    status_conflict: Annotated[
        bool, Meta(description="the live list and the detail name different statuses")
    ]
    live_data: ReducedLiveData
    match_details: ReducedDetails
    home_team: TeamPart
    away_team: TeamPart
    competition: CompetitionPart
    missing: list[MissingPart]
    odds_company_id: str | None
    odds_company_name: str | None
    odds_company_fallback: Annotated[
        bool | None, Meta(description="true when it is not the first company of the order")
    ]
    odds_states: MarketStates | None
    odds: MarketRows | None
    odds_issues: list[OddsIssue]


class Reason(StrEnum):
    """Why a match is quarantined here."""

    ODDS_NOT_IN_RAW_FETCH = "odds_not_in_raw_fetch"
    """The merged record refers to odds that this raw fetch does not hold."""


def pretty_print(
    fetch: FetchRef,
    merged: Iterable[MergedMatch],
    raw: Envelope,
    *,
    company_order: Sequence[str] = COMPANY_ORDER,
) -> Staged[ReducedMatch]:
    """Reduce each match; `raw` is the fetch that `merged` was made from.

    A match that cannot be reduced is quarantined and never passed on unreduced.
    """
    staged = Staged[ReducedMatch]()
    odds_calls = by_uuid(raw, ODDS)
    for match in merged:
        with staged.one_record(match.match_id, raw=match):
            companies = {}
            details = match.match_details.parsed_details
            entry = odds_calls.get(match.match_id)
            if match.odds is not None:
                companies = _companies(raw, entry, match.odds.raw_odds_data)
            received_at = (entry and entry.received_at) or fetch.at + ONE_MINUTE
            known = Known(int(received_at.timestamp()), details and details.match_time)
            staged.emit(_reduced(match, companies, known, company_order))
    return staged


def _companies(
    raw: Envelope, entry: IndexEntry | None, reference: OddsReference
) -> dict[str, msgspec.Raw]:
    """The match's odds by company, after making sure that they are those it was merged with: the
    raw fetch may have been replaced since."""
    if entry is None or (entry.offset, entry.sha256) != (reference.offset, reference.sha256):
        raise Unusable(
            Reason.ODDS_NOT_IN_RAW_FETCH,
            f"its odds no longer stand at {reference.offset}: merge this fetch again",
        )
    return companies_of(results_of(raw.stored(entry)))


def _reduced(
    match: MergedMatch,
    companies: Mapping[str, msgspec.Raw],
    known: Known,
    company_order: Sequence[str],
) -> ReducedMatch:
    early, issues = early_odds(companies, company_order, known)
    return ReducedMatch(
        match_id=match.match_id,
        status_id=match.status_id,
        status_conflict=match.status_conflict,
        live_data=ReducedLiveData(
            raw_score_array=match.live_data.raw_score_array,
            parsed_score=match.live_data.parsed_score,
            incidents=_var_incidents(match.live_data.incidents),
        ),
        match_details=ReducedDetails(
            environment=_environment(match.match_details.raw_match_details),
            parsed_details=match.match_details.parsed_details,
        ),
        home_team=match.home_team,
        away_team=match.away_team,
        competition=match.competition,
        missing=match.missing,
        odds_company_id=early and early.company_id,
        odds_company_name=early and company_name(early.company_id),
        odds_company_fallback=early and early.company_id not in company_order[:1],
        odds_states=early and early.states,
        odds=early and early.rows,
        odds_issues=[*match.odds_issues, *issues],
    )


def _var_incidents(incidents: msgspec.Raw | None) -> list[msgspec.Raw]:
    found = [] if incidents is None else elements(incidents, "incidents")
    return [one for one in found if _is_review(one)]


def _is_review(incident: msgspec.Raw) -> bool:
    try:
        return type_of(incident) == VAR_TYPE
    except Malformed:
        return False  # The merge has named it.


def _environment(details: msgspec.Raw | None) -> msgspec.Raw | None:
    try:
        return None if details is None else members(details, "match detail").get("environment")
    except Malformed:
        return None  # A detail that is no object is among the missing parts already.


def by_market(columns: msgspec.Struct) -> dict[str, Any]:
    """The value of each market under the name that documents use."""
    return {name: getattr(columns, column) for column, name in MARKET_NAMES.items()}


def _rows_document(rows: Sequence[KeptRow] | None, state: MarketState) -> Any:
    if state is MarketState.GOAL_SCORED:
        return GOAL_SCORED_TEXT
    return rows and [msgspec.structs.astuple(row) for row in rows]


def reduced_document(match: ReducedMatch) -> dict[str, Any]:
    """Return one match as the daily log shows it.

    A market without rows is a text for people after a goal, null while in doubt or of unknown
    phase, and left out where there are none; code reads `odds_states`.
    """
    odds: dict[str, Any] | None = None
    if match.odds and match.odds_states:
        rows_of = by_market(match.odds)
        odds = {
            market: _rows_document(rows_of[market], state)
            for market, state in by_market(match.odds_states).items()
            if state is not MarketState.ABSENT
        }
    return msgspec.structs.asdict(match) | {
        "odds_states": match.odds_states and by_market(match.odds_states),
        "odds": odds,
    }


def pretty_print_document(fetch: FetchRef, content: Content[ReducedMatch]) -> dict[str, Any]:
    """The documented JSON of one fetch of this stage."""
    return fetch_document(
        fetch,
        content,
        stage=stage.name,
        body={"matches": [reduced_document(match) for match in content.records]},
        counts=match_counts(match.status_id for match in content.records),
    )


stage = Stage(
    name="football/pretty_print",
    inputs=("football/merged", "football/raw_fetches"),
    makes=ReducedMatch,
    by=pretty_print,
    key=lambda match: match.match_id,
    reasons=Reason,
    counts="matches",
    doc="Each match reduced to one company's early odds, its VAR incidents and its names.",
    export=pretty_print_document,
)
