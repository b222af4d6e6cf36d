"""The simulated world: the same bytes for the same time, and histories that only grow."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from simulator.world import World

START = int(datetime(2025, 7, 8, 17, 0, tzinfo=UTC).timestamp())
DAY = 86_400


def poll(world: World, at: int) -> dict[str, tuple[bytes, bytes | None, bytes | None]]:
    return {
        match_id: (
            world.live_entry(match_id, at),
            world.detail(match_id, at),
            world.odds(match_id, at),
        )
        for match_id in world.live(at)
    }


def status(world: World, match_id: str, at: int) -> int:
    return json.loads(world.live_entry(match_id, at))["score"][1]


def lists_of(odds: bytes | None) -> dict[tuple[str, str], list[list[Any]]]:
    return {
        (company, market): rows
        for company, markets in json.loads(odds or b"{}").items()
        for market, rows in markets.items()
    }


def test_the_same_bytes_after_a_jump_as_after_stepping_there() -> None:
    stepped, jumped = World(1, 2), World(1, 2)
    for minute in range(0, 400, 5):
        poll(stepped, START + 60 * minute)
    jumped.live(START + 30 * DAY)
    jumped.live(START - 9 * DAY)
    at = START + 60 * 395
    assert poll(stepped, at) == poll(jumped, at) == poll(World(1, 2), at)


def test_another_seed_is_another_world() -> None:
    assert not set(World(1, 4).live(START)) & set(World(2, 4).live(START))


def test_histories_grow_at_the_front_alone() -> None:
    world = World(5, 2)
    before = {match_id: lists_of(world.odds(match_id, START)) for match_id in world.live(START)}
    grown = 0
    for minute in range(1, 130, 8):
        at = START + 60 * minute
        for match_id, old in before.items():
            new = lists_of(world.odds(match_id, at))
            for key, rows in old.items():
                grown += len(new[key]) > len(rows)
                assert new[key][len(new[key]) - len(rows) :] == rows
            before[match_id] = new
    assert grown > 150


def test_rows_are_well_formed_newest_first_and_record_changes_only() -> None:
    rows_seen = 0
    for seed in (1, 2):
        world = World(seed, 4)
        for match_id in world.live(START):
            for (_, market), rows in lists_of(world.odds(match_id, START)).items():
                for row in rows:
                    time, minute, first, line, second, state, closed, counts = row
                    rows_seen += 1
                    assert isinstance(time, int)
                    assert time <= START + 97
                    assert minute in ("", "45+", "midfield") or 1 <= int(minute) <= 120
                    assert all(isinstance(price, float) for price in (first, line, second))
                    assert state in (1, 2, 3, 4, 5, 7, 8, 9, 13)
                    assert closed in (0, 1)
                    home, away = counts.split("-")
                    assert int(home) >= 0 <= int(away)
                    if market != "eu":
                        assert line * 4 == int(line * 4)
                    if not closed:
                        assert min(first, second) > (0 if market != "eu" else 0.99)
                for newer, older in pairwise(rows):
                    assert newer[0] >= older[0]
                    assert (newer[2:5], newer[6]) != (older[2:5], older[6])
    assert rows_seen > 10_000


def test_the_list_has_the_hours_number_of_matches() -> None:
    world = World(1)
    counts = [len(world.live(START + 1_800 * step)) for step in range(48)]
    assert 13 <= min(counts) <= 25
    assert 85 <= max(counts) <= 105
    assert 55 <= sum(counts) / len(counts) <= 65


@pytest.mark.parametrize("matches", [1, 3, 20])
def test_a_chosen_number_of_matches_is_in_nearly_every_list(matches: int) -> None:
    world = World(3, matches)
    counts = [len(world.live(START + 1_111 * step)) for step in range(120)]
    assert abs(sum(counts) / len(counts) - matches) <= 0.06 * matches
    assert max(counts) <= matches + 1 + matches // 10


def test_three_matches_have_odds_at_nearly_all_times() -> None:
    world = World(1, 3)
    times = [START + 13_727 * step for step in range(15)]
    quoted = [any(world.odds(match_id, at) != b"{}" for match_id in world.live(at)) for at in times]
    assert sum(quoted) >= 14


def test_a_match_keeps_its_ids_and_runs_its_course() -> None:
    """Statuses go forward but for slips of a minute or two; the end is final after an hour."""
    order = {1: 0, 13: 0, 9: 0, 2: 1, 3: 2, 4: 3, 5: 4, 7: 5, 8: 6, 10: 6, 11: 7, 12: 7}
    world = World(1, 12)
    slips, seen = 0, Counter()
    for match_id in world.live(START):
        statuses = [status(world, match_id, START + 30 * step) for step in range(600)]
        seen.update(set(statuses))
        slips += sum(order[b] < order[a] for a, b in pairwise(statuses))
        teams = {
            json.loads(world.detail(match_id, at) or b"")["home_team_id"]
            for at in (START, START + 7_200)
        }
        assert len(teams) == 1
        assert world.team(teams.pop())
    assert {2, 3, 4, 8} <= set(seen)
    assert slips <= 6


def test_an_ended_match_can_be_asked_for_for_a_month() -> None:
    world = World(1, 3)
    match_id = world.live(START)[0]
    world.live(START + 20 * DAY)
    later = json.loads(world.detail(match_id, START + 20 * DAY) or b"")
    assert later["status_id"] in (8, 11, 12)
    assert later["id"] == match_id
    assert world.detail(match_id, START + 40 * DAY) is None
    assert world.detail(match_id, START - 2 * DAY) is None


def test_scores_are_taken_back_and_cards_are_swapped_after_the_end() -> None:
    world = World(1, 60)
    backward = swapped = left = 0
    lists = [set(world.live(START + 60 * minute)) for minute in range(150)]
    for match_id in lists[0]:
        scores = [
            json.loads(world.live_entry(match_id, START + 60 * minute))["score"]
            for minute in range(150)
        ]
        for (_, _, home, away, _, _), (_, state, home_next, away_next, _, _) in pairwise(scores):
            backward += home_next[0] < home[0] or away_next[0] < away[0]
            if state == 8 and home[2:5] != away[2:5]:
                swapped += (home_next[2:5], away_next[2:5]) == (away[2:5], home[2:5])
        present = [match_id in listed for listed in lists]
        left += any(not b and any(present[i:]) for i, b in enumerate(present))
    assert backward >= 1
    assert swapped >= 5
    assert left >= 8


def test_what_is_over_is_forgotten() -> None:
    world = World(1, 2)
    for hour in range(24):
        poll(world, START + 3_600 * hour)
    assert len(world._matches) <= 2 * 2
    assert len(world._odds) <= 2 * 2
