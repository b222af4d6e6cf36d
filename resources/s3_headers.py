"""Headers of an object store's answers: one that cannot be read is one that is not there.

botocore reads times and numbers of every answer, also those that nobody asks for, and raises over
one that makes no sense: whatever was asked would fail with it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.session import Session
from botocore.utils import parse_timestamp

_NUMBERS = (
    "content-length",
    "x-amz-missing-meta",
    "x-amz-mp-parts-count",
    "x-amz-tagging-count",
)
"""The headers of an answer that botocore reads as whole numbers."""


def lenient_session(profile: str | None = None) -> Session:
    """A session of botocore to which a header that it cannot read is one that is not there.

    Times are None then. They are read without dateutil where that is possible, since it takes
    longer than all else that is done with a listing.
    """
    session = Session(profile=profile)
    factory = session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=_time)
    session.register("before-parse.s3", _without_unreadable_numbers)
    return session


def _time(value: str | float) -> datetime | None:
    if isinstance(value, str) and value.endswith("Z"):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    try:
        return parse_timestamp(value)
    except (ValueError, OverflowError, RuntimeError):
        return None


def _without_unreadable_numbers(response_dict: dict[str, Any], **_: Any) -> None:
    headers = response_dict["headers"]
    for name in _NUMBERS:
        if name in headers and whole_number(headers[name]) is None:
            del headers[name]


def whole_number(text: str) -> int | None:
    """The number in a header; None where it cannot be read."""
    try:
        return int(text)
    except ValueError:
        return None
