"""Teams, competitions and countries, as often as the vendor is asked for them anew.

A raw fetch holds every record that its matches refer to; most are carried on from the fetch that
asked for them, a day or a week ago, and are counted here without being stored again.
"""

from __future__ import annotations

import functools
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.documents import records_document
from pipeline_assets.football.wire.fetched import COMPETITION, COUNTRY, TEAM
from pipeline_assets.football.wire.fields import (
    FieldReader,
    Malformed,
    Noticed,
    Unread,
    known,
    list_of,
    members,
    results_of,
)
from pipeline_assets.football.wire.reference import (
    Competition,
    Country,
    Team,
    read_competition,
    read_country,
    read_team,
)
from touchline.fetch import Envelope, FetchRef, IndexEntry
from touchline.stage import Stage, Staged, Unusable

Meta = msgspec.Meta


class ReferenceReason(StrEnum):
    """Why a record is not stored again, or is set aside: from `timeout` on, the call failed."""

    CARRIED = "carried"
    MALFORMED = "malformed"
    ID_MISMATCH = "id_mismatch"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    HTTP_STATUS = "http_status"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    NOT_JSON = "not_json"
    VENDOR_ERROR = "vendor_error"
    NO_RESULTS = "no_results"
    DEADLINE = "deadline"
    CALL_FAILED = "call_failed"

    @classmethod
    def _missing_(cls, value: object) -> ReferenceReason:
        """An error of the call that is not listed here."""
        return cls.CALL_FAILED


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A team, competition or country as the vendor knew it in this fetch.

    Columns of the other kinds are null, and so is what the vendor leaves empty or out. Texts are
    trimmed; `raw` is the record as received.
    """

    kind: Annotated[str, Meta(description="team, competition or country")]
    id: str
    name: str | None
    uid: Annotated[str | None, Meta(description="the id that survives a merge of duplicates")] = (
        None
    )
    short_name: str | None = None
    logo: str | None = None
    country_id: str | None = None
    category_id: str | None = None
    competition_id: str | None = None
    gender: int | None = None
    updated_at: Annotated[int | None, Meta(description="Unix s")] = None
    national: Annotated[int | None, Meta(description="team: 1 for a national team")] = None
    country_logo: str | None = None
    foundation_time: int | None = None
    website: str | None = None
    coach_id: str | None = None
    venue_id: str | None = None
    market_value: int | None = None
    market_value_currency: str | None = None
    total_players: int | None = None
    foreign_players: int | None = None
    national_players: int | None = None
    virtual: int | None = None
    type: Annotated[
        int | None, Meta(description="competition: 0 unknown, 1 league, 2 cup, 3 friendly")
    ] = None
    cur_season_id: str | None = None
    cur_stage_id: str | None = None
    cur_round: int | None = None
    round_count: int | None = None
    title_holder_id: Annotated[str | None, Meta(description="team that holds the title")] = None
    title_holder_titles: int | None = None
    most_titles_ids: Annotated[list[str] | None, Meta(description="teams with the most titles")] = (
        None
    )
    most_titles: int | None = None
    newcomers: Annotated[list[list[str]] | None, Meta(description="team ids")] = None
    divisions: Annotated[list[list[str]] | None, Meta(description="competition ids")] = None
    host: Annotated[msgspec.Raw | None, Meta(description="JSON object, null where empty")] = None
    primary_color: str | None = None
    secondary_color: str | None = None
    raw: msgspec.Raw


def reference(fetch: FetchRef, raw: Envelope) -> Staged[Reference]:
    """One record for each team, competition and country that this fetch asked for anew.

    A failed call is one record, quarantined with its error.
    """
    staged = Staged[Reference]()
    noticed = Noticed()
    for entry in raw.entries(COUNTRY):
        _country_list(raw, entry, staged, noticed)
    for endpoint, kind in ((COMPETITION, "competition"), (TEAM, "team")):
        for entry in raw.entries(endpoint):
            key = f"{kind}/{entry.uuid}"
            with staged.one_record(key, raw.stored(entry)):
                if entry.carried_from:
                    staged.drop(ReferenceReason.CARRIED, key)
                else:
                    (found,) = _results(raw, entry)[:1]
                    staged.emit(_record(kind, found, entry.uuid, noticed))
    staged.findings.extend(noticed.findings())
    return staged


def _country_list(
    raw: Envelope, entry: IndexEntry, staged: Staged[Reference], noticed: Noticed
) -> None:
    try:
        countries = _results(raw, entry)
    except Unusable as error:
        with staged.one_record("country", raw.stored(entry)):
            raise error
        return
    if entry.carried_from:
        staged.drop_many(ReferenceReason.CARRIED, "country", len(countries))
        return
    for country in countries:
        with staged.one_record("country", country):
            staged.emit(_record("country", country, None, noticed))


def _results(raw: Envelope, entry: IndexEntry) -> list[msgspec.Raw]:
    """The results of a call, at least one. Raises Unusable."""
    if entry.error:
        raise Unusable(ReferenceReason(entry.error), entry.error)
    try:
        found = list_of(results_of(raw.stored(entry)), "results")
    except Malformed as error:
        raise Unusable(ReferenceReason.MALFORMED, str(error)) from None
    if not found:
        raise Unusable(ReferenceReason.NO_RESULTS, "the answer holds no record")
    return found


_KINDS: dict[str, tuple[type[Any], FieldReader[Any]]] = {
    "team": (Team, read_team),
    "competition": (Competition, read_competition),
    "country": (Country, read_country),
}


def _record(kind: str, raw: msgspec.Raw, asked: str | None, noticed: Noticed) -> Reference:
    """One record; a field that cannot be read is null. Raises Unusable where it has no id or is not
    the one asked for."""
    makes, read = _KINDS[kind]
    try:
        found, unread = read(raw, kind)
    except Malformed as error:
        raise Unusable(ReferenceReason.MALFORMED, str(error)) from None
    if asked is not None and found.id != asked:
        raise Unusable(ReferenceReason.ID_MISMATCH, f"asked for {asked}, got {found.id}")
    noticed.unread(kind, unread, found.id)
    noticed.unknown_fields(kind, members(raw, kind), makes.__struct_fields__, found.id)
    arrays = _titles(found) if isinstance(found, Competition) else {}
    columns = {
        name: _column(getattr(found, name)) for name in makes.__struct_fields__ if name in _COLUMNS
    }
    return Reference(**{"kind": kind, "raw": raw, **columns, **arrays})


_COLUMNS = frozenset(Reference.__struct_fields__)


def _column(value: Any) -> Any:
    return known(value) if isinstance(value, str) else value


def _titles(competition: Competition) -> dict[str, Any]:
    """The columns of what the vendor gives as arrays and objects; null where it is empty."""
    return {
        "title_holder_id": known(competition.title_holder.team_id),
        "title_holder_titles": competition.title_holder.titles,
        "most_titles_ids": competition.most_titles.team_ids or None,
        "most_titles": competition.most_titles.titles,
        "newcomers": competition.newcomers or None,
        "divisions": competition.divisions or None,
        "host": None if bytes(competition.host) in (b"{}", b"null") else competition.host,
    }


stage = Stage(
    name="football/reference",
    inputs=("football/raw_fetches",),
    makes=Reference,
    by=reference,
    key=lambda record: f"{record.kind}/{record.id}",
    reasons=ReferenceReason,
    counts="reference records",
    receives_each=False,
    misread=(ReferenceReason.MALFORMED, *Unread),
    doc=(
        "Teams, competitions and countries, each time the vendor is asked for them anew: teams and "
        "competitions once a day, countries once a week."
    ),
    export=functools.partial(records_document, stage="football/reference"),
)
