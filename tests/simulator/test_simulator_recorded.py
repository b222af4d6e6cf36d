"""The recorded poll as a film, against a cut by brute force, and byte for byte at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.recorded import Recorded
from simulator.source import DataDirectoryError
from simulator.vendor import Vendor
from touchline.compression import zstd

_MINUTES_BEFORE = (0.02, 1, 17, 43, 75, 118, 300)


def answers(directory: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Id and body of each recorded answer."""
    for line in zstd.decompress((directory / f"{name}.jsonl.zst").read_bytes()).splitlines():
        record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        yield msgspec.json.decode(record["uuid"]), bytes(record["response"])


@pytest.fixture(scope="module")
def odds(poll_directory: Path) -> dict[str, Any]:
    return {
        match_id: json.loads(body)["results"]
        for match_id, body in answers(poll_directory, "odds_history_by_uuid")
    }


@pytest.mark.parametrize("seconds_later", [0, 60, 86_400])
def test_from_the_poll_on_every_answer_is_the_recorded_one(
    recorded: Recorded, poll_directory: Path, seconds_later: int
) -> None:
    vendor, at = Vendor(recorded), recorded.poll_time + seconds_later
    for name, endpoint in (
        ("match_detail_live", "match/detail_live"),
        ("country_list", "country/list"),
    ):
        body = zstd.decompress((poll_directory / f"{name}.json.zst").read_bytes())
        assert vendor.body(endpoint, {}, at) == body.strip()
    for name, endpoint in (
        ("match_recent_list_by_uuid", "match/recent/list"),
        ("odds_history_by_uuid", "odds/history"),
        ("team_additional_list_by_uuid", "team/additional/list"),
        ("competition_additional_list_by_uuid", "competition/additional/list"),
    ):
        for uuid, body in answers(poll_directory, name):
            assert vendor.body(endpoint, {"uuid": uuid}, at) == body


@pytest.mark.parametrize("minutes", _MINUTES_BEFORE)
def test_before_it_every_odds_list_ends_at_the_moment(
    recorded: Recorded, odds: dict[str, Any], minutes: float
) -> None:
    at = recorded.poll_time - int(60 * minutes) - 1
    for match_id, companies in odds.items():
        expected = {}
        for company, markets in companies.items():
            cut = {name: [r for r in rows if r[0] <= at] for name, rows in markets.items()}
            if any(cut.values()):
                expected[company] = {name: rows for name, rows in cut.items() if rows}
        assert json.loads(recorded.odds(match_id, at) or b"") == expected


@pytest.mark.parametrize("minutes", _MINUTES_BEFORE)
def test_list_and_details_say_what_the_newest_row_says(
    recorded: Recorded, odds: dict[str, Any], minutes: float
) -> None:
    at = recorded.poll_time - int(60 * minutes) - 1
    assert set(recorded.live(at)) == set(odds)
    for match_id, companies in odds.items():
        entry = json.loads(recorded.live_entry(match_id, at))
        detail = json.loads(recorded.detail(match_id, at) or b"")
        _, status, home, away, kick_off, _ = entry["score"]
        assert (detail["status_id"], detail["home_scores"], detail["away_scores"]) == (
            status,
            home,
            away,
        )
        assert kick_off == 0 if status not in (2, 4) else 0 < kick_off <= at + 120
        assert detail["updated_at"] <= at
        if status == 8:
            assert detail["ended"] <= at
            continue
        rows = [
            (row, market)
            for markets in companies.values()
            for market, listed in markets.items()
            for row in listed
            if row[0] <= at
        ]
        newest = max((row[0] for row, _ in rows), default=None)
        if newest is None:
            continue
        assert status in {row[5] for row, _ in rows if row[0] == newest}
        goals = [row for row, market in rows if market != "cr"]
        latest = max((row[0] for row in goals), default=None)
        assert latest is None or f"{home[0]}-{away[0]}" in {
            row[7] for row in goals if row[0] == latest
        }
        corners = [row for row, market in rows if market == "cr"]
        if corners:
            latest = max(row[0] for row in corners)
            assert f"{home[4]}-{away[4]}" in {row[7] for row in corners if row[0] == latest}


def test_half_time_goals_stay_through_the_second_half(recorded: Recorded) -> None:
    """They follow the goals to half-time; what the poll says at its end is what the film says."""
    ends = {
        entry["id"]: entry["score"]
        for entry in json.loads(Vendor(recorded).body("match/detail_live", {}, recorded.poll_time))[
            "results"
        ]
    }
    for match_id, score in ends.items():
        before = json.loads(recorded.live_entry(match_id, recorded.poll_time - 1))["score"]
        if before[1] == score[1] == 4:
            assert (before[2][1], before[3][1]) == (score[2][1], score[3][1])


def test_a_match_without_odds_begins_at_its_kick_off(
    recorded: Recorded, odds: dict[str, Any]
) -> None:
    ends = json.loads(Vendor(recorded).body("match/detail_live", {}, recorded.poll_time))["results"]
    quiet = [e for e in ends if not odds[e["id"]] and e["score"][1] == 2 and e["score"][4]]
    assert quiet
    for entry in quiet:
        kick_off = entry["score"][4]
        statuses = [
            json.loads(recorded.live_entry(entry["id"], at))["score"][1]
            for at in (kick_off - 1, kick_off)
        ]
        assert statuses == [1, 2]


def test_a_directory_without_the_poll_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match=r"meta\.json\.zst"):
        Recorded(tmp_path)
    (tmp_path / "meta.json.zst").write_bytes(b"not zstd")
    with pytest.raises(DataDirectoryError, match=str(tmp_path)):
        Recorded(tmp_path)
