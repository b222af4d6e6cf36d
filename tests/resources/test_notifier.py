"""Delivery through Apprise: to a real server on loopback, and to nowhere else."""

from __future__ import annotations

import socket

import pytest

from resources.notifier import NotDelivered, Notifier, masked
from tests.targets import target


def test_a_notice_arrives() -> None:
    with target() as there:
        Notifier((there.url,), is_live=True).send(0, "a title", "line one\nline two", seconds=2)
    (post,) = there.posts
    assert (post["title"], post["message"]) == ("a title", "line one\nline two")


def test_a_webhook_gets_facts_beside_the_text_and_what_its_url_adds() -> None:
    facts = {"match_id": "match-a", "fetch_number": 781, "alerts": ["a:b:2025-05-28:c"]}
    with target() as there:
        url = f"{there.url}?:feed=ours&:message=text"
        to = Notifier((url,), is_live=True)
        to.send(0, "t", "b", seconds=2, facts={**facts, "feed": "football"})
    (post,) = there.posts
    assert {name: post.get(name) for name in facts} == facts
    assert (post["title"], post["text"], post["feed"]) == ("t", "b", "ours")


def test_a_refusal_says_why_and_nothing_of_the_url(caplog: pytest.LogCaptureFixture) -> None:
    with target() as there:
        there.refuses = 1
        with pytest.raises(NotDelivered, match=r"target 1 \(json\) .*503") as refused:
            Notifier((there.url,), is_live=True).send(0, "t", "b", seconds=2)
    for secret in ("s3cr3t-value", "hook-abc123", str(there.port)):
        assert secret not in str(refused.value)
        assert secret not in caplog.text


def test_a_target_that_does_not_answer_costs_the_time_it_is_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"json://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(NotDelivered):
            Notifier((url,), is_live=True).send(0, "t", "b", seconds=0.4)


def test_a_url_that_apprise_does_not_know_is_named_by_its_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(NotDelivered, match=r"target 1 .nonsense. .* TOUCHLINE_NOTIFY_URLS"):
        Notifier(("nonsense://token-12345",), is_live=True).send(0, "t", "b", seconds=1)
    assert "token-12345" not in caplog.text


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("json://127.0.0.1:8080/x", True),
        ("json://localhost", True),
        ("form://[::1]:8080", True),
        ("json://127.0.0.1.example.org", False),
        ("json://example.org/127.0.0.1", False),
        ("jsons://localhost@example.org", False),
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyz/77", False),
        ("mailto://localhost:25?smtp=mail.example.org", False),
        ("nonsense://127.0.0.1", False),
    ],
)
def test_what_is_not_live_stays_on_this_machine(url: str, stays: bool) -> None:
    assert Notifier((url,), is_live=False).targets == stays
    assert Notifier((url,), is_live=True).targets == 1


def test_no_part_of_a_url_is_shown() -> None:
    url = "tgram://123456789:AAbbCC%3Ddd/-100200300/?format=html"
    said = "refused: bot123456789:AAbbCC=dd chat\n-100200300"
    assert masked(said, url) == "refused: bot***:*** chat ***"
