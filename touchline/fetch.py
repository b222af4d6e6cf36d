"""One fetch: its identity and its envelope with verbatim response bodies.

The envelope is one JSON document. Every response body that is UTF-8 JSON stands in it byte for
byte, without the byte order mark that some begin with, which the index tells; anything else stands
as an error record with the body in base64. An index at the end says, for each call, what was asked,
how it was answered and where its body lies. Spool, fetch object and window hold these same bytes;
indentation is for display alone.
"""

from __future__ import annotations

import base64
import codecs
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from touchline.accounting import Outcome, sha256_hex
from touchline.day import Day, FetchNumber, Minute, new_york_text, parse_instant, utc_text
from touchline.errors import Unreadable
from touchline.formats import unread, unread_json
from touchline.slot import Slot

FORMAT = 1
READABLE_FORMATS = (1,)
FETCH_ID_LENGTH = 12
NESTING_LEFT_TO_READERS = 400
SHOWN_OF_AN_ANSWER = 200
_BASE64 = "base64"
_AFTER_MARK = "utf-8-sig"


def new_fetch_id() -> str:
    """Twelve characters [A-Za-z0-9] from a cryptographic generator."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(FETCH_ID_LENGTH))


class UnreadableFetch(Unreadable):
    """These bytes are not an envelope that this version reads."""


class FetchRef(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """Which fetch: its slot and its id. Ordering and joining use nothing else.

    The fields are its stored form; `raw_asset` and `date` are None where `Slot.implied` gives them.
    Make one with `of`, and read its `slot`.
    """

    feed: str
    minute: Minute
    fetch_id: str
    raw_asset: str | None = None
    date: str | None = None

    @classmethod
    def of(cls, slot: Slot, fetch_id: str) -> FetchRef:
        return cls(slot.feed, Minute(slot.at), fetch_id, **slot.beyond_implied)

    @cached_property
    def slot(self) -> Slot:
        return Slot.told(self.feed, self.minute.utc, self.raw_asset, self.date)

    @property
    def day(self) -> Day:
        return self.slot.day

    @property
    def number(self) -> FetchNumber:
        return self.slot.number

    @property
    def at(self) -> datetime:
        """When it was to be made (UTC)."""
        return self.minute.utc

    @property
    def nyc_timestamp(self) -> str:
        """The time of its slot as people read it."""
        return new_york_text(self.at)

    def header(self, start_line: str) -> dict[str, Any]:
        """The identity part that every stage copies from the first one."""
        return {
            "fetch_number": self.number,
            "random_fetch_id": self.fetch_id,
            "nyc_timestamp": self.nyc_timestamp,
            "scheduled_minute_utc": utc_text(self.at),
            "fetch_start": start_line,
            **self.slot.beyond_implied,
        }


@dataclass(frozen=True)
class Call:
    """One vendor call and what came of it.

    `params` never holds credentials. `body` is None when nothing arrived. `error` is a code in
    lower snake case when the call failed, judged by the body and never by the HTTP status, and
    `detail` says more.
    """

    endpoint: str
    params: Mapping[str, str]
    body: bytes | None
    http_status: int | None = None
    date_header: str | None = None
    received_at: datetime | None = None
    error: str | None = None
    detail: str | None = None
    carried_from: str | None = None
    """The id of the fetch that first brought this body, when it was not asked for anew."""
    age_seconds: float | None = None
    stale: bool = False
    masked: bool = False
    """True when the vendor echoed a credential, which was replaced by `***`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer's headers those that its client keeps, such as what is left of a quota, by
    their name in lower case."""


class IndexEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a call's body lies in the envelope: `length` bytes from `offset`.

    `sha256` is that of the body as received. `encoding` is None where that is what is stored,
    `utf-8-sig` where a byte order mark came before it, `base64` where an error record holds it.
    """

    endpoint: str
    params: dict[str, str]
    offset: int
    length: int
    sha256: str | None = None
    http_status: int | None = None
    date_header: str | None = None
    received_at_utc: str | None = None
    error: str | None = None
    carried_from: str | None = None
    age_s: float | None = None
    encoding: str | None = None
    stale: bool = False
    masked: bool = False
    headers: dict[str, str] = {}

    @property
    def uuid(self) -> str | None:
        return self.params.get("uuid")

    @property
    def received_at(self) -> datetime | None:
        """Return when the body arrived (UTC); of a carried body, when it was first received."""
        return parse_instant(self.received_at_utc) if self.received_at_utc else None

    @property
    def is_error_record(self) -> bool:
        """Whether an error record of ours stands in the place of the body."""
        return self.sha256 is None or self.encoding == _BASE64


