"""The HTTP client: what the simulator has no fault for, against a server of our own."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline_assets.football.client.answers import judge
from resources.vendor.http import CallError, HttpSettings, VendorClient, skew_seconds
from tests.touchline.test_clock import UNREADABLE_DATES
from touchline.clock import VirtualClock
from touchline.fetch import Call
from touchline.masking import Mask

NOW = datetime(2025, 5, 28, 17, 0, tzinfo=UTC)
GOOD = b'{"code":0,"results":[]}'
CREDENTIALS = {"user": "watcher-77", "secret": "s3cr3t/+value"}

Answering = Callable[[Request], Awaitable[Response]]


@contextmanager
def vendor(answering: Answering) -> Iterator[str]:
    """A server that answers every path this way; its URL."""
    app = Starlette(routes=[Route("/{path:path}", answering)])
    listener = socket.create_server(("127.0.0.1", 0))
    settings = {"log_level": "critical", "access_log": False, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **settings, date_header=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/football/"
    finally:
        server.should_exit = True
        thread.join()


def ask(url: str, endpoints: list[str], **settings: float) -> list[Call]:
    async def asked() -> list[Call]:
        wanted = {"backoff_seconds": 0.01, "backoff_jitter_seconds": 0.01, **settings}
        client = VendorClient(
            HttpSettings(url=url, **wanted),  # pyright: ignore[reportArgumentType]
            credentials=CREDENTIALS,
            mask=Mask(CREDENTIALS),
            judge=judge,
            clock=VirtualClock(NOW),
        )
        async with client:
            return await asyncio.gather(*(client.get(endpoint, {}) for endpoint in endpoints))

    return anyio.run(asked)


def ask_once(answering: Answering, **settings: float) -> Call:
    with vendor(answering) as url:
        return ask(url, ["match/detail_live"], **settings)[0]


def refusing(retry_after: str, status: int = 429) -> tuple[Answering, list[str]]:
    """Refuses the first call and answers the second one; the paths asked for."""
    paths: list[str] = []

    async def answering(request: Request) -> Response:
        paths.append(request.url.path)
        if len(paths) > 1:
            return Response(GOOD)
        return Response(b"busy", status, {"retry-after": retry_after})

    return answering, paths


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after", ["0", " 0 ", "Wed, 28 May 2025 17:00:00 GMT", "Wed, 28 May 2025 16:00:00 GMT"]
)
def test_the_vendor_says_when_to_come_back(retry_after: str, status: int) -> None:
    answering, paths = refusing(retry_after, status)

    # The client's own pause would be longer than the deadline.
    call = ask_once(answering, backoff_seconds=60, backoff_max_seconds=60, deadline_seconds=10)

    assert (call.error, len(paths)) == (None, 2)


@pytest.mark.parametrize("retry_after", ["46", "Wed, 28 May 2025 18:00:00 GMT", "9" * 12])
def test_coming_back_after_the_deadline_is_not_tried(retry_after: str) -> None:
    answering, paths = refusing(retry_after)

    call = ask_once(answering)

    assert (call.error, len(paths)) == (CallError.RATE_LIMITED, 1)


@pytest.mark.parametrize(
    "retry_after", ["soon", "-1", "²", "1e3", *UNREADABLE_DATES[2:4], "9" * 20]
)
def test_a_retry_after_without_sense_is_passed_over(retry_after: str) -> None:
    answering, paths = refusing(retry_after.encode().decode("latin-1"))

    assert (ask_once(answering).error, len(paths)) == (None, 2)


def test_the_credentials_go_with_every_call_and_stay_out_of_what_is_kept() -> None:
    sent: list[dict[str, str]] = []

    async def answering(request: Request) -> Response:
        sent.append(dict(request.query_params))
        return Response(GOOD)

    call = ask_once(answering)

    assert sent == [CREDENTIALS]
    assert call.params == {}


def test_credentials_do_not_follow_a_redirect() -> None:
    paths: list[str] = []

    async def answering(request: Request) -> Response:
        paths.append(request.url.path)
        return Response(status_code=302, headers={"location": "/elsewhere"})

    call = ask_once(answering)

    assert (call.error, paths) == (CallError.HTTP_STATUS, ["/v1/football/match/detail_live"])


def test_a_compressed_body_is_kept_as_what_it_holds() -> None:
    async def answering(request: Request) -> Response:
        return Response(gzip.compress(GOOD, mtime=0), headers={"content-encoding": "gzip"})

    assert ask_once(answering).body == GOOD


def broken_gzip(body: bytes) -> bytes:
    """Behind it stands the checksum of another body."""
    return gzip.compress(body, mtime=0)[:-8] + bytes(8)


@pytest.mark.parametrize(
    ("status", "encoding", "body", "error"),
    [
        (200, "gzip", GOOD, CallError.NOT_JSON),
        (200, "gzip", broken_gzip(GOOD), CallError.NOT_JSON),
        (200, "gzip", b"\x1f\x8b\x08\x00 no more of it", CallError.NOT_JSON),
        (200, "deflate", b"\xff\xff\xff\xff", CallError.NOT_JSON),
        (503, "gzip", broken_gzip(GOOD), CallError.HTTP_STATUS),
    ],
)
def test_a_body_that_cannot_be_decompressed_is_kept_as_it_came(
    status: int, encoding: str, body: bytes, error: CallError
) -> None:
    async def answering(request: Request) -> Response:
        return Response(body, status, {"content-encoding": encoding})

    call = ask_once(answering)

    assert (call.error, call.http_status, call.received_at) == (error, status, NOW)
    assert call.body == body
    assert call.detail is not None
    assert "DecodingError" in call.detail


def test_a_body_that_cannot_be_decompressed_is_asked_for_again() -> None:
    bodies = [broken_gzip(GOOD), gzip.compress(GOOD, mtime=0)]

    async def answering(request: Request) -> Response:
        return Response(bodies.pop(0), headers={"content-encoding": "gzip"})

    call = ask_once(answering)

    assert (call.error, call.body) == (None, GOOD)


@pytest.mark.parametrize("compress", [broken_gzip, lambda body: body])
def test_no_credential_is_kept_in_a_body_that_cannot_be_decompressed(
    compress: Callable[[bytes], bytes],
) -> None:
    secret = CREDENTIALS["secret"].encode()
    body = compress(b'{"err":"secret=%s"}' % secret)

    async def answering(request: Request) -> Response:
        return Response(body, headers={"content-encoding": "gzip"})

    call = ask_once(answering)

    assert call.error is not None
    readable = b"" if call.body is None else call.body
    assert secret not in readable
    assert readable != body


@pytest.mark.parametrize(
    "headers",
    [
        *({"date": date} for date in UNREADABLE_DATES[2:4]),
        {"date": "\u00e9\u00ff"},
        {"location": "http://xn--/"},
        {"location": "javascript:alert(1)"},
        {"set-cookie": "a=\u00e4; path=/"},
        {"set-cookie": "a=b; max-age=" + "9" * 5000},
        {"content-type": "text/html; charset=none-such"},
    ],
)
def test_no_header_costs_the_answer(headers: dict[str, str]) -> None:
    async def answering(request: Request) -> Response:
        return Response(GOOD, 302, headers)

    with vendor(answering) as url:
        # The second call would carry a cookie of the first.
        first, second = (ask(url, ["match/detail_live"])[0] for _ in range(2))

    assert (first.error, second.error) == (None, None)
    assert first.date_header == headers.get("date")
    assert skew_seconds(first) is None


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    running, most = 0, 0

    async def answering(request: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return Response(GOOD)

    with vendor(answering) as url:
        calls = ask(url, [f"team/{number}" for number in range(20)], concurrency=4)

    assert {call.error for call in calls} == {None}
    assert most == 4


def test_an_answer_that_drips_is_a_timeout() -> None:
    async def answering(request: Request) -> Response:
        async def drips() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.05)

        return StreamingResponse(drips())

    call = ask_once(answering, timeout_seconds=0.3, attempts=1)

    assert (call.error, call.body) == (CallError.TIMEOUT, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Wed, 28 May 2025 17:00:07 GMT", 7.0),
        ("Wed, 28 May 2025 16:59:50 -0000", -10.0),
        *((header, None) for header in UNREADABLE_DATES),
        (None, None),
    ],
)
def test_skew_is_positive_when_the_vendor_is_ahead(
    header: str | None, seconds: float | None
) -> None:
    call = Call("x", {}, b"", date_header=header, received_at=NOW)

    assert skew_seconds(call) == seconds


def test_skew_needs_the_time_of_receipt() -> None:
    assert skew_seconds(Call("x", {}, b"", date_header="Wed, 28 May 2025 17:00:07 GMT")) is None


def test_what_is_asked_for_again_is_not_said_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    async def busy(request: Request) -> Response:
        return Response(status_code=503)

    with vendor(busy) as url:
        (call,) = ask(url, ["match/detail_live"])
    assert call.http_status == 503
    assert capfd.readouterr().out == ""
