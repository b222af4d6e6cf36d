"""The worst day reaches every channel, as far as the channel's own limit lets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.telegram import NotifyTelegram

from resources.notifier import Notifier
from tests.channels import DISCORD, TELEGRAM, posts, shown_by_discord, shown_by_telegram
from tests.targets import Target, target
from touchline.alerting import BLIND, Alert, AlertKey, AlertState
from touchline.day import Day
from touchline.notices import body, title

DAY = Day.parse("2025-05-28")
START = datetime(2025, 5, 28, 17, 0, 40, tzinfo=UTC)
CHECK = "landed_matches_claimed"
ASSETS = [f"football/asset_with_a_long_name_{number}" for number in range(9)]
WORST = [
    Alert(
        AlertKey(CHECK, asset, DAY, cause),
        AlertState.OPEN,
        opened_at=START,
        seen_at=START,
        count=3,
        suppressed=2,
        due_at=START,
        recorded=3060,
        landed=2958,
        fetches=tuple(range(781, 811)),
    )
    for cause in (BLIND, "real_loss", "damaged")
    for asset in ASSETS
]
TITLE, BODY = title(WORST), body(WORST, "")
CAUSES = BODY.split("\n\n")[:-1]


@dataclass
class Shown:
    """What each channel has shown to people."""

    telegram: list[str] = field(default_factory=list)
    discord: list[str] = field(default_factory=list)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    with (
        posts(shown_by_telegram) as (telegram, by_telegram),
        posts(shown_by_discord) as (discord, by_discord),
    ):
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{telegram}/bot")
        monkeypatch.setattr(NotifyDiscord, "notify_url", discord)
        yield Shown(by_telegram, by_discord)


@pytest.fixture
def webhook() -> Iterator[Target]:
    with target() as taken:
        yield taken


def send(url: str, body: str = BODY, title: str = TITLE) -> None:
    Notifier((url,), is_live=True).send(0, title, body, seconds=30)


def test_every_target_gets_its_own_cut_of_the_worst_day(shown: Shown, webhook: Target) -> None:
    assert len(BODY) > 4096
    to = Notifier((DISCORD, TELEGRAM, webhook.url), is_live=True)
    for place in range(to.targets):
        to.send(place, TITLE, BODY, seconds=30)

    (discord,), (telegram,) = shown.discord, shown.telegram
    rest = "and 2 more: touchline alerts"
    assert discord.replace("\r\n", "\n") == f"{TITLE}\n{CAUSES[0]}\n\n{rest}"
    rest = "and 1 more: touchline alerts"
    assert telegram.replace("\r\n", "\n") == f"{TITLE}\n{CAUSES[0]}\n\n{CAUSES[1]}\n\n{rest}"
    assert [cause.split(":")[0] for cause in CAUSES] == ["BAD", "BAD", "COULD_NOT_CHECK"]
    assert webhook.posts[0]["message"] == BODY


def test_a_webhook_has_no_limit(webhook: Target) -> None:
    send(webhook.url, "x" * 40_000)
    assert len(webhook.posts[0]["message"]) == 40_000


@pytest.mark.parametrize("overflow", ["", "/?overflow=split", "/?overflow=truncate"])
def test_what_escaping_adds_counts(shown: Shown, overflow: str) -> None:
    send(f"{TELEGRAM}{overflow}", "&" * 4000)
    (text,) = shown.telegram
    said, rest = text.replace("\r\n", "\n").removeprefix(f"{TITLE}\n").split("\n")
    assert (set(said[:-1]), said[-1]) == ({"&"}, "…")
    assert len(said) > 750, "five characters each"
    assert rest == "more: touchline alerts"


def test_the_length_is_that_of_what_is_sent(shown: Shown) -> None:
    """Apprise writes a space as six characters and takes them back before it sends."""
    words = "word " * 780
    send(TELEGRAM, words.strip())
    assert shown.telegram[0].endswith("word word"), "3,900 characters and a title"


def test_a_cause_that_is_too_long_alone_is_cut_behind_a_line(shown: Shown) -> None:
    lines = [f"asset_{number}: {'x' * 150}" for number in range(20)]
    send(DISCORD, "\n".join(lines))
    _, *said, cut, rest = shown.discord[0].replace("\r\n", "\n").split("\n")
    assert said == lines[: len(said)]
    assert len(said) == 11, "as many as 2,000 characters hold"
    assert (cut, rest) == ("…", "more: touchline alerts")


def test_telegram_keeps_blank_lines_and_dashes(shown: Shown) -> None:
    text = "BAD: a\n- merged\n- <odds> & more\n\nBAD: b\n\nnext: touchline losses"
    send(TELEGRAM, text)
    assert shown.telegram[0].replace("\r\n", "\n") == f"{TITLE}\n{text}"


def test_a_channel_of_two_lines_and_a_short_title_says_that_there_is_more() -> None:
    def shows(post: dict[str, Any]) -> str:
        said = post["params"]
        return f"{said['title']}\n{said['message']}"

    with posts(shows) as (url, seen):
        send(url.replace("http", "kodi"), title="t" * 300)
    title, first, rest = seen[0].replace("\r\n", "\n").split("\n")
    assert (title, first) == (f"{'t' * 249}…", f"{CAUSES[0].splitlines()[0]}…")
    assert rest == "and 2 more: touchline alerts"
