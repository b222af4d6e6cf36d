"""`python -m simulator` with the NBA services: what it announces, and a clock that hurries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.simulator.basketball.conftest import KEYS

pytestmark = pytest.mark.stack


@contextmanager
def simulator(*arguments: str) -> Iterator[dict[str, str]]:
    """A running simulator, as what it announces."""
    environment = os.environ | {
        "TOUCHLINE_BALLDONTLIE_KEY": KEYS.balldontlie,
        "TOUCHLINE_ODDS_API_KEY": KEYS.odds_api,
    }
    command = [sys.executable, "-m", "simulator", "--matches", "1", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_it_serves_both_sports_unless_told_otherwise() -> None:
    with simulator("--now", "2026-01-10T12:00:00Z") as announced:
        assert announced["balldontlie_url"].endswith("/balldontlie/v1/")
        assert announced["odds_api_url"].endswith("/odds_api/v4/")
        url, params = announced["balldontlie_url"] + "box_scores", {"date": "2026-01-09"}
        assert httpx.get(url, params=params).status_code == 401
        headers = {"Authorization": KEYS.balldontlie}
        assert len(httpx.get(url, params=params, headers=headers).json()["data"]) == 6
        assert httpx.get(announced["url"] + "match/detail_live").status_code == 200
    with simulator("--feeds", "football") as announced:
        assert set(announced) == {"url", "control"}


def test_only_basketballs_clock_hurries() -> None:
    anchor = datetime.now(UTC) + timedelta(hours=1)
    with simulator("--speedup", "48", "--anchor", anchor.isoformat()) as announced:
        params = {"apiKey": KEYS.odds_api}
        hurried = httpx.get(announced["odds_api_url"] + "sports", params=params)
        usual = httpx.get(announced["url"] + "match/detail_live")
    dates = [parsedate_to_datetime(answer.headers["date"]) for answer in (hurried, usual)]
    assert dates[1] - dates[0] > timedelta(hours=46)
    assert abs(datetime.now(UTC) - dates[1]) < timedelta(minutes=5)
