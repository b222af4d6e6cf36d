"""The board over HTTP, on loopback alone: a page, its events, and the lines of a match.

Two threads do all reading, one for the board and one for lines, so that no viewer, however many
there are, reads anything, and nothing waits for a store in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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

from operations.board.lines import LineBook
from operations.board.page import PULSE_SECONDS, Board, Filter, lines_html
from operations.board.reader import Reader
from operations.metrics import exposition
from resources.site import Site
from touchline.errors import Bad, Unavailable
from touchline.stage import describe

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
POLL_SECONDS = 2.0
"""So often the store is asked whether a fetch has landed."""
_STOP_SECONDS = 3
_LOCKED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass
class Live:
    """The board as it stands, kept up by one task, and told to whoever waits for it."""

    site: Site
    poll_seconds: float = POLL_SECONDS
    pulse_seconds: float = PULSE_SECONDS
    board: Board = field(default_factory=Board)
    is_over: bool = False

    def __post_init__(self) -> None:
        self._reader = Reader(self.site)
        self.lines = LineBook(self.site)
        self.for_lines = ThreadPoolExecutor(1, "board-lines")
        self._for_reading = ThreadPoolExecutor(1, "board-reader")
        self._changed = asyncio.Event()

    @property
    def age(self) -> float | None:
        return self.board.seen.age_seconds(self.site.clock.now())

    async def look(self) -> None:
        """Read what is new, if anything is."""
        loop = asyncio.get_running_loop()
        board = await loop.run_in_executor(self._for_reading, self._next, self.board)
        if board is not self.board:
            self.board = board
            self._tell()

    def _next(self, board: Board) -> Board:
        try:
            return board.after(self._reader.read())
        except Exception as error:
            # A defect of ours; the viewers must not take what is shown for the state of now.
            log.exception("the board could not be made")
            return board.after(replace(board.seen, trouble=f"a defect: {describe(error)}"))

    async def keep_up(self) -> None:
        while not self.is_over:
            await self.look()
            await asyncio.sleep(self.poll_seconds)

    async def changed(self) -> None:
        """Until there is another board, the end, or nothing for `pulse_seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self.pulse_seconds)

    def end(self) -> None:
        """Let every stream of events end by itself."""
        self.is_over = True
        self._tell()

    def close(self) -> None:
        for pool in (self._for_reading, self.for_lines):
            pool.shutdown(cancel_futures=True)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def application(live: Live) -> ASGIApp:
    prefix = live.site.settings.s3_prefix

    async def page(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = live.board.page(_filter(request), live.age, nonce=nonce, prefix=prefix)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    async def events(request: Request) -> Response:
        since = live.board.version_of(request.query_params.get("since", ""))
        stream = _events(live, _filter(request), since)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def lines(request: Request) -> Response:
        row = live.board.rows.get(request.query_params.get("match", ""))
        fetch = live.board.seen.fetch
        if row is None or fetch is None or row.match.company_id is None:
            return HTMLResponse('<div class="lines muted">No odds are known.</div>', 404)
        match, loop = row.match, asyncio.get_running_loop()
        try:
            markets = await loop.run_in_executor(
                live.for_lines, live.lines.markets, match.match_id, row.match.company_id, fetch
            )
        except (Bad, Unavailable):
            text = '<div class="lines muted">The odds cannot be read just now.</div>'
            return HTMLResponse(text, 503)
        return HTMLResponse(lines_html(match, markets, fetch))

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
        Route("/lines", lines),
        Route("/metrics", metrics),
    ]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[Middleware(_Guarded), hosts])


def _metrics(site: Site) -> str:
    """How Touchline is, as `touchline status` says it. Raises NothingThere, LedgerUnavailable."""
    from operations.commands import status  # with Dagster, for those who ask

    return exposition(status.look(site.settings, site.clock.now()))


async def _events(live: Live, chosen: Filter, since: int) -> AsyncIterator[bytes]:
    while not live.is_over:
        board = live.board
        if board.version == since:
            yield _event({"age": live.age})
        else:
            yield _event(board.change(chosen, since, live.age))
            since = board.version
        if live.board.version == since and not live.is_over:
            await live.changed()


def _event(said: dict[str, Any]) -> bytes:
    # JSON has no line breaks, and so is one line of data.
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


def _filter(request: Request) -> Filter:
    asked = request.query_params
    return Filter(asked.get("status", ""), asked.get("league", ""), asked.get("search", ""))


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

    Raises OSError where the port is taken.
    """
    listener = socket.create_server((HOST, port))
    live = Live(site, poll_seconds, pulse_seconds)
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
