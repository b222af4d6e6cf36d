"""The NBA services over HTTP: keys, limits, credits, faults and the log."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.answering import Logged, give
from simulator.basketball.asking import Params, UnreadParameterError
from simulator.basketball.faults import Faults
from simulator.basketball.season import Season
from simulator.basketball.simulated import Simulated
from simulator.basketball.source import Basketball, Priced, RefusedError
from simulator.call_log import CallLog
from simulator.clock import Clock
from simulator.faults import Answer
from simulator.limits import SlidingWindow

BALLDONTLIE_PREFIX = "/balldontlie/v1"
ODDS_API_PREFIX = "/odds_api/v4"
_KEY_PARAMETER = "apiKey"
_CALLS_A_MINUTE = 600
_CREDITS_A_MONTH = 100_000
_DETAILS = "https://the-odds-api.com/liveapi/guides/v4/api-error-codes.html"


class Keys(NamedTuple):
    """What the callers must send: in the header Authorization, and as the parameter apiKey.

    "" lets everyone in.
    """

    balldontlie: str = ""
    odds_api: str = ""


class Credits:
    """What is left of a month's credits. A month is the calendar's, on the simulator's clock."""

    def __init__(self, a_month: int) -> None:
        self._a_month = a_month
        self._used: dict[tuple[int, int], int] = defaultdict(int)

    def spend(self, cost: int, at: datetime) -> bool:
        """Whether there are as many; if not, none are spent."""
        month = (at.year, at.month)
        if cost and self._used[month] + cost > self._a_month:
            return False
        self._used[month] += cost
        return True

    def headers(self, last: int, at: datetime) -> dict[str, str]:
        used = self._used[at.year, at.month]
        return {
            "x-requests-remaining": str(self._a_month - used),
            "x-requests-used": str(used),
            "x-requests-last": str(last),
        }


class BasketballApi:
    """Both services. No text repeats what the caller sent."""

    def __init__(
        self,
        source: Season | Basketball,
        keys: Keys | None = None,
        clock: Clock | None = None,
        log: CallLog | None = None,
        *,
        calls_a_minute: int = _CALLS_A_MINUTE,
        credits: int = _CREDITS_A_MONTH,
    ) -> None:
        self.source = Simulated(source) if isinstance(source, Season) else source
        self.clock = clock or Clock()
        self.log = log or CallLog()
        self.faults = Faults()
        self.credits = Credits(credits)
        self._keys = keys or Keys()
        self._window = SlidingWindow(calls_a_minute)

    async def balldontlie(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = scope["path_params"]["endpoint"]
        params = _params(scope)
        now = self.clock.now()
        key = Headers(scope=scope).get("authorization", "")
        answer = self.balldontlie_answer(endpoint, params, key, now)
        await self._give(f"balldontlie/{endpoint}", params, now, answer, receive, send)

    async def odds_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = scope["path_params"]["endpoint"].strip("/")
        params = _params(scope)
        key = QueryParams(scope["query_string"]).get(_KEY_PARAMETER, "")
        now = self.clock.now()
        answer = self.odds_api_answer(endpoint, params, key, now)
        await self._give(f"odds_api/{endpoint}", params, now, answer, receive, send)

    async def _give(
        self,
        endpoint: str,
        params: Params,
        now: datetime,
        answer: Answer,
        receive: Receive,
        send: Send,
    ) -> None:
        if answer.status not in (401, 404):
            date = "".join(params.get("date", ()))
            answer = self.faults.spoil(answer, endpoint, date or None)
        joined = {name: ",".join(values) for name, values in params.items()}
        logged = Logged(self.log, endpoint, joined, now)
        await give(answer, receive, send, clock=self.clock, log=logged)

    def balldontlie_answer(self, endpoint: str, params: Params, key: str, now: datetime) -> Answer:
        """The answer to one call of balldontlie, before faults."""
        if not _is(self._keys.balldontlie, key):
            return _error(401, "Unauthorized")
        if not self._window.accept(now.timestamp()):
            return _error(429, "Too many requests, please try again later.")
        try:
            body = self.source.balldontlie(endpoint, params, now)
        except UnreadParameterError as error:
            return _error(400, str(error))
        return _error(404, "Not found") if body is None else Answer(body)

    def odds_api_answer(self, endpoint: str, params: Params, key: str, now: datetime) -> Answer:
        """The answer to one call of The Odds API, before faults; its credits are spent."""
        if self._keys.odds_api and not key:
            return _refusal(RefusedError(401, "MISSING_KEY", "API key is missing"))
        if not _is(self._keys.odds_api, key):
            return _refusal(RefusedError(401, "INVALID_KEY", "API key is not valid"))
        try:
            priced = self._priced(endpoint, params, now)
        except UnreadParameterError as error:
            code = f"INVALID_{error.name.upper()}"
            answer, cost = _refusal(RefusedError(422, code, str(error))), 0
        except RefusedError as error:
            answer, cost = _refusal(error), 0
        else:
            answer, cost = Answer(priced.body), priced.cost
        answer.headers |= self.credits.headers(cost, now)
        return answer

    def _priced(self, endpoint: str, params: Params, now: datetime) -> Priced:
        priced = self.source.odds_api(endpoint, params, now)
        if priced is None:
            raise RefusedError(404, "NOT_FOUND", "Not found")
        if not self.credits.spend(priced.cost, now):
            text = "Usage quota has been reached. See usage plans at https://the-odds-api.com"
            raise RefusedError(401, "OUT_OF_USAGE_CREDITS", text)
        return priced


def basketball_routes(api: BasketballApi) -> list[BaseRoute]:
    """The services' paths, each with its version."""
    return [
        Route(BALLDONTLIE_PREFIX + "/{endpoint:path}", _Endpoint(api.balldontlie)),
        Route(ODDS_API_PREFIX + "/{endpoint:path}", _Endpoint(api.odds_api)),
    ]


class _Endpoint:
    """An ASGI application; starlette takes a plain function for something else."""

    def __init__(self, answer: ASGIApp) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send)


def _params(scope: Scope) -> dict[str, Sequence[str]]:
    """All parameters but the key."""
    sent: dict[str, list[str]] = defaultdict(list)
    for name, value in QueryParams(scope["query_string"]).multi_items():
        if name != _KEY_PARAMETER:
            sent[name].append(value)
    return dict(sent)


def _is(ours: str, theirs: str) -> bool:
    return not ours or hmac.compare_digest(ours.encode(), theirs.encode())


def _error(status: int, text: str) -> Answer:
    return Answer(msgspec.json.encode({"error": text}), status)


def _refusal(error: RefusedError) -> Answer:
    body = {"message": str(error), "error_code": error.code, "details_url": _DETAILS}
    return Answer(msgspec.json.encode(body), error.status)
