"""VAR incidents: each once, again when its result changes, and when the vendor takes it back."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.football.documents import records_document
from pipeline_assets.football.wire.codes import SIDES, VAR_TYPE, var_reason_text, var_result_text
from pipeline_assets.football.wire.fetched import PartMissing, live_matches
from pipeline_assets.football.wire.fields import (
    NULL,
    Malformed,
    Noticed,
    Unread,
    known,
    list_of,
    members,
    starts,
)
from pipeline_assets.football.wire.live import live_id, read_incident, type_of
from touchline.day import new_york_text, utc_text
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Stage, Staged, Unusable

Meta = msgspec.Meta

_DISTINGUISHING = ("player_id", "var_reason", "var_result")
"""Without these, beside minute and side, nobody can say which incident it is, or what is new."""
KEPT_MINUTES = 48 * 60
"""How long the incidents of a match are remembered after it left the live list."""


class VarReason(StrEnum):
    """Why an incident is no new record, or is set aside."""

    ALREADY_SEEN = "already_seen"
    REPEATED_IN_LIST = "repeated_in_list"
    DUPLICATE_MATCH_ID = "duplicate_match_id"
    NO_MATCH_ID = "no_match_id"
    MALFORMED = "malformed"
    NO_LIVE_LIST = "no_live_list"


class FetchInfo(msgspec.Struct, frozen=True):
    """The fetch that first showed this revision."""

    fetch_number: int
    fetch_id: str
    fetch_timestamp: Annotated[str, Meta(description="its scheduled minute, New York")]


class VarIncident(msgspec.Struct, frozen=True):
    """A VAR incident of a live match, one record a revision.

    It is named by match, minute, side, player and reason. Another result makes another revision
    (unknown, then goal canceled), and an incident that the vendor takes back is recorded again
    with `retracted_at_utc`.
    """

    var_incident_id: str
    match_id: str
    detected_timestamp: Annotated[str, Meta(description="arrival of the answer, New York")]
    fetch_info: FetchInfo
    time: Annotated[int, Meta(description="minute of play, stoppage included")]
    position: Annotated[int, Meta(description="0 neutral, 1 home, 2 away")]
    side: str
    player_id: str | None
    player_name: str | None
    var_reason: int | None
    var_reason_text: str
    var_result: int | None
    var_result_text: str
    revision: int
    retracted_at_utc: str | None
    var_incident: Annotated[msgspec.Raw, Meta(description="as received, JSON text")]


class SeenIncident(msgspec.Struct, frozen=True):
    """What was last recorded of an incident; `text` is the incident as received."""

    text: str
    result: int | None
    revision: int
    detected: str
    fetch: FetchInfo
    retracted_at: str | None = None


class SeenMatch(msgspec.Struct, frozen=True):
    """The incidents of one match by id; `listed` is the Unix minute of its last live list."""

    listed: int
    incidents: dict[str, SeenIncident]


class SeenIncidents(msgspec.Struct, frozen=True):
    """The incidents of every match that was live in the last 48 hours."""

    matches: dict[str, SeenMatch]


def var_incidents(
    fetch: FetchRef, raw: Envelope, *, carried: SeenIncidents | None
) -> Staged[VarIncident]:
    """New, revised and retracted VAR incidents of this fetch.

    `received` counts the incidents of type 28 in the live list, incidents that cannot be read, and
    retractions. An incident is retracted only where its match is listed with incidents that can all
    be read: a match that left the list takes nothing back.
    """
    staged = Staged[VarIncident]()
    now = int(fetch.at.timestamp()) // 60
    before = carried.matches if carried else {}
    matches = {name: seen for name, seen in before.items() if now - seen.listed <= KEPT_MINUTES}
    staged.carried = SeenIncidents(matches)
    try:
        call, entries = live_matches(raw)
    except (Malformed, PartMissing) as error:
        with staged.one_record(None):
            raise Unusable(VarReason.NO_LIVE_LIST, str(error)) from None
        return staged
    sight = _Sight(fetch, call.received_at or fetch.at, staged, Noticed())
    listed: set[str] = set()
    for entry in entries:
        match_id = live_id(entry)
        if match_id is None:
            sight.set_aside(entry, VarReason.NO_MATCH_ID)
        elif match_id in listed:
            sight.set_aside(entry, VarReason.DUPLICATE_MATCH_ID)
        else:
            listed.add(match_id)
            before_now = matches[match_id].incidents if match_id in matches else {}
            incidents = sight.of_match(match_id, entry, before_now)
            if incidents:
                matches[match_id] = SeenMatch(now, incidents)
    staged.findings.extend(sight.noticed.findings())
    return staged


@dataclass(frozen=True)
class _Sight:
    """What one fetch shows of the VAR incidents of its matches."""

    fetch: FetchRef
    arrived: datetime
    staged: Staged[VarIncident]
    noticed: Noticed

    def set_aside(self, entry: msgspec.Raw, reason: VarReason) -> None:
        """The incidents of an entry that cannot be told to be a match's own."""
        key = live_id(entry)
        try:
            reviews = _reviews(entry) or []
        except Malformed:
            return
        for text in reviews:
            with self.staged.one_record(key, text):
                raise Unusable(reason, "the match's entry in the live list is not usable")

    def of_match(
        self, match_id: str, entry: msgspec.Raw, seen: Mapping[str, SeenIncident]
    ) -> dict[str, SeenIncident]:
        """Emit what is new of one match; what is seen of it now."""
        try:
            reviews = _reviews(entry)
        except Malformed as error:
            with self.staged.one_record(match_id, entry):
                raise Unusable(VarReason.MALFORMED, str(error)) from None
            return dict(seen)
        if reviews is None:
            return dict(seen)
        shown = dict(seen)
        read = [_read(match_id, text) for text in reviews]
        place_of = _places(reviews, [name for name, _ in read])
        for place, (text, (name, why)) in enumerate(zip(reviews, read, strict=True)):
            with self.staged.one_record(name or match_id, text):
                if name is None:
                    raise Unusable(VarReason.MALFORMED, why)
                if place_of[name] != place:
                    self.staged.drop(VarReason.REPEATED_IN_LIST, name)
                    continue
                shown[name] = self._sighted(match_id, name, text, seen.get(name))
        if all(name for name, _ in read):
            for name, last in seen.items():
                if name not in place_of:
                    shown[name] = self._retracted(match_id, name, last)
        return shown

    def _sighted(
        self, match_id: str, name: str, text: msgspec.Raw, last: SeenIncident | None
    ) -> SeenIncident:
        incident, unread = read_incident(text, "incident")
        if why := unread.get("player_name"):
            self.noticed.unread("incidents", {"player_name": why}, match_id)
        if last and not last.retracted_at and last.result == incident.var_result:
            self.staged.drop(VarReason.ALREADY_SEEN, name)
            return last
        sighted = SeenIncident(
            text=bytes(text).decode(),
            result=incident.var_result,
            revision=last.revision + 1 if last else 1,
            detected=new_york_text(self.arrived),
            fetch=FetchInfo(self.fetch.number, self.fetch.fetch_id, self.fetch.nyc_timestamp),
        )
        self.staged.emit(_record(match_id, name, sighted))
        return sighted

    def _retracted(self, match_id: str, name: str, last: SeenIncident) -> SeenIncident:
        if last.retracted_at:
            return last
        retracted = msgspec.structs.replace(last, retracted_at=utc_text(self.arrived))
        self.staged.emit_many([_record(match_id, name, retracted)])
        return retracted


