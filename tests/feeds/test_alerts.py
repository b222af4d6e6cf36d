"""Alerts of a feed whose subject is no match: each says what it is about as `subject_id`, and under
the name that the feed has for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from operations.cli import app
from operations.commands.replay import alerts_added
from operations.commands.report import render
from pipeline_assets import ledger_rebuild
from pipeline_assets.day_state import read_day_state
from pipeline_assets.delivery import deliver_alerts
from pipeline_assets.plans import PLANS
from resources.notifier import Notifier
from tests.feeds.conftest import TUESDAY, of_a_league
from tests.feeds.league import FEED, ROUTS, box_scores
from tests.feeds.watched import Case, Watched
from tests.targets import target
from touchline.day import FetchNumber
from touchline.delivery import DeliveryState
from touchline.slot import Slot

FIRST = Slot.numbered(box_scores.name, TUESDAY, FetchNumber(1626))
GAME = f"{TUESDAY}-1"
ABOUT = {"subject_id": GAME, "game_id": GAME}


@pytest.fixture
def watched(watch: Callable[[Case], Watched]) -> Watched:
    """The league until before the morning on which Tuesday's results come."""
    case = of_a_league()
    plan = replace(case.plan, raws=case.plan.raws[:1], stages=(*case.plan.stages[:1], ROUTS))
    watched = watch(replace(case, plan=plan, opened=FIRST.at))
    watched.site.ledger.close_interval(FEED, FIRST.at + timedelta(minutes=1))
    return watched


def is_about_the_game(said: dict[str, object]) -> bool:
    return said == said | ABOUT and "match_id" not in said


def test_a_replay_and_a_report_say_which_game_an_alert_is_about(watched: Watched) -> None:
    report = watched.run(FIRST)
    assert alerts_added(watched.site, report) == [{"rule": "rout", **ABOUT, "fetch_number": 1626}]
    state = read_day_state(watched.site, watched.plan, TUESDAY)
    [alert] = state.as_dict()["alerts"]
    assert is_about_the_game(alert)
    assert (alert["alert_id"], alert["delivery"]) == (f"rout_{GAME}", DeliveryState.KEPT)
    page = render(state)
    assert "<th>game</th>" in page
    assert f"<td>{GAME}</td>" in page


@pytest.mark.usefixtures("home")
def test_the_command_shows_which_game_an_alert_is_about(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.run(FIRST)
    monkeypatch.setitem(PLANS, FEED, watched.plan)
    asked = ["alerts", "--date", str(TUESDAY), "--prefix", watched.site.settings.s3_prefix]
    environment = {"TOUCHLINE_HOME": str(watched.site.settings.home)}
    [alert] = json.loads(CliRunner().invoke(app, [*asked, "--json"], env=environment).stdout)[
        "alerts"
    ]
    assert is_about_the_game(alert)
    assert f" (game {GAME}); " in CliRunner().invoke(app, asked, env=environment).stdout


def test_a_webhook_is_told_which_game_an_alert_is_about(watched: Watched) -> None:
    watched.run(FIRST)
    site, now = watched.site, watched.clock.now()
    [kept] = site.ledger.match_alerts(TUESDAY)
    site.ledger.settle(replace(kept, state=DeliveryState.PENDING, due_at=now))
    with target() as there:
        to = Notifier((there.url,), is_live=False)
        deliver_alerts(site.outbox(FEED), site.plans, lambda _: to, now, seconds=30)
    [post] = there.posts
    assert is_about_the_game(post)


def test_a_game_is_told_of_once_also_by_a_ledger_that_is_made_anew(watched: Watched) -> None:
    watched.run(FIRST)
    again = replace(
        watched.site,
        ledger=type(watched.site.ledger)(watched.site.settings.ledger_database, "feeds-anew"),
    )
    ledger_rebuild.rebuild_day(again, watched.plan, TUESDAY, {}, {})
    [alert] = again.ledger.match_alerts(TUESDAY)
    assert (alert.rule_id, alert.subject_id) == ("rout", GAME)
    again.close()


def test_alerts_that_do_not_say_what_they_are_about_are_refused() -> None:
    plan = of_a_league().plan
    with pytest.raises(ValueError, match="league/routs makes alerts that have no match_id"):
        replace(plan, stages=(*plan.stages, ROUTS), subject="match_id")
