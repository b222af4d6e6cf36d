"""One recorded poll, played back as a film of the two hours before it.

Odds rows carry the moment of the change, and the vendor only ever adds rows at the front: cutting
every list to the rows with time <= t gives what the endpoint answered at t. Each row also carries
status, minute and score, so the live list and the details at t are read off the rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from simulator.film import MatchFilm
from simulator.history import Market, MarketHistory, MarketRows, OddsHistory
from simulator.source import DataDirectoryError
from touchline.compression import zstd

_T = TypeVar("_T")


class _Record(msgspec.Struct):
    uuid: str
    response: msgspec.Raw


class _Response(msgspec.Struct):
    results: msgspec.Raw


class _Meta(msgspec.Struct):
    timestamp: str


class _Identified(msgspec.Struct):
    id: str


class Recorded:
    """The poll in a directory, as a source.

    At or after the poll's own time (`poll_time`, Unix s) every answer is the recorded one, byte for
    byte. Before it, a match without any row yet has the state that its kick-off time implies.

    Raises DataDirectoryError if a file is missing or unreadable.
    """

    def __init__(self, directory: Path) -> None:
        files = _Files(directory)
        meta = files.decode("meta.json", _Meta)
        self.poll_time = int(datetime.fromisoformat(meta.timestamp).replace(tzinfo=UTC).timestamp())
        entries = files.results("match_detail_live.json")
        self._live = {msgspec.json.decode(entry, type=_Identified).id: entry for entry in entries}
        self._details = files.records("match_recent_list_by_uuid.jsonl")
        odds = files.records("odds_history_by_uuid.jsonl", one_of_list=False)
        self._teams = files.records("team_additional_list_by_uuid.jsonl")
        self._competitions = files.records("competition_additional_list_by_uuid.jsonl")
        self._countries = files.decode("country_list.json", _Response).results
        self._odds: dict[str, OddsHistory] = {}
        self._films: dict[str, MatchFilm] = {}
        for match_id, entry in self._live.items():
            rows = msgspec.json.decode(odds[match_id], type=dict[str, dict[str, list[msgspec.Raw]]])
            self._odds[match_id] = _odds_history(rows)
            self._films[match_id] = MatchFilm(
                msgspec.json.decode(entry), msgspec.json.decode(self._details[match_id]), rows
            )

    def live(self, at: int) -> list[str]:
        return list(self._live)

    def live_entry(self, match_id: str, at: int) -> bytes:
        if at >= self.poll_time:
            return self._live[match_id]
        return self._films[match_id].live_entry(at)

    def recent(self, at: int, since: int | None = None) -> list[str]:
        if since is None:
            return list(self._live)
        return [
            m for m in self._live if self._films[m].updated_at(min(at, self.poll_time)) >= since
        ]

    def detail(self, match_id: str, at: int) -> bytes | None:
        if match_id not in self._films:
            return None
        if at >= self.poll_time:
            return self._details[match_id]
        return self._films[match_id].detail(at)

    def odds(self, match_id: str, at: int) -> bytes | None:
        if match_id not in self._odds:
            return None
        return self._odds[match_id].at(at if at < self.poll_time else math.inf)

    def odds_rows(self, match_id: str, after: int, until: int) -> list[MarketRows]:
        return self._odds[match_id].between(after, until)

    def teams(self) -> list[str]:
        return list(self._teams)

    def team(self, team_id: str) -> bytes | None:
        return self._teams.get(team_id)

    def competitions(self) -> list[str]:
        return list(self._competitions)

    def competition(self, competition_id: str) -> bytes | None:
        return self._competitions.get(competition_id)

    def countries(self) -> bytes:
        return bytes(self._countries)


def _odds_history(companies: Mapping[str, Mapping[str, list[msgspec.Raw]]]) -> OddsHistory:
    markets = []
    for company, by_market in companies.items():
        for name, newest_first in by_market.items():
            rows = [bytes(row) for row in reversed(newest_first)]
            times = [int(row[1 : row.index(b",")]) for row in rows]
            markets.append(Market(int(company), name, MarketHistory(times, rows)))
    return OddsHistory(markets)


class _Files:
    """The zstd files of one recorded poll."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def decode(self, name: str, shape: type[_T]) -> _T:
        return self._decoded(name, self._text(name), shape)

    def results(self, name: str) -> list[bytes]:
        """The elements of a recorded answer's `results`, as they were sent."""
        results = self.decode(name, _Response).results
        return [bytes(entry) for entry in self._decoded(name, results, list[msgspec.Raw])]

    def records(self, name: str, *, one_of_list: bool = True) -> dict[str, bytes]:
        """By id, `results` of each recorded answer as it was sent, or its only element."""
        found = {}
        for line in self._text(name).splitlines():
            record = self._decoded(name, line, _Record)
            results = self._decoded(name, record.response, _Response).results
            found[record.uuid] = bytes(results)[1:-1] if one_of_list else bytes(results)
        return found

    def _text(self, name: str) -> bytes:
        path = self._directory / f"{name}.zst"
        try:
            return zstd.decompress(path.read_bytes())
        except (OSError, zstd.ZstdError) as error:
            raise DataDirectoryError(self._directory, f"{path.name}: {error}") from error

    def _decoded(self, name: str, text: bytes | msgspec.Raw, shape: type[_T]) -> _T:
        try:
            return msgspec.json.decode(text, type=shape)
        except msgspec.MsgspecError as error:
            raise DataDirectoryError(self._directory, f"{name}: {error}") from error
