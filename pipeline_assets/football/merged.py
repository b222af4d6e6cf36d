"""Each live match with its detail, teams, competition and odds, joined by id.

`live results = merged + quarantined` holds for every fetch. A match whose detail, odds, team,
competition or country is missing is kept with null parts and the reason of each: one failed call
must not cost a match, and one bad match must not cost the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from pipeline_assets.football.wire.codes import (
    CARD_REASONS,
    COMPANIES,
    EVENT_TYPES,
    STATUS_NAMES,
    VAR_REASONS,
    VAR_RESULTS,
)
from pipeline_assets.football.wire.fetched import MISREAD, Fetched, PartMissing, live_matches
from pipeline_assets.football.wire.fields import (
    NULL,
    Malformed,
    Noticed,
    Read,
    Unread,
    known,
    list_of,
    members,
    starts,
)
from pipeline_assets.football.wire.live import (
    DETAIL_FIELDS,
    INCIDENT_FIELDS,
    LIVE_FIELDS,
    STAT_FIELDS,
    TLIVE_FIELDS,
    Detail,
    Score,
    live_id,
    read_score,
    type_of,
)
from pipeline_assets.football.wire.reference import Named
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Content, Stage, Staged, Unusable

FIFA_COUNTRY = "World Cup"
"""What stands for the country of a FIFA competition."""

_ITEM_FIELDS = {"stats": STAT_FIELDS, "incidents": INCIDENT_FIELDS, "tlive": TLIVE_FIELDS}
_CODES = {
    "var_reason": {str(code) for code in VAR_REASONS},
    "var_result": {str(code) for code in VAR_RESULTS},
    "reason_type": {str(code) for code in CARD_REASONS},
}
_DIGITS = frozenset(b"%d" % digit for digit in range(10))
_NO_ITEMS = msgspec.Raw(b"[]")


class MergedReason(StrEnum):
    """Why a live match is set aside."""

    NO_LIVE_LIST = "no_live_list"
    NO_MATCH_ID = "no_match_id"
    DUPLICATE_MATCH_ID = "duplicate_match_id"
    BAD_SCORE = "bad_score"
    WRONG_TYPE = "wrong_type"
    """In data of earlier versions alone: a part that cannot be read costs the match nothing now."""


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
            stats=self._unused(parts, "stats", match_id),
            incidents=self._incidents(parts.get("incidents", NULL), match_id),
            tlive=self._unused(parts, "tlive", match_id),
        )
        return self._joined(match_id, score.status, live_data)

    def _score(self, raw: msgspec.Raw, match_id: str) -> Score:
        try:
            score = read_score(raw, match_id)
        except Malformed as error:
            raise Unusable(MergedReason.BAD_SCORE, str(error)) from None
        for element in score.surplus:
            self.noticed.note("unknown_field", element, match_id)
        for figure in score.unknown:
            self.noticed.note(Unread.UNKNOWN_FIGURE, figure, match_id)
        if score.status is not None:
            self.noticed.unknown_code("status", score.status, STATUS_NAMES, match_id)
        return score

    def _incidents(self, raw: msgspec.Raw, match_id: str) -> msgspec.Raw | None:
        """The incidents as text; None where there are none or they are no list. One that cannot be
        told stays among the others."""
        if starts(raw) == b"n":
            return None
        try:
            items = list_of(raw, "incidents")
        except Malformed as error:
            self.noticed.unread("match", {"incidents": str(error)}, match_id)
            return None
        unread: dict[str, str] = {}
        for item in items:
            try:
                self._item("incidents", item, match_id)
            except Malformed as error:
                unread["type"] = str(error)
        self.noticed.unread("incidents", unread, match_id)
        return raw if items else _NO_ITEMS

    def _unused(
        self, parts: Mapping[str, msgspec.Raw], name: str, match_id: str
    ) -> msgspec.Raw | None:
        """A part that is kept as it came, whatever it is, since no stage looks at it."""
        raw = parts.get(name, NULL)
        if starts(raw) == b"n":
            return None
        with contextlib.suppress(Malformed):
            for item in list_of(raw, name):
                with contextlib.suppress(Malformed):
                    self._item(name, item, match_id)
        return raw

    def _item(self, name: str, item: msgspec.Raw, match_id: str) -> None:
        """Note what is not documented of an item of a list. Raises Malformed where it has no type
        of its own."""
        fields = members(item, f"an item of {name}")
        self.noticed.unknown_fields(name, fields, _ITEM_FIELDS[name], match_id)
        for table, codes in _CODES.items():
            if table in fields and starts(fields[table]) in _DIGITS:
                code = bytes(fields[table]).decode()
                self.noticed.unknown_code(table, code, codes, match_id)
        if name != "tlive":
            self.noticed.unknown_code("type", type_of(item), EVENT_TYPES, match_id)

    def _joined(self, match_id: str, live_status: int | None, live_data: LiveData) -> MergedMatch:
        missing = _Missing(match_id, self.noticed)
        raw_detail, detail = self._detail(match_id, missing)
        home = missing.looked_up("home_team", self.fetched.team, detail.home_team_id)
        away = missing.looked_up("away_team", self.fetched.team, detail.away_team_id)
        competition = missing.looked_up(
            "competition", self.fetched.competition, detail.competition_id
        )
        details = MatchDetails(raw_detail, None)
        if detail.id:
            country = self._country(competition, missing)
            parsed = ParsedDetails.of(detail, home, away, competition, country)
            details = MatchDetails(raw_detail, parsed)
        odds, odds_issues = self._odds(match_id, missing)
        statuses = {live_status, detail.status_id} - {None}
        return MergedMatch(
            match_id=match_id,
            status_id=detail.status_id if live_status is None else live_status,
            status_conflict=len(statuses) > 1,
            live_data=live_data,
            match_details=details,
            home_team=TeamPart(home and ParsedTeam.of(home)),
            away_team=TeamPart(away and ParsedTeam.of(away)),
            competition=CompetitionPart(competition and ParsedCompetition.of(competition)),
            odds=odds,
            missing=missing.parts,
            odds_issues=odds_issues,
        )

    def _detail(self, match_id: str, missing: _Missing) -> tuple[msgspec.Raw | None, Detail]:
        """The detail as text and with names; an empty one where it is missing or malformed."""
        try:
            found = self.fetched.detail(match_id)
        except PartMissing as error:
            missing.add("match_details", error.reason, str(error))
            return None, Detail(id="")
        if found.detail is None:
            missing.add("match_details", "malformed", found.why_not or "")
            return found.raw, Detail(id="")
        fields = members(found.raw, "match detail")
        self.noticed.unknown_fields("detail", fields, DETAIL_FIELDS, match_id)
        self.noticed.unread("detail", found.unread, match_id)
        return found.raw, found.detail

    def _country(self, competition: Named | None, missing: _Missing) -> str | None:
        """The name of a competition's country."""
        if competition is None:
            return None
        if "FIFA" in (competition.name or ""):
            return FIFA_COUNTRY
        country_id = known(competition.country_id)
        if country_id is None:
            return None
        try:
            country = self.fetched.country(country_id)
        except PartMissing as error:
            missing.add("country", error.reason, str(error))
            return None
        if country.unread:
            self.noticed.unread("country", {"name": country.unread}, missing.match_id)
        return known(country.name)

    def _odds(self, match_id: str, missing: _Missing) -> tuple[Odds | None, list[OddsIssue]]:
        try:
            entry, companies = self.fetched.companies(match_id)
        except PartMissing as error:
            missing.add("odds", error.reason, str(error))
            return None, []
        except Malformed as error:
            missing.add("odds", "malformed", str(error))
            return None, [OddsIssue("malformed", str(error))]
        if not companies:
            missing.add("odds", "no_odds", "the vendor has no odds of this match")
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


