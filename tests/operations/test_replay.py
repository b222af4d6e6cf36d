"""Replays: the recorded film byte for byte, New York midnight and both clock changes."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from operations.cli import app
from operations.commands.replay import ReplayOptions, Totals, progress_shown
from operations.commands.replay import run_replay as replay
from operations.opened import opened
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access
from resources.site import Site
from simulator.recorded import Recorded
from simulator.server import Served, serve
from simulator.world import World
from tests.chain import SECRET, USER
from tests.pipeline_assets.football.fetches import POLL_DIRECTORY, needs_poll
from touchline.accounting import Verdict
from touchline.compression import zstd
from touchline.day import Day, Minute
from touchline.errors import Misuse

FEED = "football"
RAW = "football/raw_fetches"
FILM = Minute.parse("2025-05-28T17:00:00Z")
FILM_MINUTES = 2
MINUTES = int(os.environ.get("TOUCHLINE_REPLAY_MINUTES", "4"))
"""Around midnight and the clock changes; 60 in `make replays`."""

Replayed = Callable[..., Totals]


@pytest.fixture
def settings(s3_in_memory: S3Access, s3_prefix: str, tmp_path: Path) -> AllSettings:
    return AllSettings.load(
        home=tmp_path / "home",
        s3_endpoint_url=s3_in_memory.endpoint_url,
        s3_prefix=s3_prefix,
        _env_file=None,
    )


@pytest.fixture
def replayed(settings: AllSettings) -> Replayed:
    """Replays of a server in this process into the test's prefix."""

    def run(minutes: int, start: Minute, vendor: Served) -> Totals:
        fed = settings.model_copy(
            update={
                "feed_url": vendor.url,
                "feed_user": SecretStr(USER),
                "feed_secret": SecretStr(SECRET),
            }
        )
        options = ReplayOptions(minutes, start.utc, "live", prefix=settings.s3_prefix)
        return replay(fed, options, tick=lambda so_far: None)

    return run


@pytest.fixture
def vendor() -> Iterator[Served]:
    with serve(World(1, 3), user=USER, secret=SECRET) as served:
        yield served


@pytest.fixture
def film() -> Iterator[Served]:
    with serve(Recorded(POLL_DIRECTORY), user=USER, secret=SECRET) as served:
        yield served


def rows_by_change_time(start: Minute, minutes: int) -> list[int]:
    """How many odds rows of the recording changed up to each minute and after the one before."""
    times = [
        row[0]
        for entry in map(msgspec.json.decode, recorded_lines("odds_history_by_uuid"))
        for markets in (entry["response"]["results"] or {}).values()
        for rows in markets.values()
        for row in rows
    ]
    ends = [start.later(passed).utc.timestamp() for passed in range(minutes)]
    counts = Counter(sum(time > end for end in ends) for time in times)
    return [counts[place] for place in range(minutes)]


def recorded_lines(name: str) -> list[bytes]:
    return zstd.decompress((POLL_DIRECTORY / f"{name}.jsonl.zst").read_bytes()).splitlines()


@pytest.mark.stack
@needs_poll
def test_the_film_arrives_byte_for_byte_and_each_row_once(
    settings: AllSettings, replayed: Replayed, film: Served
) -> None:
    first = replayed(FILM_MINUTES, FILM, film)

    assert first.verdict is Verdict.OK, first.failures
    assert set(first.stages.fetches.values()) == {FILM_MINUTES}
    assert all(account.conserved for account in first.stages.accounts.values())
    sent = {call.sha256 for call in film.log.since(0)[0]}
    numbers = range(FILM.number, FILM.number + FILM_MINUTES)
    with opened(settings) as site:
        days = site.days(FEED)
        for number in numbers:
            envelope = days.read_back(RAW, FILM.day, number).envelope()
            assert envelope.damaged() == []
            assert len(envelope.index) == 1 + 2 * 102 + 204 + 41 + 1
            assert {entry.sha256 for entry in envelope.index} <= sent
        emitted = [
            days.read_back("football/odds_changes", FILM.day, number).account.emitted
            for number in numbers
        ]
        shown = [
            days.read_back("football/monitor_central", FILM.day, number).account
            for number in numbers
        ]
    assert emitted == rows_by_change_time(FILM, FILM_MINUTES)
    assert [account.explained for account in shown] == [102] * FILM_MINUTES

    again = replayed(FILM_MINUTES, FILM, film)
    assert set(again.stages.fetches.values()) == {0}
    assert again.verdict is Verdict.OK
    assert {account.received for account in again.stages.accounts.values()} == {0}


