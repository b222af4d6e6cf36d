"""What the football vendor's answers say, as far as a fetch must know to ask the next question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pipeline_assets.football.wire import HALF_TIME, IN_PLAY
from pipeline_assets.football.wire.fields import known
from resources.vendor.http import CallError
from touchline.fetch import is_json, json_text

_DETAIL_CHARACTERS = 200


class _Answer(msgspec.Struct):
    code: Any = None
    results: msgspec.Raw = msgspec.Raw()
    err: Any = None
    msg: Any = None


class LiveMatch(msgspec.Struct, frozen=True):
    """An entry of the live list, which may be anything: later stages say what is wrong with it."""

    id: Any = None
    score: Any = None

    @property
    def match_id(self) -> str | None:
        return self.id if isinstance(self.id, str) and self.id else None

    @property
    def is_counted(self) -> bool:
        """Whether the footer counts it: an entry with an id and a score."""
        return self.match_id is not None and isinstance(self.score, list) and len(self.score) > 1

    @property
    def status(self) -> int | None:
        if not self.is_counted or type(self.score[1]) is not int:
            return None
        return self.score[1]


class References(msgspec.Struct, frozen=True):
    """The ids that a match's details, a team or a competition refer to; "", null and whatever is no
    text are unknown. `uid` is the id that survives where duplicates were merged."""

    id: Any = None
    competition_id: Any = None
    home_team_id: Any = None
    away_team_id: Any = None
    uid: Any = None


def judge(http_status: int, body: bytes) -> tuple[CallError | None, str | None]:
    """Success is `code` 0 with `results` and without words of an error, never the HTTP status.

    The error and the vendor's words about it. A quota error may come with HTTP 200 and a text
    alone, hence the look at the words: they choose between two names for a failure, nothing else.
    """
    answer = _answer(body)
    if answer is not None and _is_success(answer):
        return None, None
    said = None if answer is None else _said(answer)
    detail = f"HTTP {http_status}" + (f": {said}" if said else "")
    if http_status == 429 or (answer is not None and answer.code == 429):
        return CallError.RATE_LIMITED, detail
    if http_status >= 500:
        return CallError.HTTP_STATUS, detail
    if said is not None:
        too_many = "too many requests" in said.lower()
        return CallError.RATE_LIMITED if too_many else CallError.VENDOR_ERROR, detail
    if http_status >= 300:
        return CallError.HTTP_STATUS, detail
    if answer is None and not is_json(json_text(body)):
        return CallError.NOT_JSON, "the body is not UTF-8 JSON" if body else "the body is empty"
    return CallError.NO_RESULTS, "code 0 and results are missing"


def live_matches(body: bytes) -> list[LiveMatch] | None:
    """The entries of a good answer of match/detail_live; None when `results` is no list.

    An empty object is an empty list: the vendor writes both for "nothing".
    """
    results = _decoded(body, list[msgspec.Raw])
    if results is None:
        return [] if _decoded(body, dict[str, msgspec.Raw]) == {} else None
    found = []
    for raw in results:
        try:
            found.append(msgspec.json.decode(raw, type=LiveMatch))
        except msgspec.DecodeError:
            continue
    return found


def references(body: bytes, record_id: str) -> References:
    """What a good answer's record refers to; nothing if it is not the one that was asked for."""
    found = _decoded(body, list[References])
    return found[0] if found and found[0].id == record_id else References()


def is_about(body: bytes, record_id: str) -> bool:
    """Whether a good answer holds this very record, and so may be kept for its id."""
    return references(body, record_id).id is not None


def survivor(body: bytes, record_id: str) -> str | None:
    """The id of the record into which this one was merged; None where it stands for itself."""
    uid = references(body, record_id).uid
    return known(uid) if isinstance(uid, str) else None


def has_results(body: bytes) -> bool:
    return bool(_decoded(body, list[msgspec.Raw]))


def odds_order(matches: Sequence[LiveMatch], answered: Mapping[str | None, str]) -> list[str]:
    """The distinct match ids in the order in which they get what the odds quota allows:
    half-time, where the alerts look; the rest of play; then all others.

    `answered` says when a match's odds last came (ISO 8601 in UTC): among equals the longest ago
    comes first, and one that never had odds before all, so that none waits for ever. Stable.
    """

    def rank(match: LiveMatch) -> tuple[int, str]:
        place = 0 if match.status == HALF_TIME else 1 if match.status in IN_PLAY else 2
        return place, answered.get(match.match_id, "")

    return distinct(match.match_id for match in sorted(matches, key=rank))


def distinct(ids: Any) -> list[str]:
    """Every id once, in order of first occurrence, without unknown ones."""
    return list(dict.fromkeys(one for one in ids if one and isinstance(one, str)))


def _answer(body: bytes) -> _Answer | None:
    text = json_text(body)
    try:
        text.decode("utf-8")
        return msgspec.json.decode(text, type=_Answer)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None


def _is_success(answer: _Answer) -> bool:
    present = bytes(answer.results) not in (b"", b"null")
    return type(answer.code) is int and answer.code == 0 and present and not answer.err


def _said(answer: _Answer) -> str | None:
    """The vendor's own words, where the body has the shape of an error."""
    failed = answer.err is not None or answer.code not in (0, None)
    if not failed:
        return None
    words = answer.err if answer.err is not None else answer.msg
    code = "" if answer.code is None else f"code {answer.code}"
    return ", ".join(part for part in (code, str(words or "")) if part)[:_DETAIL_CHARACTERS]


def _decoded(body: bytes, of: Any) -> Any:
    answer = _answer(body)
    if answer is None or not answer.results:
        return None
    try:
        return msgspec.json.decode(answer.results, type=of)
    except (msgspec.DecodeError, RecursionError):
        return None
