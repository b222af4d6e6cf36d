"""One answer over HTTP: waited for, cut off or never given, dated and written into the log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime

from starlette.types import Receive, Send

from simulator.call_log import CallLog
from simulator.clock import Clock
from simulator.faults import Answer


async def give(answer: Answer, receive: Receive, send: Send, *, clock: Clock, log: Logged) -> None:
    """Send the answer as its fields say; what was sent is logged before its first byte."""
    if answer.delay_seconds:
        await asyncio.sleep(answer.delay_seconds)
    if answer.never:
        log.add(0, b"")
        await _until_the_client_leaves(receive)
        return
    date = clock.now() + timedelta(seconds=answer.date_offset_seconds)
    body = answer.body[: answer.stop_after]
    log.add(answer.status, body)
    headers = {
        "date": format_datetime(date, usegmt=True),
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        **answer.headers,
    }
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    cut_short = answer.stop_after is not None
    await send({"type": "http.response.body", "body": body, "more_body": cut_short})


class Logged:
    """One call, for the log: its endpoint, its parameters without secrets, and its time."""

    def __init__(
        self, log: CallLog, endpoint: str, params: Mapping[str, str], at: datetime
    ) -> None:
        self._log = log
        self._endpoint = endpoint
        self._params = params
        self._at = at

    def add(self, status: int, body: bytes) -> None:
        self._log.add(self._endpoint, self._params, status, body, self._at)


async def _until_the_client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
