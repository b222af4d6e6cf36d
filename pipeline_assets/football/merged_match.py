"""The record of a merged match."""

from __future__ import annotations

from typing import Annotated

import msgspec

from pipeline_assets.football.wire.fields import known
from pipeline_assets.football.wire.live import Detail, ParsedScore
from pipeline_assets.football.wire.reference import Named

Meta = msgspec.Meta


class LiveData(msgspec.Struct, frozen=True):
    """The match's entry in the live list; the raw parts are JSON text, null where absent. Incidents
    are null also where the vendor sent no list; each of them may be anything."""

    raw_score_array: msgspec.Raw
    parsed_score: Annotated[
        ParsedScore | None, Meta(description="null when the array has fewer than four elements")
    ]
    stats: msgspec.Raw | None
    incidents: msgspec.Raw | None
    tlive: msgspec.Raw | None


class ParsedDetails(msgspec.Struct, frozen=True):
    """The match's detail with the names its ids stand for; an empty id or text is null."""

    id: str
    season_id: str | None
    competition_id: str | None
    competition_name: str | None
    country_id: Annotated[str | None, Meta(description="the competition's")]
    country_name: Annotated[
        str | None, Meta(description="World Cup for FIFA competitions, else by the country list")
    ]
    home_team_id: str | None
    home_team_name: str | None
    away_team_id: str | None
    away_team_name: str | None
    status_id: Annotated[int | None, Meta(description="match status id by the detail call")]
    match_time: Annotated[int | None, Meta(description="scheduled kick-off, Unix s")]
    venue_id: str | None
    referee_id: str | None
    neutral: Annotated[int | None, Meta(description="1 on neutral ground, else 0")]
    note: str | None

    @classmethod
    def of(
        cls,
        detail: Detail,
        home: Named | None,
        away: Named | None,
        competition: Named | None,
        country_name: str | None,
    ) -> ParsedDetails:
        return cls(
            id=detail.id,
            season_id=known(detail.season_id),
            competition_id=known(detail.competition_id),
            competition_name=competition and known(competition.name),
            country_id=competition and known(competition.country_id),
            country_name=country_name,
            home_team_id=known(detail.home_team_id),
            home_team_name=home and known(home.name),
            away_team_id=known(detail.away_team_id),
            away_team_name=away and known(away.name),
            status_id=detail.status_id,
            match_time=detail.match_time or None,
            venue_id=known(detail.venue_id),
            referee_id=known(detail.referee_id),
            neutral=detail.neutral,
            note=known(detail.note),
        )


class MatchDetails(msgspec.Struct, frozen=True):
    """The match's detail; both parts are null when it is missing."""

    raw_match_details: Annotated[
        msgspec.Raw | None, Meta(description="the detail call's only result, as JSON text")
    ]
    parsed_details: ParsedDetails | None


class ParsedTeam(msgspec.Struct, frozen=True):
    """A team; an empty id or text is null and names are trimmed."""

    id: str
    name: str | None
    short_name: str | None
    logo: str | None
    country_id: str | None
    competition_id: str | None

    @classmethod
    def of(cls, team: Named) -> ParsedTeam:
        return cls(
            team.id,
            known(team.name),
            known(team.short_name),
            known(team.logo),
            known(team.country_id),
            known(team.competition_id),
        )


class TeamPart(msgspec.Struct, frozen=True):
    """One side's team, null when its record is missing."""

    parsed_team: ParsedTeam | None


class ParsedCompetition(msgspec.Struct, frozen=True):
    """A competition; an empty id or text is null and names are trimmed."""

    id: str
    name: str | None
    short_name: str | None
    logo: str | None
    country_id: str | None
    category_id: str | None

    @classmethod
    def of(cls, competition: Named) -> ParsedCompetition:
        return cls(
            competition.id,
            known(competition.name),
            known(competition.short_name),
            known(competition.logo),
            known(competition.country_id),
            known(competition.category_id),
        )


class CompetitionPart(msgspec.Struct, frozen=True):
    """The match's competition, null when its record is missing."""

    parsed_competition: ParsedCompetition | None


class OddsReference(msgspec.Struct, frozen=True):
    """Where the match's odds stand in the raw fetch: they are not stored a second time."""

    offset: Annotated[int, Meta(description="of the odds body in the envelope, bytes")]
    length: Annotated[int, Meta(description="of the odds body, bytes")]
    sha256: str
    carried_from: Annotated[
        str | None, Meta(description="id of the fetch that first brought this body, if not this")
    ] = None
    odds_age_s: Annotated[float | None, Meta(description="age of a carried body, seconds")] = None


class Odds(msgspec.Struct, frozen=True):
    """Who quotes the match, and where the quotes are."""

    company_ids: list[str]
    raw_odds_data: OddsReference


class MissingPart(msgspec.Struct, frozen=True):
    """A part that is null, and why."""

    part: Annotated[
        str,
        Meta(description="match_details, odds, home_team, away_team, competition or country"),
    ]
    reason: Annotated[str, Meta(description="the failed call's error code, or what is wrong")]
    detail: str = ""


class OddsIssue(msgspec.Struct, frozen=True):
    """Something wrong in the odds that cost no other part of the match."""

    reason: str
    detail: str


class MergedMatch(msgspec.Struct, frozen=True):
    """A live match with its detail, teams, competition and odds, joined by id.

    `status_id` is the status to show and test: the live list's, because the score comes from the
    same answer, and the detail's only where the live list has none.
    """

    match_id: str
    status_id: int | None
    status_conflict: Annotated[
        bool, Meta(description="the live list and the detail name different statuses")
    ]
    live_data: LiveData
    match_details: MatchDetails
    home_team: TeamPart
    away_team: TeamPart
    competition: CompetitionPart
    odds: Annotated[Odds | None, Meta(description="null when missing or malformed")]
    missing: list[MissingPart]
    odds_issues: list[OddsIssue]
