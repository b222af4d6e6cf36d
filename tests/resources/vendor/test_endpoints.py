"""Declared endpoints: every page is asked for, and a list that breaks off is never a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import anyio
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from resources.vendor.endpoints import PAGES, Endpoint, fetch_all
from resources.vendor.http import CallError, HttpSettings, VendorClient
from tests.resources.vendor.test_http import Answering, vendor
from touchline.clock import VirtualClock
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.masking import Mask
from touchline.slot import Slot

KEY = {"Authorization": "k3y-of-77"}
GAMES = Endpoint(
    "games",
    "seasons/{season}/games",
    {"per_page": "2"},
    lambda body: _next(msgspec.json.decode(body)),
)


def _next(page: Mapping[str, int]) -> Mapping[str, str] | None:
    return {"cursor": str(page["next"])} if "next" in page else None


def ask(answering: Answering, **settings: object) -> list[Call]:
    async def asked(url: str) -> list[Call]:
        client = VendorClient(
            HttpSettings(url=url, attempts=1, **settings),  # pyright: ignore[reportArgumentType]
            credentials=KEY,
            mask=Mask(KEY),
            judge=lambda status, body: (CallError.HTTP_STATUS if status != 200 else None, None),
            clock=VirtualClock(datetime(2026, 1, 9, tzinfo=UTC)),
            in_headers=True,
        )
        async with client:
            return await fetch_all(client, GAMES, {"team": "7"}, values={"season": "2025"})

    with vendor(answering) as url:
        return anyio.run(asked, url)


def pages(count: int | None, fails_at: int | None = None) -> Answering:
    """Answers so many pages, each with its number; without an end for None."""

    async def answering(request: Request) -> Response:
        page = int(request.query_params.get("cursor", "1"))
        if page == fails_at:
            return Response(b'{"next": 9}', 500)
        said = {"page": page} if page == count else {"page": page, "next": page + 1}
        return Response(msgspec.json.encode(said))

    return answering


def test_every_page_is_asked_for_and_named_by_its_endpoint() -> None:
    calls = ask(pages(3))
    assert [msgspec.json.decode(call.body or b"")["page"] for call in calls] == [1, 2, 3]
    assert {call.endpoint for call in calls} == {"games"}
    asked = {"season": "2025", "per_page": "2", "team": "7"}
    assert [call.params for call in calls] == [
        asked,
        asked | {"cursor": "2"},
        asked | {"cursor": "3"},
    ]


def test_what_follows_a_page_that_failed_is_not_known() -> None:
    calls = ask(pages(3, fails_at=2))
    assert [call.error for call in calls] == [None, CallError.HTTP_STATUS]


@pytest.mark.parametrize(
    "following", [lambda page: page, lambda page: 1 + page % 3], ids=["itself", "in a circle"]
)
def test_pages_that_lead_back_are_no_whole_list(following: object) -> None:
    async def answering(request: Request) -> Response:
        page = int(request.query_params.get("cursor", "1"))
        return Response(msgspec.json.encode({"next": following(page)}))  # pyright: ignore

    calls = ask(answering)
    assert calls[-1].error == CallError.VENDOR_ERROR
    assert len(calls) < 5


def test_pages_without_an_end_are_given_up() -> None:
    calls = ask(pages(None))
    assert (len(calls), calls[-1].error) == (PAGES, CallError.VENDOR_ERROR)


def test_the_key_goes_in_its_header_and_into_nothing_that_is_kept() -> None:
    sent: list[str | None] = []

    async def answering(request: Request) -> Response:
        sent.append(request.headers.get("authorization"))
        echo = msgspec.json.encode({"you": KEY["Authorization"]})
        return Response(echo, headers={"x-left": "41", "x-other": "1", "x-echo": "k3y-of-77"})

    [call] = ask(answering, keep_headers=("x-left", "x-echo", "x-absent"))
    assert sent == [KEY["Authorization"]]
    assert call.headers == {"x-left": "41", "x-echo": "***"}
    assert KEY["Authorization"] not in repr(call)


def test_headers_that_are_kept_stand_in_the_envelope() -> None:
    ref = FetchRef.of(Slot.parse("cup/scores 2026-01-09 2026-01-09T17:00:00Z"), "abcdefghijkl")
    call = Call("odds", {}, b"[]", 200, headers={"x-left": "41"})
    written = write_envelope(ref, {"A": {"odds": call}}, {"outcome": "complete"}, start_line="")
    assert [entry.headers for entry in Envelope(written).index] == [{"x-left": "41"}]
