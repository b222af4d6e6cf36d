"""Each live match with its detail, teams, competition and odds, joined by id.

`live results = merged + quarantined` holds for every fetch. A match whose detail, odds, team,
competition or country is missing is kept with null parts and the reason of each: one failed call
must not cost a match, and one bad match must not cost the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from pipeline_assets.football.documents import fetch_document, match_counts
from pipeline_assets.football.merged_match import (
    CompetitionPart,
    LiveData,
    MatchDetails,
    MergedMatch,
    MissingPart,
    Odds,
    OddsIssue,
    OddsReference,
    ParsedCompetition,
    ParsedDetails,
    ParsedTeam,
    TeamPart,
)
from touchline.fetch import Envelope, FetchRef
from touchline.football.codes import (
    CARD_REASONS,
    COMPANIES,
    EVENT_TYPES,
    STATUS_NAMES,
    VAR_REASONS,
    VAR_RESULTS,
)
from touchline.football.fetched import Fetched, PartMissing, live_matches
from touchline.football.live import (
    DETAIL_FIELDS,
    INCIDENT_FIELDS,
    LIVE_FIELDS,
    STAT_FIELDS,
    TLIVE_FIELDS,
    Detail,
    ParsedScore,
    Score,
    live_id,
    read_codes,
    read_score,
)
from touchline.football.reference import Named
from touchline.football.wire import NULL, Malformed, Noticed, elements, known, members, starts
from touchline.stage import Content, Stage, Staged, Unusable

__all__ = [
    "CompetitionPart",
    "LiveData",
    "MatchDetails",
    "MergedMatch",
    "MergedReason",
    "MissingPart",
    "Odds",
    "OddsIssue",
    "OddsReference",
    "ParsedCompetition",
    "ParsedDetails",
    "ParsedScore",
    "ParsedTeam",
    "TeamPart",
    "merged",
    "merged_document",
    "stage",
]

FIFA_COUNTRY = "World Cup"
"""What stands for the country of a FIFA competition."""

_ITEM_FIELDS = {"stats": STAT_FIELDS, "incidents": INCIDENT_FIELDS, "tlive": TLIVE_FIELDS}
_CODES = {
    "var_reason": {str(code) for code in VAR_REASONS},
    "var_result": {str(code) for code in VAR_RESULTS},
    "reason_type": {str(code) for code in CARD_REASONS},
}


class MergedReason(StrEnum):
    """Why a live match is set aside."""

    NO_LIVE_LIST = "no_live_list"
    NO_MATCH_ID = "no_match_id"
    DUPLICATE_MATCH_ID = "duplicate_match_id"
    BAD_SCORE = "bad_score"
    WRONG_TYPE = "wrong_type"


def merged(fetch: FetchRef, raw: Envelope) -> Staged[MergedMatch]:
    """One record a live match, joined by id."""
    staged = Staged[MergedMatch]()
    try:
        _, entries = live_matches(raw)
    except (Malformed, PartMissing) as error:
        with staged.one_record(None):
            raise Unusable(MergedReason.NO_LIVE_LIST, str(error)) from None
        return staged
    merger = _Merger(Fetched(raw))
    for entry in entries:
        with staged.one_record(live_id(entry), entry):
            staged.emit(merger.match(entry))
    staged.findings.extend(merger.noticed.findings())
    return staged


class _Merger:
    """Merges the entries of one live list."""

    def __init__(self, fetched: Fetched) -> None:
        self.fetched = fetched
        self.noticed = Noticed()
        self.seen: set[str] = set()

    def match(self, entry: msgspec.Raw) -> MergedMatch:
        match_id = live_id(entry)
        if match_id is None:
            raise Unusable(MergedReason.NO_MATCH_ID, "the entry has no id")
        if match_id in self.seen:
            raise Unusable(MergedReason.DUPLICATE_MATCH_ID, "an earlier entry has this id")
        self.seen.add(match_id)
        parts = members(entry, "match")
        self.noticed.unknown_fields("match", parts, LIVE_FIELDS, match_id)
        score = self._score(parts.get("score", NULL), match_id)
        live_data = LiveData(
            raw_score_array=parts["score"],
            parsed_score=score.parsed,
            stats=self._listed(parts, "stats", match_id),
            incidents=self._listed(parts, "incidents", match_id),
            tlive=self._listed(parts, "tlive", match_id),
        )
        return self._joined(match_id, score.status, live_data)

    def _score(self, raw: msgspec.Raw, match_id: str) -> Score:
        try:
            score = read_score(raw, match_id)
        except Malformed as error:
            raise Unusable(MergedReason.BAD_SCORE, str(error)) from None
        for element in score.surplus:
            self.noticed.note("unknown_field", element, match_id)
        if score.status is not None:
            self.noticed.unknown_code("status", score.status, STATUS_NAMES, match_id)
        return score

    def _listed(
        self, parts: Mapping[str, msgspec.Raw], name: str, match_id: str
    ) -> msgspec.Raw | None:
        """A list of objects kept as text, once it is known to be one; None where it is absent."""
        raw = parts.get(name, NULL)
        if starts(raw) == b"n":
            return None
        try:
            for item in elements(raw, name):
                fields = members(item, f"an item of {name}")
                self.noticed.unknown_fields(name, fields, _ITEM_FIELDS[name], match_id)
                if name != "tlive":
                    kind = read_codes(item, f"an item of {name}").type
                    self.noticed.unknown_code("type", kind, EVENT_TYPES, match_id)
                for field, codes in _CODES.items():
                    if field in fields:
                        code = bytes(fields[field]).decode()
                        self.noticed.unknown_code(field, code, codes, match_id)
        except Malformed as error:
            raise Unusable(MergedReason.WRONG_TYPE, str(error)) from None
        return raw

    def _joined(self, match_id: str, live_status: int | None, live_data: LiveData) -> MergedMatch:
        missing: list[MissingPart] = []
        raw_detail, detail = self._detail(match_id, missing)
        home = _looked_up("home_team", self.fetched.team, detail.home_team_id, missing)
        away = _looked_up("away_team", self.fetched.team, detail.away_team_id, missing)
        competition = _looked_up(
            "competition", self.fetched.competition, detail.competition_id, missing
        )
        details = MatchDetails(raw_detail, None)
        if detail.id:
            country = self._country(competition, missing)
            details = MatchDetails(raw_detail, _details(detail, home, away, competition, country))
        odds, odds_issues = self._odds(match_id, missing)
        statuses = {live_status, detail.status_id} - {None}
        return MergedMatch(
            match_id=match_id,
            status_id=detail.status_id if live_status is None else live_status,
            status_conflict=len(statuses) > 1,
            live_data=live_data,
            match_details=details,
            home_team=TeamPart(home and _team(home)),
            away_team=TeamPart(away and _team(away)),
            competition=CompetitionPart(competition and _competition(competition)),
            odds=odds,
            missing=missing,
            odds_issues=odds_issues,
        )

    def _detail(
        self, match_id: str, missing: list[MissingPart]
    ) -> tuple[msgspec.Raw | None, Detail]:
        """The detail as text and with names; an empty one where it is missing or malformed."""
        try:
            found = self.fetched.detail(match_id)
        except PartMissing as error:
            missing.append(MissingPart("match_details", error.reason, str(error)))
            return None, Detail(id="")
        if found.detail is None:
            missing.append(MissingPart("match_details", "malformed", found.why_not or ""))
            return found.raw, Detail(id="")
        fields = members(found.raw, "match detail")
        self.noticed.unknown_fields("detail", fields, DETAIL_FIELDS, match_id)
        return found.raw, found.detail

    def _country(self, competition: Named | None, missing: list[MissingPart]) -> str | None:
        """The name of a competition's country."""
        if competition is None:
            return None
        if "FIFA" in (competition.name or ""):
            return FIFA_COUNTRY
        country_id = known(competition.country_id)
        if country_id is None:
            return None
        try:
            return known(self.fetched.country_name(country_id))
        except PartMissing as error:
            missing.append(MissingPart("country", error.reason, str(error)))
            return None

    def _odds(
        self, match_id: str, missing: list[MissingPart]
    ) -> tuple[Odds | None, list[OddsIssue]]:
        try:
            entry, companies = self.fetched.companies(match_id)
        except PartMissing as error:
            missing.append(MissingPart("odds", error.reason, str(error)))
            return None, []
        except Malformed as error:
            missing.append(MissingPart("odds", "malformed", str(error)))
            return None, [OddsIssue("malformed", str(error))]
        if not companies:
            missing.append(MissingPart("odds", "no_odds", "the vendor has no odds of this match"))
        for company in companies:
            self.noticed.unknown_code("company", company, COMPANIES, match_id)
        reference = OddsReference(
            offset=entry.offset,
            length=entry.length,
            sha256=entry.sha256 or "",
            carried_from=entry.carried_from,
            odds_age_s=entry.age_s,
        )
        return Odds([*companies], reference), []


