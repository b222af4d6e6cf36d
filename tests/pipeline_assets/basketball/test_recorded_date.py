"""The recorded 2026-01-09, asked for over HTTP, landed, verified and sealed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline_assets.basketball import raw_game, raw_player_box
from pipeline_assets.load import load_table
from pipeline_assets.repair.losses import losses_of
from simulator.basketball.recorded import Recorded
from tests.pipeline_assets.basketball.boxes import DAY, needs_recording
from tests.pipeline_assets.basketball.nba import Nba, nba, only
from tests.simulator.conftest import REAL_DATA

pytestmark = needs_recording


def rows(lived: Nba, asset: str) -> pa.Table:
    lived.watched.site.days("basketball").refresh()
    return load_table(lived.watched.site, asset, DAY)


def assert_whole(lived: Nba) -> None:
    """Both books say the same of every asset, and the rows are those that were recorded."""
    watched = lived.watched
    assert watched.findings() == {}
    assert losses_of(watched.site, watched.plan, DAY, deep=True) == []
    players, games = rows(lived, raw_player_box.stage.name), rows(lived, raw_game.stage.name)
    assert (games.num_rows, players.num_rows) == (10, 347)
    assert Counter(players.column("played").to_pylist()) == {True: 208, False: 139}
    points: Counter[tuple[str, int]] = Counter()
    for row in players.to_pylist():
        points[row["game_id"], row["team_id"]] += row["pts"] or 0
    scores = {
        (game["game_id"], game[f"{side}_id"]): game[f"{side}_score"]
        for game in games.to_pylist()
        for side in ("home", "visitor")
    }
    assert len(scores) == 20
    assert points == scores


@pytest.mark.stack  # Long.
def test_the_recorded_date_lands_whole_and_is_sealed_whole(tmp_path: Path) -> None:
    plan = only("calendar", "rosters", "injuries", "box_scores")  # There are no lines of that date.
    with nba(tmp_path, Recorded(REAL_DATA / "basketball"), DAY, plan=plan) as lived:
        watched = lived.watched
        reports = watched.live_until(watched.case.over)
        steps = [step for report in reports for step in report.steps.values()]
        assert [failure for step in steps for failure in step.failures] == []
        assert all(step.account.conserved for step in steps)
        checks = [check for report in reports for check in report.checks]
        counted = [each for each in checks if each.check == "landed_matches_claimed"]
        assert {each.asset for each in counted} == {each.name for each in watched.plan.assets}
        assert [each for each in counted if each.recorded != each.landed] == []
        assert_whole(lived)
        assert watched.seal().waiting == []
        assert_whole(lived)