def _reviews(entry: msgspec.Raw) -> list[msgspec.Raw] | None:
    """The incidents of type 28 of a live entry, and those whose type cannot be read.

    None where the entry has no list of incidents. Raises Malformed.
    """
    raw = members(entry, "match").get("incidents", NULL)
    if starts(raw) == b"n":
        return None
    return [item for item in list_of(raw, "incidents") if _may_be_review(item)]


def _may_be_review(item: msgspec.Raw) -> bool:
    try:
        return type_of(item) == VAR_TYPE
    except Malformed:
        return True


def _read(match_id: str, text: msgspec.Raw) -> tuple[str | None, str]:
    """The id of an incident, or None and why it cannot be read."""
    try:
        incident, unread = read_incident(text, "incident")
    except Malformed as error:
        return None, str(error)
    for field in _DISTINGUISHING:
        if field in unread:
            return None, unread[field]
    who = known(incident.player_id) or "-"
    reason = "-" if incident.var_reason is None else incident.var_reason
    return f"{match_id}_{incident.time}_{incident.position}_{who}_{reason}", ""


def _places(reviews: Sequence[msgspec.Raw], names: Sequence[str | None]) -> dict[str, int]:
    """Where the entry stands that counts of each incident: of several, the last one that has a
    result, else the last one."""
    found: dict[str, int] = {}
    resolved: dict[str, int] = {}
    for place, (text, name) in enumerate(zip(reviews, names, strict=True)):
        if name is not None:
            found[name] = place
            if read_incident(text, "incident").value.var_result:
                resolved[name] = place
    return found | resolved


def _record(match_id: str, name: str, seen: SeenIncident) -> VarIncident:
    text = msgspec.Raw(seen.text.encode())
    incident = read_incident(text, "incident").value
    return VarIncident(
        var_incident_id=name,
        match_id=match_id,
        detected_timestamp=seen.detected,
        fetch_info=seen.fetch,
        time=incident.time,
        position=incident.position,
        side=SIDES.get(incident.position, f"Unknown position ({incident.position})"),
        player_id=known(incident.player_id),
        player_name=known(incident.player_name),
        var_reason=incident.var_reason,
        var_reason_text=var_reason_text(incident.var_reason),
        var_result=incident.var_result,
        var_result_text=var_result_text(incident.var_result),
        revision=seen.revision,
        retracted_at_utc=seen.retracted_at,
        var_incident=text,
    )


stage = Stage(
    name="football/var_incidents",
    inputs=("football/raw_fetches",),
    makes=VarIncident,
    by=var_incidents,
    key=lambda incident: incident.var_incident_id,
    reasons=VarReason,
    counts="VAR incidents",
    receives_each=False,
    misread=(VarReason.MALFORMED, *Unread),
    doc=(
        "Every VAR incident once, again as a new revision when its result changes, and with the "
        "time of its retraction when the vendor takes it back."
    ),
    ordered=True,
    carries=SeenIncidents,
    log_name="var_logger",
    export=functools.partial(records_document, stage="football/var_incidents"),
)
