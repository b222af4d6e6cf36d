"""Faults on request: what the vendor's API does on its bad days, switched on over HTTP."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Kind = Literal[
    "error_body",
    "error_code",
    "http_429",
    "http_500",
    "timeout",
    "slow",
    "cut_off",
    "disconnect",
    "html",
    "empty_body",
    "empty_list",
    "not_utf8",
    "duplicate_id",
    "malformed_match",
    "no_id",
    "minus_one_corners",
    "status_disagrees",
    "frozen",
    "clock_skew",
    "echo_secret",
    "bad_headers",
    "bad_gzip",
    "byte_order_mark",
    "err_and_results",
    "far_start",
    "var_twice",
    "empty_odds",
    "merged",
]

_LIVE_LIST = "match/detail_live"
_LIST_KINDS = {"duplicate_id", "malformed_match", "no_id", "far_start", "var_twice"}
_ENDPOINTS = {
    **{kind: {_LIVE_LIST} for kind in _LIST_KINDS},
    "status_disagrees": {"match/recent/list"},
    "minus_one_corners": {_LIVE_LIST, "match/recent/list"},
    "empty_odds": {"odds/history"},
    "merged": {"team/additional/list", "competition/additional/list"},
}
"""The kinds that are about one sort of answer."""
# These need an answer that still is JSON, so they come before the others.
_CONTENT_KINDS = {*_ENDPOINTS, "err_and_results"}
_SECONDS_KINDS = {"slow", "clock_skew"}
_NO_YEAR = "Wed, 28 May 99999999999999999999 17:00:00 GMT"


class Fault(msgspec.Struct, omit_defaults=False, forbid_unknown_fields=True):
    """One fault. `endpoint` and `uuid` None mean any; `times` None means until it is taken away.

    For the kinds that spoil one entry of the live list (duplicate_id, malformed_match, no_id,
    far_start, var_twice) and for minus_one_corners, `uuid` names the entry; without it the first
    entry, or all corners. `seconds` is the delay of slow and the offset of clock_skew, `into` the
    id of the record into which the one of `uuid` was merged.
    """

    kind: Kind
    endpoint: str | None = None
    uuid: str | None = None
    times: int | None = None
    seconds: float | None = None
    into: str | None = None

    def __post_init__(self) -> None:
        if self.kind in _SECONDS_KINDS and self.seconds is None:
            raise ValueError(f"a fault of kind {self.kind} needs seconds")
        if self.kind == "merged" and (self.uuid is None or self.into is None):
            raise ValueError("a fault of kind merged needs uuid and into")

    def concerns(self, endpoint: str, uuid: str | None) -> bool:
        if self.times == 0 or self.endpoint not in (None, endpoint):
            return False
        endpoints = _ENDPOINTS.get(self.kind)
        if endpoints is not None and endpoint == _LIVE_LIST:
            return endpoint in endpoints  # `uuid` names an entry, not the call.
        return (endpoints is None or endpoint in endpoints) and self.uuid in (None, uuid)


@dataclass
class Answer:
    """One answer on its way out.

    `stop_after` bytes the connection is closed; `never` means that the client waits in vain.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    delay_seconds: float = 0.0
    date_offset_seconds: float = 0.0
    stop_after: int | None = None
    never: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    """Besides the usual ones, or in their place. Names are in lower case."""


@dataclass
class _Active:
    fault: Fault
    set_at: int


@dataclass
class Faults:
    """The faults in force."""

    _active: list[_Active] = field(default_factory=list)

    def replace(self, faults: list[Fault], now: int) -> None:
        """Put these in the place of all others; a `frozen` one freezes the world at `now`."""
        self._active = [_Active(fault, now) for fault in faults]

    def current(self) -> list[Fault]:
        """Those still in force, with the times that are left."""
        return [active.fault for active in self._active if active.fault.times != 0]

    def take(self, endpoint: str, uuid: str | None) -> Taken:
        """The faults that this call meets; each is used up by one time."""
        met = [active for active in self._active if active.fault.concerns(endpoint, uuid)]
        for active in met:
            if active.fault.times is not None:
                active.fault.times -= 1
        frozen = [active.set_at for active in met if active.fault.kind == "frozen"]
        return Taken([active.fault for active in met], frozen[0] if frozen else None)


@dataclass(frozen=True)
class Taken:
    """The faults of one call, and the moment at which the world stands still for it, if any."""

    faults: list[Fault]
    frozen_at: int | None

    def apply(self, answer: Answer, credentials: Mapping[str, str]) -> Answer:
        """Spoil the answer. `credentials` are the caller's own, for echo_secret."""
        for fault in sorted(self.faults, key=lambda fault: fault.kind not in _CONTENT_KINDS):
            if fault.kind == "echo_secret":
                user, secret = credentials.get("user", ""), credentials.get("secret", "")
                answer.body = _json({"err": f"Not authorized: user={user}&secret={secret}"})
            else:
                _SPOILERS[fault.kind](answer, fault)
        return answer


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _error_body(answer: Answer, fault: Fault) -> None:
    answer.body = _json({"err": "Service is temporarily unavailable"})


def _error_code(answer: Answer, fault: Fault) -> None:
    answer.body = _json({"code": 9999, "msg": "Unknown error"})


def _too_many(answer: Answer, fault: Fault) -> None:
    answer.status, answer.body = 429, _json({"code": 429, "msg": "Too Many Requests"})


def _server_error(answer: Answer, fault: Fault) -> None:
    answer.status, answer.body = 500, _json({"code": 500, "msg": "Internal Server Error"})


