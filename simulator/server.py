"""The simulator on a loopback port: in a thread for tests, or in the foreground."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from simulator.app import CONTROL_PREFIX, VENDOR_PREFIX, Credentials, VendorApi, application
from simulator.basketball.app import (
    BALLDONTLIE_PREFIX,
    ODDS_API_PREFIX,
    BasketballApi,
    Keys,
)
from simulator.basketball.season import Season
from simulator.basketball.source import Basketball
from simulator.call_log import CallLog
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.source import Source

_HOST = "127.0.0.1"
_STOP_SECONDS = 2


@dataclass(frozen=True)
class Served:
    """A running simulator: where it listens, and its live objects."""

    url: str
    control_url: str
    clock: Clock
    faults: Faults
    log: CallLog
    source: Source
    basketball: BasketballApi | None = None
    balldontlie_url: str = ""
    """Ends in /v1/; "" without basketball, as is the other."""
    odds_api_url: str = ""


@contextmanager
def serve(
    source: Source,
    *,
    user: str,
    secret: str,
    clock: Clock | None = None,
    basketball: Season | Basketball | None = None,
    keys: Keys | None = None,
) -> Iterator[Served]:
    """Run the simulator in a thread of this process on a free loopback port.

    With `basketball` it has the NBA services too, which ask for `keys`; without keys they let
    everyone in.
    """
    api = VendorApi(source, Credentials(user, secret), clock)
    nba = BasketballApi(basketball, keys, api.clock, api.log) if basketball else None
    listener = _listen(0)
    server = _server(application(api, nba))
    thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
    thread.start()
    try:
        yield _served(api, nba, listener)
    finally:
        server.should_exit = True
        thread.join()


def run(
    api: VendorApi,
    port: int,
    announce: Callable[[Served], None],
    basketball: BasketballApi | None = None,
    *,
    football: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called once connections are accepted."""
    listener = _listen(port)
    announce(_served(api, basketball, listener))
    _server(application(api, basketball, football=football)).run([listener])


def _listen(port: int) -> socket.socket:
    # The kernel queues connections from here on, so callers may come before the loop runs.
    return socket.create_server((_HOST, port), backlog=1024)


def _server(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        access_log=False,  # its lines would hold the query strings, and so the secret
        log_level="critical",
        date_header=False,  # the Date header is the simulated clock's
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return uvicorn.Server(config)


def _served(api: VendorApi, basketball: BasketballApi | None, listener: socket.socket) -> Served:
    origin = f"http://{_HOST}:{listener.getsockname()[1]}"
    return Served(
        f"{origin}{VENDOR_PREFIX}/",
        f"{origin}{CONTROL_PREFIX}/",
        api.clock,
        api.faults,
        api.log,
        api.source,
        basketball,
        f"{origin}{BALLDONTLIE_PREFIX}/" if basketball else "",
        f"{origin}{ODDS_API_PREFIX}/" if basketball else "",
    )
