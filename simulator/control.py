"""The simulator's control: clock, faults and the log of what was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from msgspec.json import Decoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.call_log import CallLog
from simulator.clock import Clock
from simulator.faults import Fault, Faults

_F = TypeVar("_F")


class _Faults(Protocol[_F]):
    def replace(self, faults: list[_F], now: int) -> None: ...

    def current(self) -> list[_F]: ...


class _Now(msgspec.Struct):
    now: datetime | None


def control_routes(clock: Clock, faults: Faults, log: CallLog) -> list[BaseRoute]:
    """Routes of the control side.

    Every answer is JSON. What cannot be read is refused with 400 and `{"error": text}`, and nothing
    changes.
    """

    async def health(request: Request) -> Response:
        return _json({"ok": True, **_clock_state(clock)})

    async def get_clock(request: Request) -> Response:
        return _json(_clock_state(clock))

    async def put_clock(request: Request) -> Response:
        clock.set(msgspec.json.decode(await request.body(), type=_Now).now)
        return _json(_clock_state(clock))

    async def get_log(request: Request) -> Response:
        calls, following = log.since(int(request.query_params.get("since", "0")))
        return _json({"calls": calls, "next": following})

    async def delete_log(request: Request) -> Response:
        log.clear()
        return _json({"calls": [], "next": 0})

    return [
        Route("/health", health, methods=["GET"]),
        Route("/clock", get_clock, methods=["GET"]),
        Route("/clock", _refusing(put_clock), methods=["PUT"]),
        *fault_routes("/faults", faults, Decoder(list[Fault]), clock),
        Route("/log", _refusing(get_log), methods=["GET"]),
        Route("/log", delete_log, methods=["DELETE"]),
    ]


def fault_routes(
    path: str, faults: _Faults[_F], read: Decoder[list[_F]], clock: Clock
) -> list[BaseRoute]:
    """Routes to see, replace and take away the faults of one sport."""

    async def get_faults(request: Request) -> Response:
        return _json(faults.current())

    async def put_faults(request: Request) -> Response:
        faults.replace(read.decode(await request.body()), int(clock.timestamp()))
        return _json(faults.current())

    async def delete_faults(request: Request) -> Response:
        faults.replace([], int(clock.timestamp()))
        return _json([])

    return [
        Route(path, get_faults, methods=["GET"]),
        Route(path, _refusing(put_faults), methods=["PUT"]),
        Route(path, delete_faults, methods=["DELETE"]),
    ]


def _clock_state(clock: Clock) -> dict[str, object]:
    return {"now": clock.now().isoformat(), "frozen": clock.frozen}


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


_Handler = Callable[[Request], Awaitable[Response]]


def _refusing(handler: _Handler) -> _Handler:
    """Answer 400 to what cannot be read (msgspec's errors and int's are ValueErrors)."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ValueError as error:
            return _json({"error": str(error)}, 400)

    return guarded
