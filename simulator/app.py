"""The simulator over HTTP: football's paths below /v1/football/, the control's below /_control/.

The NBA services stand beside them, below /balldontlie/v1/ and /odds_api/v4/.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from simulator.answering import Logged, give
from simulator.basketball import faults as basketball_faults
from simulator.basketball.app import BasketballApi, basketball_routes
from simulator.call_log import CallLog
from simulator.clock import Clock
from simulator.control import control_routes, fault_routes
from simulator.faults import Answer, Faults
from simulator.limits import SlidingWindow
from simulator.source import Source
from simulator.vendor import BadParameterError, Vendor

VENDOR_PREFIX = "/v1/football"
CONTROL_PREFIX = "/_control"


@dataclass(frozen=True)
class Credentials:
    """What the caller must send as `user` and `secret`."""

    user: str
    secret: str

    def accept(self, sent: Mapping[str, str]) -> bool:
        pairs = ((self.user, sent.get("user", "")), (self.secret, sent.get("secret", "")))
        return all(hmac.compare_digest(ours.encode(), theirs.encode()) for ours, theirs in pairs)


class VendorApi:
    """The ASGI application behind the vendor's paths.

    Errors come the vendor's way: HTTP 200 with `{"err": text}`, HTTP 404 with `{code, msg}` for an
    unknown path. No text repeats what the caller sent, except under the fault `echo_secret`.
    Without credentials every caller is let in.
    """

    def __init__(
        self,
        source: Source,
        credentials: Credentials | None,
        clock: Clock | None = None,
        log: CallLog | None = None,
    ) -> None:
        self.source = source
        self.clock = clock or Clock()
        self.faults = Faults()
        self.log = log or CallLog()
        self._credentials = credentials
        self._vendor = Vendor(source)
        self._odds_history_window = SlidingWindow()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = scope["path_params"]["endpoint"]
        sent = dict(QueryParams(scope["query_string"]))
        params = {name: sent[name] for name in sent if name not in ("user", "secret")}
        now = self.clock.now()
        answer = self.answer(endpoint, params, sent)
        logged = Logged(self.log, endpoint, params, now)
        await give(answer, receive, send, clock=self.clock, log=logged)

    def answer(self, endpoint: str, params: Mapping[str, str], sent: Mapping[str, str]) -> Answer:
        """The answer to one call, with quota and faults. `sent` are all query parameters."""
        if not self._vendor.knows(endpoint):
            return Answer(msgspec.json.encode({"code": 404, "msg": "Not Found"}), status=404)
        if self._credentials and not self._credentials.accept(sent):
            return _error("Authorization failed, please check user and secret")
        now = self.clock.timestamp()
        if endpoint == "odds/history" and not self._odds_history_window.accept(now):
            return _error("Too many requests: at most 120 per minute")
        taken = self.faults.take(endpoint, params.get("uuid"))
        at = int(now) if taken.frozen_at is None else taken.frozen_at
        try:
            answer = Answer(self._vendor.body(endpoint, params, at))
        except BadParameterError as error:
            answer = _error(str(error))
        return taken.apply(answer, sent)


def _error(text: str) -> Answer:
    return Answer(msgspec.json.encode({"err": text}))


def application(
    api: VendorApi, basketball: BasketballApi | None = None, *, football: bool = True
) -> Starlette:
    """The whole simulator as one ASGI application; `football` false leaves its paths away."""
    control = control_routes(api.clock, api.faults, api.log)
    routes: list[BaseRoute] = []
    if basketball is not None:
        read = msgspec.json.Decoder(list[basketball_faults.Fault])
        faults = basketball.faults
        control += fault_routes("/basketball/faults", faults, read, basketball.clock)
        routes += basketball_routes(basketball)
    if football:
        routes.append(Route(VENDOR_PREFIX + "/{endpoint:path}", api))
    return Starlette(routes=[*routes, Mount(CONTROL_PREFIX, routes=control)])
