"""A feed's board over HTTP, on loopback alone: a page, its events, and the parts that it asks for.

Two threads do all reading, one for the board and one for its parts, so that no viewer, however many
there are, reads anything, and nothing waits for a store in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from operations.metrics import exposition
from resources.site import Site
from touchline.brought import LiveBoard
from touchline.errors import Misuse, Unavailable

HOST = "127.0.0.1"
POLL_SECONDS = 2.0
"""So often the store is asked whether a fetch has landed."""
PULSE_SECONDS = 5.0
"""So often a viewer hears from the board when nothing happens."""
_STOP_SECONDS = 3
_LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass
class Live:
    """The board as it stands, kept up by one task, and told to whoever waits for it."""

    site: Site
    board: LiveBoard
    poll_seconds: float
    pulse_seconds: float
    is_over: bool = False

    def __post_init__(self) -> None:
        self.state = self.board.first
        self.for_parts = ThreadPoolExecutor(1, "board-parts")
        self._for_reading = ThreadPoolExecutor(1, "board-reader")
        self._changed = asyncio.Event()

    @property
    def age(self) -> float | None:
        return self.state.age_seconds(self.site.clock.now())

    async def look(self) -> None:
        """Read what is new, if anything is."""
        loop = asyncio.get_running_loop()
        state = await loop.run_in_executor(self._for_reading, self.board.read, self.state)
        if state is not self.state:
            self.state = state
            self._tell()

    async def keep_up(self) -> None:
        while not self.is_over:
            await self.look()
            await asyncio.sleep(self.poll_seconds)

    async def changed(self) -> None:
        """Until there is another state, the end, or nothing for `pulse_seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self.pulse_seconds)

    def end(self) -> None:
        """Let every stream of events end by itself."""
        self.is_over = True
        self._tell()

    def close(self) -> None:
        for pool in (self._for_reading, self.for_parts):
            pool.shutdown(cancel_futures=True)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def application(live: Live) -> ASGIApp:
    prefix = live.site.settings.s3_prefix

    async def page(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        chosen = live.board.chosen(request.query_params)
        html = live.state.page(chosen, live.age, nonce=nonce, prefix=prefix)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async def events(request: Request) -> Response:
        since = live.state.version_of(request.query_params.get("since", ""))
        stream = _events(live, live.board.chosen(request.query_params), since)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def part(request: Request) -> Response:
        make, loop = live.board.parts[request.url.path], asyncio.get_running_loop()
        asked = request.query_params
        html, status = await loop.run_in_executor(live.for_parts, make, live.state, asked)
        return HTMLResponse(html, status)

    async def metrics(_: Request) -> Response:
        # Asked now and then by one collector; the threads that read for viewers stay free.
        try:
            text = await asyncio.to_thread(_metrics, live.site)
        except Unavailable as error:
            return PlainTextResponse(f"{error}\n", 503)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    routes = [
        Route("/", page),
        Route("/events", events),
        Route("/metrics", metrics),
        *(Route(path, part) for path in live.board.parts),
    ]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[Middleware(_Guarded), hosts])


def _metrics(site: Site) -> str:
    """How Touchline is, as `touchline status` says it. Raises NothingThere, LedgerUnavailable."""
    from operations.commands import status  # with Dagster, for those who ask

    return exposition(status.look(site.settings, site.clock.now()))


async def _events(live: Live, chosen: Any, since: int) -> AsyncIterator[bytes]:
    while not live.is_over:
        state = live.state
        if state.version == since:
            yield _event({"age": live.age})
        else:
            yield _event(state.change(chosen, since, live.age))
            since = state.version
        if live.state.version == since and not live.is_over:
            await live.changed()


def _event(said: dict[str, Any]) -> bytes:
    # JSON has no line breaks, and so is one line of data.
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


class _Guarded:
    """Headers for every answer: nothing is kept, framed, sniffed or fetched from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _LOCKED)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, guarded)


class _Server(uvicorn.Server):
    """Keeps the board up while it serves, and ends its streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._live.look()
        self._keeping_up = asyncio.create_task(self._live.keep_up())
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.end()
        await super().shutdown(sockets)
        self._keeping_up.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping_up


@contextmanager
def serving(
    site: Site,
    port: int,
    *,
    poll_seconds: float = POLL_SECONDS,
    pulse_seconds: float = PULSE_SECONDS,
) -> Iterator[str]:
    """The board of a site in a thread of this process; gives its URL. Port 0 is a free one.

    It is that of the first feed that brings one. Raises Misuse where none does, OSError where the
    port is taken.
    """
    boards = [plan.board for plan in site.plans.values() if plan.board]
    if not boards:
        raise Misuse(f"none of these feeds brings a board: {', '.join(site.plans)}")
    listener = socket.create_server((HOST, port))
    live = Live(site, boards[0](site), poll_seconds, pulse_seconds)
    config = uvicorn.Config(
        application(live),
        access_log=False,
        log_level="warning",
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config, live)
    thread = threading.Thread(target=server.run, args=([listener],), name="board", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        live.close()