@dataclass
class _Missing:
    """What is missing of one match, and what of it cannot be read."""

    match_id: str
    noticed: Noticed
    parts: list[MissingPart] = field(default_factory=list)

    def add(self, part: str, reason: str, detail: str) -> None:
        self.parts.append(MissingPart(part, reason, detail))
        if reason in MISREAD:
            key = "detail" if part == "match_details" else part
            self.noticed.note(Unread.UNREAD_FIELD, key, f"{self.match_id}: {detail}")

    def looked_up(
        self, part: str, look_up: Callable[[str], Read[Named]], raw_id: str | None
    ) -> Named | None:
        """A team or competition by its id; None where something stands in the way."""
        try:
            if (uuid := known(raw_id)) is None:
                raise PartMissing("no_id")
            found, unread = look_up(uuid)
        except PartMissing as error:
            self.add(part, error.reason, str(error))
            return None
        self.noticed.unread(part, unread, self.match_id)
        return found


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
    misread=(MergedReason.BAD_SCORE, MergedReason.WRONG_TYPE, *Unread),
    doc=(
        "Every live match with its detail, teams, competition and a reference to its odds, joined "
        "by id. A match with missing parts is kept; each missing part is listed with its reason."
    ),
    log_name="merge",
    export=merged_document,
)