@pytest.mark.parametrize(
    "turn",
    [
        "2025-05-29T04:00:00Z",  # midnight
        # 2 AM EST is 3 AM EDT, and 2 AM EDT is 1 AM EST.
        pytest.param("2025-03-09T07:00:00Z", marks=pytest.mark.stack),
        pytest.param("2025-11-02T06:00:00Z", marks=pytest.mark.stack),
    ],
)
def test_a_replay_across_the_turn_of_a_day_or_a_clock(
    settings: AllSettings, replayed: Replayed, vendor: Served, turn: str
) -> None:
    start = Minute.parse(turn).later(-MINUTES // 2)

    totals = replayed(MINUTES, start, vendor)

    assert totals.verdict is Verdict.OK, totals.failures
    assert set(totals.stages.fetches.values()) == {MINUTES}
    assert all(account.conserved for account in totals.stages.accounts.values())
    expected: dict[Day, list[int]] = {}
    for passed in range(MINUTES):
        minute = start.later(passed)
        expected.setdefault(minute.day, []).append(minute.number)
    with opened(settings) as site:
        for asset in (RAW, *site.stages):
            assert landed(site, asset, expected) == expected
    assert set(replayed(MINUTES, start, vendor).stages.fetches.values()) == {0}


def landed(site: Site, asset: str, days: dict[Day, list[int]]) -> dict[Day, list[int]]:
    return {day: sorted(site.days(FEED).index(asset, day).numbers) for day in days}


@pytest.mark.parametrize(
    ("minutes", "told"), [(3, [1, 2, 3]), (25, [3, 5, 8, 10, 13, 15, 18, 20, 23, 25])]
)
def test_without_a_terminal_each_tenth_is_a_line(
    minutes: int, told: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_shown("simulated", minutes) as tick:
        for ticks in range(1, minutes + 1):
            tick(Totals(FILM.utc, ticks, seconds=2 * ticks))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"{ticks} of {minutes} simulated minutes in {2 * ticks} s" for ticks in told
    ]


@pytest.mark.stack
def test_a_recorded_replay_without_its_recording_says_so(
    settings: AllSettings, tmp_path: Path
) -> None:
    options = ReplayOptions(1, FILM.utc, "recorded", data=tmp_path / "nothing-here")
    with pytest.raises(Misuse, match="nothing-here"):
        replay(settings, options, tick=lambda so_far: None)


@pytest.mark.stack
def test_a_newcomer_needs_no_server_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind: neither where it is called nor where temporary files are."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    for folder in (work, temporary):
        folder.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    given = {"TOUCHLINE_HOME": str(work / "home"), "TOUCHLINE_S3_ENDPOINT_URL": "memory:"}
    arguments = ["replay", "--minutes", "2", "--start", str(FILM), "--matches", "2", "--json"]
    answer = CliRunner().invoke(app, arguments, env=given)
    assert answer.exit_code == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert said["checks"]["OK"] > 0 == said["checks"]["BAD"] + said["checks"]["COULD_NOT_CHECK"]
    assert (said["ticks"], {stage["fetches"] for stage in said["stages"].values()}) == (2, {2})
    assert said["stages"]["merged"]["emitted"] == 4
    assert [*temporary.iterdir()] == [*work.iterdir()] == []
