"""Read the answers of the two services: whether a call failed, and what to ask for next.

"Could not reach" is never "no games": a refusal that carries an empty table is a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from resources.vendor.http import CallError
from touchline.day import Day, parse_instant
from touchline.fetch import json_text

_WORDS_SHOWN = 200

Judged = tuple[CallError | None, str | None]


def judge_balldontlie(http_status: int, body: bytes) -> Judged:
    """Judge an answer of balldontlie v1: it is good with HTTP 200 and a list under `data`."""
    answer = _decoded(body)
    if failed := _refused(http_status, answer, body):
        return failed
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        return CallError.NO_RESULTS, "the answer has no list under data"
    return None, None


def judge_odds_api(http_status: int, body: bytes) -> Judged:
    """Judge an answer of The Odds API v4: it is good with HTTP 200 and a list or an event, or with
    either under the `data` of a historical answer."""
    answer = _decoded(body)
    if failed := _refused(http_status, answer, body):
        return failed
    found = answer.get("data", answer) if isinstance(answer, dict) else answer
    if isinstance(found, list) or (isinstance(found, dict) and "id" in found):
        return None, None
    return CallError.NO_RESULTS, "the answer is neither a list nor an event"


def next_cursor(body: bytes) -> Mapping[str, str] | None:
    """Return the parameter that asks balldontlie for the next page; None after the last one, whose
    `meta` has no `next_cursor`."""
    answer = _decoded(body)
    meta = answer.get("meta") if isinstance(answer, dict) else None
    cursor = meta.get("next_cursor") if isinstance(meta, dict) else None
    return None if cursor is None else {"cursor": str(cursor)}


class Event(NamedTuple):
    """An event's id and, where it can be read, when it begins."""

    event_id: str
    starts: datetime | None


def events_of(body: bytes, day: Day) -> Iterator[Event]:
    """Yield the events that begin on this day in New York, and those whose beginning cannot be
    read, each once."""
    answer = _decoded(body)
    listed = answer.get("data") if isinstance(answer, dict) else answer
    seen: set[str] = set()
    for each in listed if isinstance(listed, list) else ():
        event_id = each.get("id") if isinstance(each, dict) else None
        if not isinstance(event_id, str) or not event_id or event_id in seen:
            continue
        seen.add(event_id)
        starts = _instant(each.get("commence_time"))
        if starts is None or Day.containing(starts) == day:
            yield Event(event_id, starts)


def _refused(http_status: int, answer: Any, body: bytes) -> Judged | None:
    """The error of an answer that its status or its own words call one."""
    said = _said(answer)
    detail = f"HTTP {http_status}" + (f": {said}" if said else "")
    if http_status == 429:
        return CallError.RATE_LIMITED, detail
    if http_status >= 300:
        return CallError.HTTP_STATUS, detail
    if answer is None:
        return CallError.NOT_JSON, "the body is not UTF-8 JSON" if body else "the body is empty"
    if said is not None:
        return CallError.VENDOR_ERROR, detail
    return None


def _said(answer: Any) -> str | None:
    """The service's own words, where the body has the shape of an error."""
    if not isinstance(answer, dict):
        return None
    parts = (answer.get(name) for name in ("error", "error_code", "message"))
    words = ", ".join(str(part) for part in parts if part)
    return words[:_WORDS_SHOWN] or None


def _instant(text: Any) -> datetime | None:
    try:
        return parse_instant(text)
    except (ValueError, TypeError, AttributeError):
        return None


def _decoded(body: bytes) -> Any:
    text = json_text(body)
    try:
        text.decode("utf-8")
        return msgspec.json.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None
