"""`touchline lags`: the table of a day is that of the vendor's own rows, open and sealed."""

from __future__ import annotations

import msgspec
import pytest

from pipeline_assets.football.lags import LagTable
from pipeline_assets.football.wire.odds import companies_of, markets_of, rows_of
from simulator.world import World
from tests.operations.conftest import START, RunMinutes

MATCHES = 8


def expected() -> list[dict[str, object]]:
    """Counted from what the simulator answered."""
    world, at, found = World(1, MATCHES), int(START.utc.timestamp()), LagTable()
    for match in world.live(at):
        for company, text in companies_of(msgspec.Raw(world.odds(match, at) or b"{}")).items():
            markets = {name: rows_of(rows).good[::-1] for name, rows in markets_of(text).items()}
            found.add(company, markets)
    return msgspec.to_builtins(found.rows())


@pytest.mark.stack
def test_the_table_of_a_day_open_and_sealed(run_minutes: RunMinutes) -> None:
    day = run_minutes(MATCHES, [[]])
    answer = day.touchline("lags", "--date", str(day.day), "--json")
    assert answer.exit_code == 0
    assert answer.json == {"date": "2025-05-28", "lags": expected()}
    assert sum(row["goals"] for row in answer.json["lags"]) > 20

    day.seal()
    assert day.touchline("lags", "--date", str(day.day), "--json").stdout == answer.stdout
    shown = day.touchline("lags", "--date", str(day.day)).stdout.decode()
    assert "2 bet365" in shown