def _looked_up(
    part: str, look_up: Callable[[str], Named], raw_id: str | None, missing: list[MissingPart]
) -> Named | None:
    """A team or competition by its id; what stands in the way goes to `missing`."""
    try:
        if (uuid := known(raw_id)) is None:
            raise PartMissing("no_id")
        return look_up(uuid)
    except PartMissing as error:
        missing.append(MissingPart(part, error.reason, str(error)))
        return None


def _details(
    detail: Detail,
    home: Named | None,
    away: Named | None,
    competition: Named | None,
    country_name: str | None,
) -> ParsedDetails:
    return ParsedDetails(
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


def _team(team: Named) -> ParsedTeam:
    return ParsedTeam(
        team.id,
        known(team.name),
        known(team.short_name),
        known(team.logo),
        known(team.country_id),
        known(team.competition_id),
    )


def _competition(competition: Named) -> ParsedCompetition:
    return ParsedCompetition(
        competition.id,
        known(competition.name),
        known(competition.short_name),
        known(competition.logo),
        known(competition.country_id),
        known(competition.category_id),
    )


def merged_document(fetch: FetchRef, content: Content[MergedMatch]) -> dict[str, Any]:
    """The documented JSON of one merged fetch."""
    return fetch_document(
        fetch,
        content,
        stage=stage.name,
        step="merge",
        body={"matches": content.records},
        counts=match_counts(match.status_id for match in content.records),
    )


stage = Stage(
    name="football/merged",
    inputs=("football/raw_fetches",),
    makes=MergedMatch,
    by=merged,
    key=lambda match: match.match_id,
    reasons=MergedReason,
    counts="matches",
    misread=(MergedReason.BAD_SCORE, MergedReason.WRONG_TYPE),
    doc=(
        "Every live match with its detail, teams, competition and a reference to its odds, joined "
        "by id. A match with missing parts is kept; each missing part is listed with its reason."
    ),
    log_name="merge",
    export=merged_document,
)
