"""The simulator on a loopback port: in a thread for tests, or in the foreground."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from simulator.app import CONTROL_PREFIX, VENDOR_PREFIX, Credentials, VendorApi, application
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


@contextmanager
def serve(
    source: Source, *, user: str, secret: str, clock: Clock | None = None
) -> Iterator[Served]:
    """Run the simulator in a thread of this process on a free loopback port."""
    api = VendorApi(source, Credentials(user, secret), clock)
    listener = _listen(0)
    server = _server(api)
    thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
    thread.start()
    try:
        yield _served(api, listener)
    finally:
        server.should_exit = True
        thread.join()


def run(api: VendorApi, port: int, announce: Callable[[Served], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called once connections are accepted."""
    listener = _listen(port)
    announce(_served(api, listener))
    _server(api).run([listener])


def _listen(port: int) -> socket.socket:
    # The kernel queues connections from here on, so callers may come before the loop runs.
    return socket.create_server((_HOST, port), backlog=1024)


def _server(api: VendorApi) -> uvicorn.Server:
    config = uvicorn.Config(
        application(api),
        access_log=False,  # its lines would hold the query strings, and so the secret
        log_level="critical",
        date_header=False,  # the Date header is the simulated clock's
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return uvicorn.Server(config)


def _served(api: VendorApi, listener: socket.socket) -> Served:
    origin = f"http://{_HOST}:{listener.getsockname()[1]}"
    return Served(
        f"{origin}{VENDOR_PREFIX}/",
        f"{origin}{CONTROL_PREFIX}/",
        api.clock,
        api.faults,
        api.log,
        api.source,
    )