def _timeout(answer: Answer, fault: Fault) -> None:
    answer.never = True


def _slow(answer: Answer, fault: Fault) -> None:
    answer.delay_seconds += fault.seconds or 0.0


def _cut_off(answer: Answer, fault: Fault) -> None:
    answer.body = answer.body[: len(answer.body) // 2]


def _disconnect(answer: Answer, fault: Fault) -> None:
    answer.stop_after = len(answer.body) // 2


def _html(answer: Answer, fault: Fault) -> None:
    answer.content_type = "text/html"
    answer.body = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"


def _empty_body(answer: Answer, fault: Fault) -> None:
    answer.body = b""


def _empty_list(answer: Answer, fault: Fault) -> None:
    answer.body = b'{"code":0,"results":[]}'


def _not_utf8(answer: Answer, fault: Fault) -> None:
    answer.body = b'{"note":"\xe9\xff",' + answer.body[1:]


def _frozen(answer: Answer, fault: Fault) -> None:
    """The answer was already made at the moment at which the world froze."""


def _clock_skew(answer: Answer, fault: Fault) -> None:
    answer.date_offset_seconds += fault.seconds or 0.0


def _bad_headers(answer: Answer, fault: Fault) -> None:
    answer.headers |= {"date": _NO_YEAR, "retry-after": _NO_YEAR}


def _bad_gzip(answer: Answer, fault: Fault) -> None:
    """The checksum behind it is another body's."""
    answer.headers["content-encoding"] = "gzip"
    answer.body = gzip.compress(answer.body)[:-8] + bytes(8)


def _byte_order_mark(answer: Answer, fault: Fault) -> None:
    answer.body = codecs.BOM_UTF8 + answer.body


def _entries(change: Callable[[Any, Fault], None]) -> _Spoiler:
    """A fault inside `results`: answers without entries pass unchanged."""

    def spoil(answer: Answer, fault: Fault) -> None:
        document = msgspec.json.decode(answer.body)
        if document.get("results"):
            change(document["results"], fault)
            answer.body = _json(document)

    return spoil


def _position(entries: list[dict[str, Any]], fault: Fault) -> int:
    ids = [entry.get("id") for entry in entries]
    return ids.index(fault.uuid) if fault.uuid in ids else 0


def _duplicate_id(entries: list[dict[str, Any]], fault: Fault) -> None:
    entries.append(entries[_position(entries, fault)])


def _malformed_match(entries: list[dict[str, Any]], fault: Fault) -> None:
    entry = entries[_position(entries, fault)]
    entry["score"] = [entry["id"], "2", [0, "one"], None]


def _no_id(entries: list[dict[str, Any]], fault: Fault) -> None:
    entries[_position(entries, fault)].pop("id", None)


def _minus_one_corners(entries: list[dict[str, Any]], fault: Fault) -> None:
    for entry in entries:
        if fault.uuid in (None, entry.get("id")):
            score = entry.get("score", ())
            sides = score[2:4] if score else (entry["home_scores"], entry["away_scores"])
            for side in sides:
                side[4] = -1


def _status_disagrees(entries: list[dict[str, Any]], fault: Fault) -> None:
    for entry in entries:
        entry["status_id"] = 3 if entry["status_id"] != 3 else 2


def _far_start(entries: list[dict[str, Any]], fault: Fault) -> None:
    """The period of play began in the year 2100."""
    entries[_position(entries, fault)]["score"][4] = 4_102_444_800


def _var_twice(entries: list[dict[str, Any]], fault: Fault) -> None:
    """A review with its result, and once more as it was before there was one."""
    review = {"type": 28, "position": 1, "time": 20, "player_id": "", "var_reason": 1}
    listed = entries[_position(entries, fault)].setdefault("incidents", [])
    listed += [{**review, "var_result": result} for result in (2, 0)]


def _empty_odds(companies: dict[str, Any], fault: Fault) -> None:
    """The first company has no markets, and the others' markets no rows, each as an object would
    be written by a language that knows no difference."""
    for place, company in enumerate(companies):
        companies[company] = {market: {} for market in companies[company]} if place else []


def _merged(entries: list[dict[str, Any]], fault: Fault) -> None:
    for entry in entries:
        entry["uid"] = fault.into


def _err_and_results(answer: Answer, fault: Fault) -> None:
    answer.body = _json({**msgspec.json.decode(answer.body), "err": "Data is being updated"})


_Spoiler = Callable[[Answer, Fault], None]
_SPOILERS: Mapping[str, _Spoiler] = {
    "error_body": _error_body,
    "error_code": _error_code,
    "http_429": _too_many,
    "http_500": _server_error,
    "timeout": _timeout,
    "slow": _slow,
    "cut_off": _cut_off,
    "disconnect": _disconnect,
    "html": _html,
    "empty_body": _empty_body,
    "empty_list": _empty_list,
    "not_utf8": _not_utf8,
    "duplicate_id": _entries(_duplicate_id),
    "malformed_match": _entries(_malformed_match),
    "no_id": _entries(_no_id),
    "minus_one_corners": _entries(_minus_one_corners),
    "status_disagrees": _entries(_status_disagrees),
    "frozen": _frozen,
    "clock_skew": _clock_skew,
    "bad_headers": _bad_headers,
    "bad_gzip": _bad_gzip,
    "byte_order_mark": _byte_order_mark,
    "err_and_results": _err_and_results,
    "far_start": _entries(_far_start),
    "var_twice": _entries(_var_twice),
    "empty_odds": _entries(_empty_odds),
    "merged": _entries(_merged),
}
