"""A vendor's names arrive in every channel as the text that they are."""

from __future__ import annotations

from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from resources.notifier import Notifier
from tests.channels import TELEGRAM, mailbox, posts, shown_by_slack, shown_by_telegram
from tests.targets import target
from touchline.day import Minute
from touchline.delivery import MatchAlert
from touchline.fetch import FetchRef

NAMES = [
    "_*[]()~`&<>\"'",
    "a_b_c *bold* [link](http://x.test) `code` ~gone~ #1 - + = | {x} . ! \\",
    "<b>bold</b> <script>alert(1)</script> &lt;i&gt; &amp; <br>",
    "<!channel> <@U123> <https://x.test|click> @here",
    "Łódź-Nîmes D'Été (U21) A.F.C. 1. FC Köln",
    "נצרת \N{RIGHT-TO-LEFT OVERRIDE}gnitrats",
    "\N{SOCCER BALL}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} :tada:",
    "%s {0} ${HOME} \\n $(id)",
    "& " * 400,
]


def message(name: str) -> str:
    fetch = FetchRef("football", Minute.parse("2025-05-28T17:00:00Z"), "aB3dE6gH9jK2")
    said = f"3OU HALF ALERT / {name} vs\nB / 0-0 (HT: 0-0) / O/U Total: 3.25 (bet365)"
    return MatchAlert("football/a", fetch, "3ou_half", "match-a", said, is_news=True).text


TITLE = "Touchline football: 3ou_half"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def send(url: str, body: str) -> None:
    Notifier((url,), is_live=True).send(0, TITLE, body, seconds=30)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "how", ["", "?format=markdown", "?format=markdown&mdv=1", "?mdv=2&format=text"]
)
def test_telegram_shows_it_as_it_is(name: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with posts(shown_by_telegram) as (url, seen):
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{url}/bot")
        send(f"{TELEGRAM}/{how}", message(name))
    (text,) = seen
    assert " ".join(text.split()) == f"{TITLE} {message(name)}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["", "?format=markdown"])
def test_slack_shows_it_as_it_is_and_calls_nobody(
    name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shows(post: dict[str, Any]) -> str:
        return shown_by_slack(post["attachments"][0]["text"])

    with posts(shows) as (url, seen):
        monkeypatch.setattr(NotifySlack, "webhook_url", url)
        send(f"{SLACK}/{how}", message(name))
    assert seen == [message(name)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["", "&format=html"])
def test_a_mail_shows_it_as_it_is(name: str, how: str) -> None:
    with mailbox() as (port, taken):
        send(
            f"mailto://127.0.0.1:{port}?mode=insecure&from=a@x.test&to=b@x.test{how}", message(name)
        )
    (mail,) = taken
    assert mail["Subject"] == TITLE
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == message(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_webhook_gets_it_as_it_is(name: str) -> None:
    with target() as there:
        send(there.url, message(name))
    assert [(post["title"], post["message"]) for post in there.posts] == [(TITLE, message(name))]