def json_text(body: bytes) -> bytes:
    """Return the body without the byte order mark before it, which is no part of its JSON."""
    return body.removeprefix(codecs.BOM_UTF8)


def is_json(body: bytes) -> bool:
    """True for one well-formed JSON value in UTF-8, which alone may be spliced in verbatim.

    One that is nested so deep that a reader further down the stack could not read the envelope any
    more does not count.
    """
    deeper = NESTING_LEFT_TO_READERS
    try:
        body.decode("utf-8")
        msgspec.json.decode(body, type=msgspec.Raw)
        msgspec.json.decode(b"[" * deeper + body + b"]" * deeper, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True


def error_record(call: Call) -> dict[str, Any]:
    """What stands in the place of a body that is not JSON: the error, and the bytes in base64."""
    record: dict[str, Any] = {
        "error": call.detail or call.error or "the body is not UTF-8 JSON",
        "endpoint": call.endpoint,
        "params": dict(call.params),
    }
    if call.body is not None:
        record["body_base64"] = base64.b64encode(call.body).decode()
    return record


def _stored(call: Call) -> tuple[bytes, str | None]:
    """What stands in the envelope for a call, and how it is encoded: see IndexEntry."""
    if call.body is None:
        return msgspec.json.encode(error_record(call)), None
    text = json_text(call.body)
    if is_json(text):
        return text, None if text == call.body else _AFTER_MARK
    return msgspec.json.encode(error_record(call)), _BASE64


Section = Mapping[str, Call | Sequence[Call]]


@dataclass
class _Writer:
    parts: list[bytes] = field(default_factory=list)
    length: int = 0
    index: list[IndexEntry] = field(default_factory=list)

    def text(self, text: bytes) -> None:
        self.parts.append(text)
        self.length += len(text)

    def call(self, call: Call) -> None:
        stored, encoding = _stored(call)
        is_data = call.body is not None and encoding != _BASE64
        self.index.append(
            IndexEntry(
                endpoint=call.endpoint,
                params=dict(call.params),
                offset=self.length,
                length=len(stored),
                sha256=None if call.body is None else sha256_hex(call.body),
                http_status=call.http_status,
                date_header=call.date_header,
                received_at_utc=utc_text(call.received_at) if call.received_at else None,
                error=call.error or (None if is_data else "not_json"),
                carried_from=call.carried_from,
                age_s=call.age_seconds,
                encoding=encoding,
                stale=call.stale,
                masked=call.masked,
                headers=dict(call.headers),
            )
        )
        self.text(stored)

    def section(self, section: Section) -> None:
        self.text(b"{")
        for position, (name, calls) in enumerate(section.items()):
            self.text((b"," if position else b"") + msgspec.json.encode(name) + b":")
            if isinstance(calls, Call):
                self.call(calls)
                continue
            self.text(b"[")
            for i, call in enumerate(calls):
                if i:
                    self.text(b",")
                self.call(call)
            self.text(b"]")
        self.text(b"}")


def write_envelope(
    ref: FetchRef, sections: Mapping[str, Section], footer: Mapping[str, Any], *, start_line: str
) -> bytes:
    """The stored form of a fetch.

    `sections` are objects of calls in the order they shall stand; `footer` needs `outcome` (an
    `Outcome`) and may carry a `reason` and any counts.
    """
    Outcome(footer["outcome"])
    out = _Writer()
    header = msgspec.json.encode(ref.header(start_line))
    out.text(b'{"format":%d,"feed":%s,"FETCH_HEADER":' % (FORMAT, msgspec.json.encode(ref.feed)))
    out.text(header)
    for name, section in sections.items():
        out.text(b"," + msgspec.json.encode(name) + b":")
        out.section(section)
    out.text(b',"FETCH_FOOTER":' + msgspec.json.encode(dict(footer)))
    out.text(b',"index":' + msgspec.json.encode(out.index) + b"}")
    return b"".join(out.parts)


class _Header(msgspec.Struct, frozen=True, omit_defaults=True):
    fetch_number: int
    random_fetch_id: str
    nyc_timestamp: str
    scheduled_minute_utc: str
    fetch_start: str
    raw_asset: str | None = None
    date: str | None = None


class _Skeleton(msgspec.Struct, frozen=True):
    format: int
    feed: str
    header: _Header = msgspec.field(name="FETCH_HEADER")
    footer: dict[str, Any] = msgspec.field(name="FETCH_FOOTER")
    index: list[IndexEntry]


class Envelope:
    """A fetch as stored. Bodies are cut out by the index; nothing of them is decoded here."""

    def __init__(self, data: bytes) -> None:
        """Raises UnreadableFetch for anything but a whole envelope of a readable format."""
        try:
            skeleton = msgspec.json.decode(data, type=_Skeleton)
            said = skeleton.header
            at = parse_instant(said.scheduled_minute_utc)
            slot = Slot.told(skeleton.feed, at, said.raw_asset, said.date)
            self.outcome = Outcome(skeleton.footer.get("outcome"))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            why = unread_json(data, READABLE_FORMATS)
            raise UnreadableFetch(f"not a fetch envelope: {why or error}") from error
        if why := unread(skeleton.format, READABLE_FORMATS):
            raise UnreadableFetch(f"envelope {why}")
        self.data = data
        self.ref = FetchRef.of(slot, said.random_fetch_id)
        self.header = msgspec.to_builtins(said)
        self.footer = skeleton.footer
        self.index = skeleton.index
        if any(e.offset < 0 or e.length < 0 or e.offset + e.length > len(data) for e in self.index):
            raise UnreadableFetch("the index points outside the envelope")

    def stored(self, entry: IndexEntry) -> memoryview:
        """The bytes that stand in the envelope for this call."""
        return memoryview(self.data)[entry.offset : entry.offset + entry.length]

    def body(self, entry: IndexEntry) -> bytes | None:
        """The body as it was received; None when nothing arrived."""
        if entry.sha256 is None:
            return None
        stored = bytes(self.stored(entry))
        if entry.encoding == _BASE64:
            return base64.b64decode(msgspec.json.decode(stored)["body_base64"])
        return codecs.BOM_UTF8 + stored if entry.encoding == _AFTER_MARK else stored

    def entries(self, endpoint: str) -> Iterator[IndexEntry]:
        return (entry for entry in self.index if entry.endpoint == endpoint)

    @property
    def failure(self) -> str | None:
        """Why the fetch failed, and what was answered in its own words; None where it did not."""
        if self.outcome is not Outcome.FAILED:
            return None
        failed = next((entry for entry in self.index if entry.error), None)
        code = self.footer.get("reason") or (failed and failed.error) or "no reason was recorded"
        return f"{code}: {self._said(failed)}" if failed else str(code)

    def _said(self, entry: IndexEntry) -> str:
        stored = bytes(self.stored(entry))
        if entry.is_error_record:
            stored = str(msgspec.json.decode(stored)["error"]).encode()
        return stored[:SHOWN_OF_AN_ANSWER].decode(errors="replace")

    def damaged(self) -> list[IndexEntry]:
        """Entries whose body no longer has the sha256 that was recorded when it arrived."""
        return [entry for entry in self.index if not self._is_whole(entry)]

    def _is_whole(self, entry: IndexEntry) -> bool:
        try:
            body = self.body(entry)
        except (ValueError, KeyError, TypeError, RecursionError):
            return False  # An error record that is none any more.
        return body is None or sha256_hex(body) == entry.sha256
