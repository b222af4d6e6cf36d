"""Every odds row once: new rows, ordinals, rewrites, failures, and the recorded film."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_assets.football.odds_change import OddsChange, SeenOdds, change_key
from pipeline_assets.football.odds_changes import odds_changes, stage
from pipeline_assets.football.wire.fetched import ODDS
from pipeline_assets.football.wire.odds import Phase
from tests.pipeline_assets.football.fetches import (
    MINUTE,
    answer,
    envelope,
    needs_poll,
    recorded_fetch,
)
from touchline.fetch import Call, Envelope, FetchRef
from touchline.stage import Staged

MATCH = "9gh1mn4xyz7pqr2"


def row(
    time: int, home: Any = 0.9, *, minute: str = "12", closed: Any = 0, score: str = "0-0"
) -> list[Any]:
    return [time, minute, home, 0.75, 0.85, 2, closed, score]


def history(*rows: Any, company: str = "2", market: str = "asia") -> dict[str, Any]:
    return {company: {market: list(rows)}}


def fetch(odds: Any, minutes: int = 0, match_id: str = MATCH, details: Any = None) -> Envelope:
    minute = MINUTE.later(minutes)
    fetch_id = f"id{minute.number:010d}"
    return envelope([], details, {match_id: odds}, minute=minute, fetch_id=fetch_id)


class Vendor:
    """The fetches of one match, minute after minute, each read with what was carried."""

    def __init__(self, *, looks_back: bool = True) -> None:
        self.carried: SeenOdds | None = None
        self.fetches: dict[FetchRef, Envelope] = {}
        self.looks_back = looks_back
        self.minutes = 0

    def answers(self, odds: Any, after: int = 1) -> Staged[OddsChange]:
        self.minutes += after
        raw = fetch(odds, self.minutes)
        self.fetches[raw.ref] = raw
        before = msgspec.msgpack.encode(self.carried)
        earlier = self.fetches.get if self.looks_back else None
        staged = odds_changes(raw.ref, raw, carried=self.carried, earlier=earlier)
        assert staged.account.conserved
        assert msgspec.msgpack.encode(self.carried) == before, "the carried state is not changed"
        self.carried = staged.carried
        return staged


def keys(staged: Staged[OddsChange]) -> list[tuple[int, int]]:
    return [(change.change_time, change.k) for change in staged.records]


def test_a_row_has_the_vendors_values_under_their_names() -> None:
    raw = fetch(history([1750279256, "", 0.95, -0.25, 2.0, 1, 0, "0-0"]))
    (change,) = odds_changes(raw.ref, raw, carried=None).records
    assert change == OddsChange(
        match_id=MATCH,
        company_id="2",
        market="asia",
        change_time=1750279256,
        k=0,
        minute="",
        v2=Decimal("0.95"),
        v3=Decimal("-0.25"),
        v4=Decimal("2.0"),
        status=1,
        closed=0,
        score="0-0",
        prematch=True,
        withdrawn=False,
        fetch_number=811,
        fetch_id=raw.ref.fetch_id,
        first_seen_utc=datetime(2025, 5, 28, 17, 30, 4, tzinfo=UTC),
        phase=Phase.PRE_MATCH,
    )
    assert str(change.v4) == "2.0", "the number's own text, as received"


def test_a_row_is_shown_by_its_first_fetch_alone() -> None:
    vendor = Vendor()
    assert keys(vendor.answers(history(row(200), row(100)))) == [(100, 0), (200, 0)]
    again = vendor.answers(history(row(200), row(100)))
    assert again.account.as_dict()["dropped"] == {"already_seen": 2}
    assert again.received == 2
    later = vendor.answers(history(row(300), row(200), row(100)))
    assert keys(later) == [(300, 0)]
    assert later.dropped == {"already_seen": {MATCH: 2}}
    assert later.findings == []


def test_rows_that_share_a_time_are_numbered_from_the_oldest() -> None:
    vendor = Vendor()
    first = vendor.answers(history(row(200, 0.92), row(200, 0.91), row(100)))
    assert [(c.k, c.v2) for c in first.records] == [
        (0, Decimal("0.9")),
        (0, Decimal("0.91")),
        (1, Decimal("0.92")),
    ]
    second = vendor.answers(
        history(row(300), row(200, 0.93), row(200, 0.92), row(200, 0.91), row(100))
    )
    assert keys(second) == [(200, 2), (300, 0)], "numbered on where the fetch before stopped"
    assert second.findings == []


def test_a_new_row_with_an_old_time_is_numbered_among_its_like() -> None:
    vendor = Vendor()
    vendor.answers(history(row(300), row(200, 0.92), row(200, 0.91), row(100)))
    late = vendor.answers(
        history(row(200, 0.99), row(300), row(200, 0.92), row(200, 0.91), row(100))
    )
    assert keys(late) == [(200, 2)]


def test_lists_are_told_apart_by_company_and_market() -> None:
    odds = {"2": {"eu": [row(100)], "bs": [row(100)]}, "22": {"eu": [row(100)]}}
    vendor = Vendor()
    first = vendor.answers(odds)
    assert len({stage.key(change) for change in first.records}) == 3
    odds["22"]["eu"].insert(0, row(160))
    (new,) = vendor.answers(odds).records
    assert (new.company_id, new.market) == ("22", "eu")


@pytest.mark.parametrize("nothing", [{}, [], None])
def test_a_match_without_odds_has_no_rows(nothing: Any) -> None:
    assert Vendor().answers(nothing).received == 0


@pytest.mark.parametrize(
    "odds", [{"2": []}, {"2": {"eu": {}}}, {"2": [], "3": {"eu": {}, "bs": []}, "22": {}}]
)
def test_an_empty_company_or_market_is_no_malformed_one(odds: Any) -> None:
    vendor = Vendor()
    assert vendor.answers(odds).received == 0
    assert keys(vendor.answers(odds | {"22": {"eu": [row(100)]}})) == [(100, 0)]
    assert vendor.answers(odds).quarantined == []


@pytest.mark.parametrize(
    ("odds", "key"),
    [
        ([1], MATCH),
        ("odds", MATCH),
        ({"2": [row(1)]}, f"{MATCH}/2"),
        ({"2": {"eu": {"rows": 3}}}, f"{MATCH}/2/eu"),
        ({"2": {"eu": None}}, f"{MATCH}/2/eu"),
    ],
)
def test_what_is_no_history_is_set_aside_and_the_rest_goes_on(odds: Any, key: str) -> None:
    if isinstance(odds, dict):
        odds = {**odds, "22": {"eu": [row(100)]}}
    vendor = Vendor()
    for seen_before in (0, 1):
        staged = vendor.answers(odds)
        assert [(r.key, r.reason) for r in staged.quarantined] == [(key, "malformed_odds")]
        expected = 0 if seen_before or not isinstance(odds, dict) else 1
        assert len(staged.records) == expected


@pytest.mark.parametrize(
    "bad",
    [
        [100, "12", 0.9, 0.75, 0.85, 2, 0],
        [100, "12", "0.9", 0.75, 0.85, 2, 0, "0-0"],
        [100, "12", "Infinity", 0.75, 0.85, 2, 0, "0-0"],
        [100, "12", None, 0.75, 0.85, 2, 0, "0-0"],
        [100, 12, 0.9, 0.75, 0.85, 2, 0, "0-0"],
        [100.5, "12", 0.9, 0.75, 0.85, 2, 0, "0-0"],
        [10**30, "12", 0.9, 0.75, 0.85, 2, 0, "0-0"],
        [100, "12", 0.9, 0.75, 0.85, 2, 2, "0-0"],
        [100, "12", 0.9, 0.75, 0.85, 2, True, "0-0"],
        [],
        None,
        {"time": 100},
    ],
)
def test_a_bad_row_is_set_aside_once_by_the_fetch_that_first_shows_it(bad: Any) -> None:
    vendor = Vendor()
    first = vendor.answers(history(row(200), bad, row(50)))
    assert keys(first) == [(50, 0), (200, 0)]
    assert [r.reason for r in first.quarantined] == ["bad_row"]
    assert first.received == 3
    second = vendor.answers(history(row(300), row(200), bad, row(50)))
    assert second.account.as_dict() == {
        "received": 4, "emitted": 1, "dropped": {"already_seen": 3}, "quarantined": {}
    }  # fmt: skip


def test_a_longer_row_is_kept_and_found() -> None:
    staged = Vendor().answers(history([*row(100), "new"], company="999"))
    assert keys(staged) == [(100, 0)]
    assert {(f.kind, f.key) for f in staged.findings} == {
        ("unknown_field", "odds row[8]"),
        ("unknown_code", "company 999"),
    }


@pytest.mark.parametrize("minute", ["", "0", "45+", "90", "120", "midfield"])
def test_the_vendors_minutes_are_known(minute: str) -> None:
    assert Vendor().answers(history(row(100, minute=minute))).findings == []


@pytest.mark.parametrize("minute", ["90+", "penalties", "٣", "-1", "03", "3'"])
def test_a_minute_that_cannot_be_read_is_kept_and_counted(minute: str) -> None:
    staged = Vendor().answers(history(row(200, minute=minute), row(100, minute=minute)))
    assert [(change.minute, change.phase) for change in staged.records] == [
        (minute, Phase.UNKNOWN)
    ] * 2
    [finding] = staged.findings
    assert (finding.kind, finding.key, finding.times) == ("unread_field", "odds.minute", 2)
    assert repr(minute) in finding.detail


@pytest.mark.parametrize("score", ["0:0", "", "1"])
def test_a_score_that_cannot_be_read_is_kept_and_counted(score: str) -> None:
    staged = Vendor().answers(history(row(200, score=score), row(100, score="0-0")))
    assert [change.score for change in staged.records] == ["0-0", score]
    [finding] = staged.findings
    assert (finding.kind, finding.key, finding.times) == ("unread_field", "odds.score", 1)
    assert repr(score) in finding.detail


@pytest.mark.parametrize(
    ("status", "changed", "phase"),
    [
        (1, 9999, Phase.PRE_MATCH),
        (9, 9999, Phase.PRE_MATCH),
        (13, 5000, Phase.PRE_MATCH),
        (13, 5001, Phase.UNKNOWN),
        *((status, 9999, Phase.IN_PLAY) for status in (2, 3, 4, 5, 6, 7)),
        *((status, 100, Phase.UNKNOWN) for status in (0, 8, 10, 11, 12, 99)),
    ],
)
def test_the_phase_of_a_row_without_a_minute(status: int, changed: int, phase: Phase) -> None:
    raw = fetch(
        history([changed, "", 0.95, 0, 0.95, status, 0, "0-0"]),
        details={MATCH: [{"id": MATCH, "match_time": 5000}]},
    )
    (change,) = odds_changes(raw.ref, raw, carried=None).records
    assert (change.phase, change.prematch) == (phase, phase is Phase.PRE_MATCH)


@pytest.mark.parametrize("details", [None, {MATCH: []}, {MATCH: [{"id": MATCH}]}])
def test_without_a_known_start_a_match_to_be_determined_has_no_phase(details: Any) -> None:
    raw = fetch(history([100, "", 0.95, 0, 0.95, 13, 0, "0-0"]), details=details)
    (change,) = odds_changes(raw.ref, raw, carried=None).records
    assert change.phase is Phase.UNKNOWN


class TestRewrites:
    """What was seen is not the end of what is shown now."""

    def test_a_removed_row_is_withdrawn(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(300), row(200), row(100)))
        staged = vendor.answers(history(row(400), row(300), row(100)))
        assert [(c.change_time, c.withdrawn) for c in staged.records] == [
            (200, True),
            (400, False),
        ]
        assert [f.kind for f in staged.findings] == ["history_rewritten"]
        assert staged.dropped == {"already_seen": {MATCH: 2}}
        assert staged.received == 4, "three rows and a withdrawal"

    def test_a_changed_row_is_withdrawn_and_shown_anew(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200, 0.9), row(100)))
        staged = vendor.answers(history(row(200, 0.8), row(100)))
        assert [(c.change_time, c.withdrawn, c.v2) for c in staged.records] == [
            (200, True, Decimal("0.9")),
            (200, False, Decimal("0.8")),
        ]
        assert len({stage.key(change) for change in staged.records}) == 2

    def test_a_row_put_in_between_is_shown(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(300), row(100)))
        staged = vendor.answers(history(row(300), row(200), row(100)))
        assert keys(staged) == [(200, 0)]
        assert [f.kind for f in staged.findings] == ["history_rewritten"]

    def test_an_emptied_list_takes_everything_back(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        staged = vendor.answers(history())
        assert [(c.change_time, c.withdrawn) for c in staged.records] == [
            (100, True),
            (200, True),
        ]
        assert keys(vendor.answers(history(row(300)))) == [(300, 0)]

    def test_the_same_rows_written_otherwise_are_no_rewrite(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        spaced = json.dumps(history(row(300), row(200), row(100)), indent=1).encode()
        staged = vendor.answers(spaced)
        assert keys(staged) == [(300, 0)]
        assert staged.findings == []

    def test_a_known_bad_row_is_not_set_aside_again(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(300), [1], row(100)))
        staged = vendor.answers(history(row(300), [1], [2], row(100)))
        assert [record.raw for record in staged.quarantined] == ["[2]"]

    def test_without_the_fetch_that_showed_it_only_newer_rows_are_new(self) -> None:
        vendor = Vendor(looks_back=False)
        vendor.answers(history(row(300), row(200), row(100)))
        staged = vendor.answers(history(row(400), row(300), row(100)))
        assert keys(staged) == [(400, 0)]
        assert "not at hand" in staged.findings[0].detail
        assert staged.dropped == {"already_seen": {MATCH: 2}}

    def test_the_rewritten_list_is_what_is_seen_from_then_on(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(300), row(200), row(100)))
        vendor.answers(history(row(300), row(100)))
        staged = vendor.answers(history(row(400), row(300), row(100)))
        assert keys(staged) == [(400, 0)]
        assert staged.findings == []


class TestWhatIsNotShown:
    """Absence takes nothing back."""

    def test_a_failed_call_keeps_the_state(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        failed = vendor.answers(Call(ODDS, {"uuid": MATCH}, None, error="timeout"))
        assert failed.received == 0
        assert keys(vendor.answers(history(row(300), row(200), row(100)))) == [(300, 0)]

    def test_a_carried_body_from_before_is_no_rewrite(self) -> None:
        vendor = Vendor()
        vendor.answers(history(row(100)))
        vendor.answers(history(row(200), row(100)))
        old = answer(history(row(100)))
        carried = Call(ODDS, {"uuid": MATCH}, old, carried_from="Ab12Cd34Ef56")
        staged = vendor.answers(carried)
        assert staged.account.as_dict()["dropped"] == {"already_seen": 1}
        assert staged.findings == []
        later = vendor.answers(history(row(300), row(200), row(100)))
        assert keys(later) == [(300, 0)]
        assert later.findings == []

    def test_a_list_that_an_old_carried_body_alone_shows_is_read_once(self) -> None:
        old = answer({"2": {"asia": [row(100)], "eu": [row(100)]}})
        carried = Call(ODDS, {"uuid": MATCH}, old, carried_from="Ab12Cd34Ef56")
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        assert [change.market for change in vendor.answers(carried).records] == ["eu"]
        assert vendor.answers(carried).records == []
        whole = {"2": {"asia": [row(200), row(100)], "eu": [row(100)]}}
        assert vendor.answers(whole).records == []

    def test_a_carried_body_that_was_never_read_is_read(self) -> None:
        body = answer(history(row(200), row(100)))
        carried = Call(ODDS, {"uuid": MATCH}, body, carried_from="Ab12Cd34Ef56")
        assert len(Vendor().answers(carried).records) == 2

    @pytest.mark.parametrize("left", [{}, history(row(50), company="22")])
    def test_a_list_that_is_left_out_is_remembered(self, left: Any) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        staged = vendor.answers(left)
        assert [f.kind for f in staged.findings] == ["odds_absent"]
        assert not any(change.withdrawn for change in staged.records)
        assert staged.account.dropped == {}
        back = vendor.answers(history(row(300), row(200), row(100)))
        assert keys(back) == [(300, 0)]

    @pytest.mark.parametrize(("away", "new"), [(48 * 60, 1), (48 * 60 + 1, 3)])
    def test_a_match_that_left_the_list_is_remembered_for_48_hours(
        self, away: int, new: int
    ) -> None:
        vendor = Vendor()
        vendor.answers(history(row(200), row(100)))
        staged = vendor.answers(history(row(300), row(200), row(100)), after=away)
        assert len(staged.records) == new

    def test_a_match_that_is_away_is_forgotten_in_the_end(self) -> None:
        raw = fetch(history(row(100)))
        carried = odds_changes(raw.ref, raw, carried=None).carried
        for minutes, remembered in ((48 * 60, True), (48 * 60 + 1, False)):
            later = fetch({}, minutes, match_id="another")
            state = odds_changes(later.ref, later, carried=carried).carried
            assert (MATCH in state.matches) == remembered


_quotes = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([0.8, 0.85, 0.9, 1, 1.0])), max_size=6
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_quotes, min_size=1, max_size=5))
def test_the_changes_read_in_order_always_give_the_vendors_list(lists: list[Any]) -> None:
    vendor = Vendor()
    log: dict[tuple[int, int], Decimal] = {}
    for quotes in lists:
        shown = [row(time, home) for time, home in quotes]
        for change in vendor.answers(history(*shown)).records:
            key = (change.change_time, change.k)
            if change.withdrawn:
                del log[key]
            else:
                assert key not in log
                log[key] = change.v2
        times: Counter[int] = Counter()
        expected = {}
        for time, home in reversed(quotes):
            expected[time, times[time]] = Decimal(str(home))
            times[time] += 1
        assert log == expected


@pytest.mark.stack
@needs_poll
def test_the_film_shows_every_row_once_in_the_minute_that_brought_it() -> None:
    fetches = [recorded_fetch(MINUTE.later(step)) for step in range(-5, 1)]
    whole = fetches[-1]
    times = sorted(
        row[0]
        for entry in whole.entries(ODDS)
        for company in json.loads(whole.body(entry) or b"")["results"].values()
        for rows in company.values()
        for row in rows
    )
    carried, seen = None, 0
    shown: Counter[str] = Counter()
    neighbours = 0
    for raw in fetches:
        staged = odds_changes(raw.ref, raw, carried=carried)
        # The last cut is the recorded answers themselves, which hold rows up to 97 s newer.
        visible = bisect_right(times, raw.ref.minute.end.timestamp())
        visible = len(times) if raw is whole else visible
        assert staged.received == visible
        assert len(staged.records) == visible - seen
        assert sum(staged.account.dropped.values()) == seen
        assert staged.account.conserved
        assert staged.findings == []
        shown.update(map(change_key, staged.records))
        neighbours += sum(change.k > 0 for change in staged.records)
        carried, seen = staged.carried, visible
    assert len(shown) == sum(shown.values()) == len(times) == 219_944
    assert neighbours == 984
