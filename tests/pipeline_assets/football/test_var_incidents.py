"""VAR incidents: new, revised and retracted ones, minute after minute."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipeline_assets.football.var_incidents import SeenIncidents, VarIncident, stage, var_incidents
from tests.pipeline_assets.football.examples import MATCH, VAR, survive_columns, through_storage
from tests.pipeline_assets.football.fetches import (
    MINUTE,
    POLL,
    envelope,
    needs_poll,
    recorded_fetch,
)
from touchline.stage import Staged

PLAYER = VAR["player_id"]


def review(**changed: Any) -> dict[str, Any]:
    """A VAR incident; `...` leaves a field out."""
    return {name: value for name, value in {**VAR, **changed}.items() if value is not ...}


def entry(*incidents: Any, match_id: Any = MATCH) -> dict[str, Any]:
    return {"id": match_id, "incidents": list(incidents)}


class Vendor:
    """One live list after the other."""

    def __init__(self) -> None:
        self.carried: SeenIncidents | None = None
        self.minutes = 0

    def lists(self, *entries: Any, after: int = 1) -> Staged[VarIncident]:
        self.minutes += after
        raw = envelope(list(entries), minute=MINUTE.later(self.minutes))
        before = msgspec.msgpack.encode(self.carried)
        staged = var_incidents(raw.ref, raw, carried=self.carried)
        assert staged.account.conserved
        assert msgspec.msgpack.encode(self.carried) == before, "the carried state is not changed"
        self.carried = through_storage(staged.carried)
        return staged


def test_an_incident_has_the_documented_form() -> None:
    incident = review()
    raw = envelope([entry(incident)])
    (record,) = var_incidents(raw.ref, raw, carried=None).records
    assert msgspec.json.decode(msgspec.json.encode(record)) == {
        "var_incident_id": f"{MATCH}_35_1_{PLAYER}_1",
        "match_id": MATCH,
        "detected_timestamp": "05/28/2025 01:30:04 PM EDT",
        "fetch_info": {
            "fetch_number": 811,
            "fetch_id": raw.ref.fetch_id,
            "fetch_timestamp": "05/28/2025 01:30:00 PM EDT",
        },
        "time": 35,
        "position": 1,
        "side": "home",
        "player_id": PLAYER,
        "player_name": "Example Player",
        "var_reason": 1,
        "var_reason_text": "goal awarded",
        "var_result": 2,
        "var_result_text": "goal canceled",
        "revision": 1,
        "retracted_at_utc": None,
        "var_incident": incident,
    }


def test_only_incidents_of_type_28_are_received() -> None:
    staged = Vendor().lists(entry({"type": 1, "position": 1, "time": 3}, review()))
    assert staged.received == 1


@pytest.mark.parametrize(
    ("changed", "name", "reason", "result"),
    [
        ({"player_id": ...}, f"{MATCH}_35_1_-_1", "goal awarded", "goal canceled"),
        ({"player_id": ""}, f"{MATCH}_35_1_-_1", "goal awarded", "goal canceled"),
        ({"var_reason": ...}, f"{MATCH}_35_1_{PLAYER}_-", "unknown", "goal canceled"),
        ({"var_result": ...}, f"{MATCH}_35_1_{PLAYER}_1", "goal awarded", "unknown"),
        ({"var_result": 0}, f"{MATCH}_35_1_{PLAYER}_1", "goal awarded", "unknown"),
        (
            {"var_reason": 77, "var_result": 99},
            f"{MATCH}_35_1_{PLAYER}_77",
            "Unknown reason (77)",
            "Unknown result (99)",
        ),
    ],
)
def test_what_is_absent_or_unlisted_is_unknown(
    changed: dict[str, Any], name: str, reason: str, result: str
) -> None:
    (record,) = Vendor().lists(entry(review(**changed))).records
    assert stage.key(record) == name
    assert (record.var_reason_text, record.var_result_text) == (reason, result)


def test_an_incident_seen_before_is_no_new_record() -> None:
    vendor = Vendor()
    vendor.lists(entry(review()))
    again = vendor.lists(entry(review(player_name="Spelled Otherwise")))
    assert again.records == []
    assert again.account.dropped == {"already_seen": 1}


def test_incidents_of_one_minute_differ_by_side_player_or_reason() -> None:
    staged = Vendor().lists(
        entry(review(), review(position=2), review(player_id="x"), review(var_reason=3))
    )
    assert len({stage.key(record) for record in staged.records}) == 4


def test_another_result_is_another_revision_of_the_same_incident() -> None:
    vendor = Vendor()
    vendor.lists(entry(review(var_result=0)))
    (revised,) = vendor.lists(entry(review(var_result=2))).records
    assert (revised.revision, revised.var_result_text) == (2, "goal canceled")
    assert revised.fetch_info.fetch_number == MINUTE.number + 2
    assert vendor.lists(entry(review(var_result=2))).records == []


def test_of_an_incident_listed_twice_the_last_counts() -> None:
    vendor = Vendor()
    for _ in range(2):
        staged = vendor.lists(entry(review(var_result=0), review(var_result=2)))
        assert staged.account.dropped["repeated_in_list"] == 1
        assert staged.received == 2
    assert staged.records == []


@pytest.mark.parametrize("unknown", [0, ...])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_of_an_incident_listed_more_than_once_the_result_counts(unknown: Any, place: int) -> None:
    vendor = Vendor()
    vendor.lists(entry(review(var_result=unknown)))
    listed = [review(var_result=unknown), review(var_result=unknown)]
    listed.insert(place, review(var_result=2))
    (record,) = vendor.lists(entry(*listed)).records
    assert (record.revision, record.var_result) == (2, 2)
    again = vendor.lists(entry(*listed))
    assert again.account.dropped == {"repeated_in_list": 2, "already_seen": 1}


def test_of_two_results_in_one_list_the_last_counts() -> None:
    (record,) = (
        Vendor()
        .lists(entry(review(var_result=1), review(var_result=2), review(var_result=0)))
        .records
    )
    assert record.var_result == 2


class TestRetraction:
    """An incident that its match no longer lists."""

    def test_an_incident_that_is_gone_is_retracted_once(self) -> None:
        vendor = Vendor()
        vendor.lists(entry(review(), review(time=50)))
        (gone,) = vendor.lists(entry(review(time=50))).records
        assert gone.time == 35
        assert gone.retracted_at_utc == "2025-05-28T17:30:04Z"
        assert gone.revision == 1
        assert gone.fetch_info.fetch_number == MINUTE.number + 1, "still where it was first seen"
        assert vendor.lists(entry(review(time=50))).records == []

    def test_an_incident_that_comes_back_is_a_new_revision(self) -> None:
        vendor = Vendor()
        vendor.lists(entry(review()))
        vendor.lists(entry())
        (back,) = vendor.lists(entry(review())).records
        assert (back.revision, back.retracted_at_utc) == (2, None)

    @pytest.mark.parametrize(
        "entries",
        [
            [],
            [{"id": MATCH}],
            [{"id": MATCH, "incidents": None}],
            [{"id": MATCH, "incidents": "none"}],
            [entry({"type": 28})],
            [entry(7)],
        ],
    )
    def test_what_cannot_be_read_takes_nothing_back(self, entries: list[Any]) -> None:
        vendor = Vendor()
        vendor.lists(entry(review()))
        assert vendor.lists(*entries).records == []
        assert vendor.lists(entry(review())).account.dropped == {"already_seen": 1}


@pytest.mark.parametrize(("away", "records"), [(48 * 60, 0), (48 * 60 + 1, 1)])
def test_a_match_that_left_the_list_is_remembered_for_48_hours(away: int, records: int) -> None:
    vendor = Vendor()
    vendor.lists(entry(review()))
    assert len(vendor.lists(entry(review()), after=away).records) == records


@pytest.mark.parametrize(
    "broken",
    [
        {"time": "35"},
        {"time": ...},
        {"position": None},
        {"type": "28"},
        {"player_id": 7},
        {"var_result": "2"},
    ],
)
def test_a_malformed_incident_is_set_aside_alone(broken: dict[str, Any]) -> None:
    staged = Vendor().lists(entry(review(**broken), review(time=50)))
    assert [(r.key, r.reason) for r in staged.quarantined] == [(MATCH, "malformed")]
    assert [record.time for record in staged.records] == [50]


def test_a_field_that_names_nothing_costs_no_incident() -> None:
    vendor = Vendor()
    odd = review(player_name=7, second="x", assist1_id=0, reason_type=[])
    staged = vendor.lists(entry(odd))
    [record] = staged.records
    assert (record.player_name, record.player_id, record.var_result) == (None, PLAYER, 2)
    assert [(f.kind, f.key) for f in staged.findings] == [("unread_field", "incidents.player_name")]
    assert vendor.lists(entry(review())).account.dropped == {"already_seen": 1}


def test_an_empty_list_that_is_written_as_an_object_takes_back_as_one() -> None:
    vendor = Vendor()
    vendor.lists(entry(review()))
    [gone] = vendor.lists({"id": MATCH, "incidents": {}}).records
    assert gone.retracted_at_utc is not None


def test_incidents_of_unusable_entries_are_set_aside() -> None:
    staged = Vendor().lists(entry(review()), entry(review(time=9)), entry(review(), match_id=""), 7)
    assert [r.reason for r in staged.quarantined] == ["duplicate_match_id", "no_match_id"]
    assert len(staged.records) == 1


@needs_poll
def test_the_recorded_poll_has_four() -> None:
    raw = recorded_fetch(at=int(POLL.timestamp()))
    staged = var_incidents(raw.ref, raw, carried=None)
    assert staged.account.as_dict() == {
        "received": 4, "emitted": 4, "dropped": {}, "quarantined": {}
    }  # fmt: skip
    assert len({stage.key(record) for record in staged.records}) == 4
    assert sum(record.time == 20 for record in staged.records) == 2
    assert survive_columns(staged.records)
