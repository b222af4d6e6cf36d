"""The vendor's endpoints: which call gives which body, without HTTP, quotas or faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from simulator.source import Source
from touchline.errors import TouchlineError

PAGE_SIZE = 1_000
_LIVE_ODDS_SECONDS = 60


class BadParameterError(TouchlineError):
    """A parameter is missing or cannot be read; the text is the vendor's error text."""


class Vendor:
    """Answers of the vendor API v1, taken from a source.

    Success is `{"code": 0, "query": {...}?, "results": ...}`. odds/history and the lists that take
    no parameter carry no `query`. An unknown id gives an empty result, not an error.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._endpoints: Mapping[str, Callable[[Mapping[str, str], int], bytes]] = {
            "match/detail_live": self._detail_live,
            "match/recent/list": self._recent_list,
            "odds/history": self._odds_history,
            "odds/live": self._odds_live,
            "team/additional/list": self._teams,
            "competition/additional/list": self._competitions,
            "country/list": self._countries,
        }

    @property
    def endpoints(self) -> list[str]:
        return list(self._endpoints)

    def knows(self, endpoint: str) -> bool:
        return endpoint in self._endpoints

    def body(self, endpoint: str, params: Mapping[str, str], at: int) -> bytes:
        """The answer's body at a Unix second. Raises BadParameterError."""
        return self._endpoints[endpoint](params, at)

    def _detail_live(self, params: Mapping[str, str], at: int) -> bytes:
        return _listed(self._source.live_entry(match_id, at) for match_id in self._source.live(at))

    def _recent_list(self, params: Mapping[str, str], at: int) -> bytes:
        return _additional(
            params,
            lambda match_id: self._source.detail(match_id, at),
            lambda since: self._source.recent(at, since),
        )

    def _odds_history(self, params: Mapping[str, str], at: int) -> bytes:
        if "uuid" not in params:
            raise BadParameterError("uuid is required")
        return b'{"code":0,"results":%s}' % (self._source.odds(params["uuid"], at) or b"{}")

    def _odds_live(self, params: Mapping[str, str], at: int) -> bytes:
        """`{company: [[match id, market, row], ...]}` of the last 60 s, newest first a market."""
        companies: dict[str, list[Any]] = {}
        for match_id in self._source.live(at):
            for found in self._source.odds_rows(match_id, at - _LIVE_ODDS_SECONDS, at):
                rows = msgspec.json.decode(b"[%s]" % found.rows, type=list[msgspec.Raw])
                companies.setdefault(str(found.company), []).extend(
                    [match_id, found.market, row] for row in rows
                )
        return b'{"code":0,"results":%s}' % msgspec.json.encode(companies)

    def _teams(self, params: Mapping[str, str], at: int) -> bytes:
        return _additional(params, self._source.team, lambda since: self._source.teams())

    def _competitions(self, params: Mapping[str, str], at: int) -> bytes:
        return _additional(
            params, self._source.competition, lambda since: self._source.competitions()
        )

    def _countries(self, params: Mapping[str, str], at: int) -> bytes:
        return b'{"code":0,"results":%s}' % self._source.countries()


def _listed(entries: Iterable[bytes], query: Mapping[str, Any] | None = None) -> bytes:
    results = b",".join(entries)
    if query is None:
        return b'{"code":0,"results":[%s]}' % results
    return b'{"code":0,"query":%s,"results":[%s]}' % (msgspec.json.encode(query), results)


def _additional(
    params: Mapping[str, str],
    entry: Callable[[str], bytes | None],
    ids: Callable[[int | None], Sequence[str]],
) -> bytes:
    """A list endpoint that takes `uuid`, or `time` (changed since), or `page` (1-based)."""
    if "uuid" in params:
        uuid = params["uuid"]
        found = entry(uuid)
        query = {"total": 1 if found else 0, "type": "uuid", "uuid": uuid}
        return _listed([found] if found else [], query)
    if "time" in params:
        since = _integer(params, "time")
        chosen = list(ids(since))[:PAGE_SIZE]
        query = {"total": len(chosen), "type": "time", "time": since, "limit": PAGE_SIZE}
    else:
        page = _integer(params, "page", default=1)
        chosen = list(ids(None))[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        query = {"total": len(chosen), "type": "page", "page": page, "limit": PAGE_SIZE}
    return _listed((found for one in chosen if (found := entry(one))), query)


def _integer(params: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = params.get(name, default)
    try:
        number = int(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise BadParameterError(f"{name} must be an integer") from None
    if number < 1:
        raise BadParameterError(f"{name} must be positive")
    return number
