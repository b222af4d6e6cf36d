"""The live display: one flat record a match."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.documents import fate, finished, match_counts, seconds
from pipeline_assets.football.end_figures import EndedMatch, EndedMatches, changed, seen
from pipeline_assets.football.pretty_print import MarketStates, by_market
from pipeline_assets.football.pretty_print_conversion import (
    ConvertedMatch,
    ConvertedOdds,
    Environment,
    PrematchMoneyLine,
    decimal_prices,
    odds_document,
)
from pipeline_assets.football.wire.codes import status_name
from touchline.fetch import FetchRef
from touchline.stage import Content, Stage, Staged

Meta = msgspec.Meta


class MatchInfo(msgspec.Struct, frozen=True):
    """Who plays and how it stands; null is unknown."""

    match_id: str
    competition_id: str | None
    competition_name: str | None
    home_team: str | None
    away_team: str | None
    status_id: int | None
    status: Annotated[str, Meta(description="id and name for people, empty when unknown")]
    status_conflict: Annotated[
        bool, Meta(description="the live list and the detail name different statuses")
    ]
    live_score: str | None
    home_goals: Annotated[int | None, Meta(description="regular time, stoppage included")]
    away_goals: Annotated[int | None, Meta(description="regular time, stoppage included")]
    home_goals_ht: Annotated[int | None, Meta(description="at half-time")]
    away_goals_ht: Annotated[int | None, Meta(description="at half-time")]


class Corners(msgspec.Struct, frozen=True):
    """Corners so far, or at the end; null is unknown, and a total with an unknown part is."""

    home: int | None
    away: int | None
    total: int | None


class OddsCompany(msgspec.Struct, frozen=True):
    """Whose odds are shown."""

    id: str
    name: str
    fallback: Annotated[bool, Meta(description="true when it is not the preferred company")]


class MonitorRecord(msgspec.Struct, frozen=True):
    """What the display shows of one match in one fetch."""

    timestamp: Annotated[str, Meta(description="the fetch's, New York")]
    match_info: MatchInfo
    corners: Corners
    odds_company: OddsCompany | None
    odds: Annotated[ConvertedOdds | None, Meta(description="null when no market shows anything")]
    prematch_money_line: PrematchMoneyLine | None
    environment: Environment
    odds_states: MarketStates | None
    incidents: Annotated[list[msgspec.Raw], Meta(description="VAR incidents, as received")]
    figures_conflict: Annotated[
        bool | None,
        Meta(
            description="the vendor has other cards or corners now than at the end; null in "
            "records from before this was looked at"
        ),
    ] = None

    @property
    def match_id(self) -> str:
        return self.match_info.match_id


class Reason(StrEnum):
    """A match is quarantined here only by an unexpected error."""


def monitor_central(
    fetch: FetchRef, converted: Iterable[ConvertedMatch], *, carried: EndedMatches | None
) -> Staged[MonitorRecord]:
    """One record a match in the order of the live list, whatever its status.

    Corners are those at the end of a match that is over. Where its cards or corners are others
    now, the record says so and a finding has both.
    """
    staged = Staged[MonitorRecord]()
    minute = int(fetch.at.timestamp()) // 60
    ended = carried.kept(minute) if carried else {}
    for match in converted:
        with staged.one_record(match.match_id, raw=match):
            before = ended.get(match.match_id)
            after = seen(before, match.status_id, match.live_data.parsed_score, minute)
            staged.emit(_displayed(match, fetch.nyc_timestamp, after))
            if after is not None:
                ended[match.match_id] = after
            elif before is not None:
                del ended[match.match_id]
            if finding := changed(match.match_id, before, after):
                staged.findings.append(finding)
    staged.carried = EndedMatches(ended)
    return staged


def _displayed(match: ConvertedMatch, timestamp: str, ended: EndedMatch | None) -> MonitorRecord:
    return MonitorRecord(
        timestamp=timestamp,
        match_info=_match_info(match),
        corners=_corners(match, ended),
        odds_company=_odds_company(match),
        odds=match.converted_odds,
        prematch_money_line=match.prematch_money_line,
        environment=match.environment,
        odds_states=match.odds_states,
        incidents=match.live_data.incidents,
        figures_conflict=ended is not None and ended.others is not None,
    )


def _match_info(match: ConvertedMatch) -> MatchInfo:
    details = match.match_details.parsed_details
    score = match.live_data.parsed_score
    home = score and score.home_detailed
    away = score and score.away_detailed
    status = match.status_id
    return MatchInfo(
        match_id=match.match_id,
        competition_id=details and details.competition_id,
        competition_name=details and details.competition_name,
        home_team=details and details.home_team_name,
        away_team=details and details.away_team_name,
        status_id=status,
        status="" if status is None else f"Status ID: {status} ({status_name(status)})",
        status_conflict=match.status_conflict,
        live_score=match.formatted_live_score,
        home_goals=home and home.score_regular,
        away_goals=away and away.score_regular,
        home_goals_ht=home and home.score_halftime,
        away_goals_ht=away and away.score_halftime,
    )


def _corners(match: ConvertedMatch, ended: EndedMatch | None) -> Corners:
    if ended is not None:
        home, away = ended.at_end.home.corners, ended.at_end.away.corners
    else:
        score = match.live_data.parsed_score
        home = score and score.home_detailed and score.home_detailed.corners
        away = score and score.away_detailed and score.away_detailed.corners
    return Corners(home, away, None if home is None or away is None else home + away)


def _odds_company(match: ConvertedMatch) -> OddsCompany | None:
    if match.odds_company_id is None:
        return None
    return OddsCompany(
        match.odds_company_id, match.odds_company_name or "", bool(match.odds_company_fallback)
    )


def monitor_document(record: MonitorRecord) -> dict[str, Any]:
    """One record of the display as the daily log shows it."""
    environment = msgspec.structs.asdict(record.environment)
    del environment["wind_mph"]
    return msgspec.structs.asdict(record) | {
        "odds": odds_document(record.odds),
        "prematch_money_line": record.prematch_money_line
        and decimal_prices(record.prematch_money_line),
        "environment": environment,
        "odds_states": record.odds_states and by_market(record.odds_states),
    }


def monitor_central_document(fetch: FetchRef, content: Content[MonitorRecord]) -> dict[str, Any]:
    """The documented JSON of one fetch of the display. What the stages before took is not known
    here."""
    records = content.records
    identity = fetch.header("")
    del identity["fetch_start"]
    return {
        "monitor_central_display": [monitor_document(record) for record in records],
        "total_matches": len(records),
        "quarantined_matches": len(content.quarantined),
        "generated_at": finished(content),
        "CONVERSION_HEADER": identity,
        "MONITOR_FOOTER": {
            "random_fetch_id": fetch.fetch_id,
            "fetch_number": fetch.number,
            "nyc_timestamp": finished(content),
            "pipeline_completion_time_seconds": None,
            "conversion_completion_time_seconds": None,
            "monitor_completion_time_seconds": seconds(content),
            "fetch_end": "=== MONITOR CENTRAL DATA END ===",
            **match_counts(record.match_info.status_id for record in records),
            "total_matches_with_odds": sum(record.odds is not None for record in records),
            **fate(content),
        },
    }


stage = Stage(
    name="football/monitor_central",
    inputs=("football/pretty_print_conversion",),
    makes=MonitorRecord,
    by=monitor_central,
    key=lambda record: record.match_id,
    reasons=Reason,
    counts="matches",
    doc=(
        "The live display: teams, status, score, corners, odds, weather and VAR of every match. "
        "Once a match is over its corners stay as they were at the end."
    ),
    ordered=True,
    carries=EndedMatches,
    export=monitor_central_document,
)
