"""What one fetch holds, looked up by id: nothing is ever joined by position."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from pipeline_assets.football.wire.fields import Malformed, Read, known, list_of, results_of
from pipeline_assets.football.wire.live import Detail, read_detail
from pipeline_assets.football.wire.odds import companies_in
from pipeline_assets.football.wire.reference import Named, read_named
from touchline.errors import TouchlineError
from touchline.fetch import Envelope, IndexEntry

LIVE = "match/detail_live"
DETAIL = "match/recent/list"
ODDS = "odds/history"
TEAM = "team/additional/list"
COMPETITION = "competition/additional/list"
COUNTRY = "country/list"


MISREAD = frozenset({"malformed", "detail_id_mismatch", "id_mismatch"})
"""The reasons of PartMissing that say: an answer came, and it is not the documented one."""


class PartMissing(TouchlineError, ValueError):
    """The answer to one call is not there. `reason` is the call's error code or one of ours:
    not_fetched, no_results, no_id, not_listed, or one of MISREAD."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class FetchedDetail(msgspec.Struct, frozen=True):
    """A match detail as text and, unless it is malformed, with names. `unread` says of each of its
    fields that could not be read why not."""

    raw: msgspec.Raw
    detail: Detail | None
    why_not: str | None = None
    unread: Mapping[str, str] = {}


class Country(NamedTuple):
    """The name of a country, None where it has none; `unread` says why it cannot be read."""

    name: str | None
    unread: str | None


def live_matches(raw: Envelope) -> tuple[IndexEntry, list[msgspec.Raw]]:
    """The call for the live list and its entries as text. Raises PartMissing, Malformed."""
    entry = next(raw.entries(LIVE), None)
    return _answered(entry), list_of(results_of(raw.stored(_answered(entry))), "results")


def by_uuid(raw: Envelope, endpoint: str) -> dict[str, IndexEntry]:
    """The calls of an endpoint by the id they asked for; of two for one id, the first."""
    found: dict[str, IndexEntry] = {}
    for entry in raw.entries(endpoint):
        if entry.uuid is not None:
            found.setdefault(entry.uuid, entry)
    return found


class Fetched:
    """The parts of a fetch by id. Every look-up raises PartMissing where there is no answer."""

    def __init__(self, raw: Envelope) -> None:
        self._raw = raw
        self._calls = {
            endpoint: by_uuid(raw, endpoint) for endpoint in (DETAIL, ODDS, TEAM, COMPETITION)
        }
        self._unread_country: str | None = None
        """Why an entry of the list of countries cannot be read, if one cannot."""
        self.team = functools.cache(functools.partial(self._named, TEAM))
        self.competition = functools.cache(functools.partial(self._named, COMPETITION))

    def detail(self, match_id: str) -> FetchedDetail:
        """The detail of a match; one that names another match counts as missing."""
        raw = self._only_result(DETAIL, match_id)
        try:
            detail, unread = read_detail(raw, "match detail")
        except Malformed as error:
            return FetchedDetail(raw, None, str(error))
        if detail.id != match_id:
            raise PartMissing("detail_id_mismatch", detail.id)
        return FetchedDetail(raw, detail, unread=unread)

    def scheduled(self, match_id: str) -> int | None:
        """Return a match's scheduled start by its detail (Unix s), None where it is not known."""
        try:
            detail = self.detail(match_id).detail
        except PartMissing:
            return None
        return (detail and detail.match_time) or None

    def companies(self, match_id: str) -> tuple[IndexEntry, dict[str, msgspec.Raw]]:
        """The call for a match's odds and its companies as text. Also raises Malformed."""
        entry = _answered(self._calls[ODDS].get(match_id))
        return entry, companies_in(self._raw.stored(entry))

    def country(self, country_id: str) -> Country:
        """A country by its id; `malformed` where it may be one of those that cannot be read."""
        countries = self._countries
        if isinstance(countries, PartMissing):
            raise countries
        if found := countries.get(country_id):
            return found
        if why := self._unread_country:
            raise PartMissing("malformed", why)
        raise PartMissing("not_listed", country_id)

    @functools.cached_property
    def _countries(self) -> Mapping[str, Country] | PartMissing:
        try:
            entry = _answered(next(self._raw.entries(COUNTRY), None))
            listed = list_of(results_of(self._raw.stored(entry)), "results")
        except Malformed as error:
            return PartMissing("malformed", str(error))
        except PartMissing as error:
            return error
        named: dict[str, Country] = {}
        for raw in listed:
            try:
                country, unread = read_named(raw, "country")
            except Malformed as error:
                self._unread_country = str(error)
                continue  # The reference stage quarantines it.
            named[country.id] = Country(country.name, unread.get("name"))
        return named

    def _named(self, endpoint: str, uuid: str) -> Read[Named]:
        """A record by id; one that was merged into another is followed to the survivor, as far as
        the fetch holds them. Of records that were merged in a circle each stands for itself."""
        asked = found = self._asked(endpoint, uuid)
        passed = {uuid}
        while (uid := known(found.value.uid)) is not None and uid != found.value.id:
            if uid in passed:
                return asked
            passed.add(uid)
            try:
                found = self._asked(endpoint, uid)
            except PartMissing:
                return found
        return found

    def _asked(self, endpoint: str, uuid: str) -> Read[Named]:
        raw = self._only_result(endpoint, uuid)
        try:
            found = read_named(raw, endpoint)
        except Malformed as error:
            raise PartMissing("malformed", str(error)) from None
        if found.value.id != uuid:
            raise PartMissing("id_mismatch", found.value.id)
        return found

    def _only_result(self, endpoint: str, uuid: str) -> msgspec.Raw:
        entry = _answered(self._calls[endpoint].get(uuid))
        try:
            results = list_of(results_of(self._raw.stored(entry)), "results")
        except Malformed as error:
            raise PartMissing("malformed", str(error)) from None
        if not results:
            raise PartMissing("no_results")
        return results[0]


def _answered(entry: IndexEntry | None) -> IndexEntry:
    if entry is None:
        raise PartMissing("not_fetched")
    if entry.error:
        raise PartMissing(entry.error)
    return entry
