"""Asking a vendor over HTTP: deadline, retries, calls in flight, and what came of each call.

Credentials travel in the query string or in headers. They are added below the HTTP client, at the
transport, so that nothing that the client logs or puts into an error ever holds them.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

import anyio
import httpx
import stamina
import stamina.instrumentation

from touchline.clock import Clock, parse_http_date
from touchline.fetch import Call
from touchline.masking import Mask

# One line a call, and one a retry, would be hundreds a minute; the fetch says what matters in one.
logging.getLogger("httpx").setLevel(logging.WARNING)
# Where structlog is installed, as it may be, stamina would say it on stdout.
stamina.instrumentation.set_on_retry_hooks([])

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class CallError(StrEnum):
    """Why a call brought no data."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    HTTP_STATUS = "http_status"
    RATE_LIMITED = "rate_limited"
    """The vendor refused the call because of its quota."""
    QUOTA = "quota"
    """We did not ask, to stay within the vendor's quota."""
    NOT_JSON = "not_json"
    VENDOR_ERROR = "vendor_error"
    NO_RESULTS = "no_results"
    DEADLINE = "deadline"


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How a vendor is asked. `attempts` are calls in all, the first one included."""

    url: str
    connect_timeout_seconds: float = 5.0
    timeout_seconds: float = 20.0
    deadline_seconds: float = 45.0
    concurrency: int = 30
    attempts: int = 3
    backoff_seconds: float = 0.2
    backoff_max_seconds: float = 5.0
    backoff_jitter_seconds: float = 0.5
    keep_headers: tuple[str, ...] = ()
    """The names, in lower case, of the headers of an answer that are stored with it."""

    def __post_init__(self) -> None:
        """Raises ValueError, which never repeats the URL: what is wrong may be a password in it."""
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL:
            raise ValueError("the feed's URL cannot be read") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("the feed's URL must begin with http:// or https:// and name a host")
        if url.userinfo or url.query:
            raise ValueError(
                "the feed's URL must hold no credentials; they have settings of their own"
            )
        if not self.url.endswith("/"):
            object.__setattr__(self, "url", self.url + "/")


Judge = Callable[[int, bytes], tuple[CallError | None, str | None]]
"""From HTTP status and body to the error, if any, and what more is to be said about it."""

Admission = Callable[[], Awaitable[AbstractContextManager[object] | None]]
"""Asked before each attempt; None means that the call may not be made. What it gives is entered
before the attempt and left after it."""


class VendorClient:
    """One vendor during one fetch. The deadline counts from entering it.

    A call never raises: whatever happens is in the `Call` it gives.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        credentials: Mapping[str, str],
        mask: Mask,
        judge: Judge,
        clock: Clock,
        in_headers: bool = False,
    ) -> None:
        """`credentials` are query parameters by their name, or headers where it says so."""
        self._settings = settings
        self._credentials = credentials
        self._in_headers = in_headers
        self._mask = mask
        self._judge = judge
        self._clock = clock
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        settings = self._settings
        limits = httpx.Limits(
            max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency
        )
        # Loading certificates takes 20 to 30 ms, for nothing when the feed is plain HTTP.
        over_tls = httpx.URL(settings.url).scheme == "https"
        transport = _Authenticating(
            httpx.AsyncHTTPTransport(verify=over_tls, limits=limits),
            params={} if self._in_headers else self._credentials,
            headers=self._credentials if self._in_headers else {},
        )
        timeout = httpx.Timeout(settings.timeout_seconds, connect=settings.connect_timeout_seconds)
        client = httpx.AsyncClient(
            base_url=settings.url, transport=transport, timeout=timeout, trust_env=False
        )
        self._client = await self._open.enter_async_context(client)
        self._in_flight = anyio.CapacityLimiter(settings.concurrency)
        self.deadline = anyio.current_time() + settings.deadline_seconds
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._open.aclose()

    async def get(
        self, endpoint: str, params: Mapping[str, str], *, admission: Admission | None = None
    ) -> Call:
        """Ask, again where it may help, until the deadline.

        An answer with an error, a time-out or a lost connection is asked for again; an error that
        came with a body is kept when the deadline cuts off a further attempt.
        """
        settings = self._settings
        last = None
        attempts = stamina.retry_context(
            on=self._backoff,
            attempts=settings.attempts,
            timeout=None,
            wait_initial=settings.backoff_seconds,
            wait_max=settings.backoff_max_seconds,
            wait_jitter=settings.backoff_jitter_seconds,
        )
        with anyio.CancelScope(deadline=self.deadline):
            try:
                async for attempt in attempts:
                    admitted = await admission() if admission else nullcontext()
                    if admitted is None:
                        return last or _not_asked(endpoint, params)
                    with admitted:
                        async with self._in_flight:
                            last = await self._attempt(endpoint, params)
                    if not _may_help_again(last):
                        return last
                    with attempt:  # takes the exception; the loop goes on, or raises it at its end
                        raise _Unanswered(last)
            except _Unanswered as unanswered:
                return unanswered.call
        if last is not None and last.body is not None:
            return last
        detail = f"not answered within {settings.deadline_seconds:g} s of the fetch"
        return Call(endpoint, params, None, error=CallError.DEADLINE, detail=detail)

    async def _attempt(self, endpoint: str, params: Mapping[str, str]) -> _Call:
        call = _Call(endpoint, params, body=None)
        settings = self._settings
        try:
            with anyio.fail_after(settings.timeout_seconds):
                request = self._client.stream("GET", endpoint, params=dict(params))
                async with request as response:
                    received = b"".join([part async for part in response.aiter_raw()])
        except (TimeoutError, httpx.TimeoutException) as error:
            detail = f"{_name(error)} within {settings.timeout_seconds:g} s"
            return replace(call, error=CallError.TIMEOUT, detail=detail)
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # The vendor's ids may fit no URL.
            return replace(call, error=CallError.CONNECTION, detail=self._text(error))
        received_at = self._clock.now()
        call = replace(
            call,
            http_status=response.status_code,
            date_header=response.headers.get("date"),
            received_at=received_at,
            retry_after_seconds=_retry_after(response.headers.get("retry-after"), received_at),
            headers={
                name: self._mask.text(response.headers[name])
                for name in settings.keep_headers
                if name in response.headers
            },
        )
        try:
            content = httpx.Response(200, headers=response.headers, content=received).content
        except httpx.DecodingError as error:
            return self._undecoded(call, response.status_code, received, error)
        body = self._mask.body(content)
        error, detail = self._judge(response.status_code, body)
        return replace(
            call,
            body=body,
            error=error,
            detail=self._mask.text(detail) if detail else None,
            masked=body != content,
        )

    def _undecoded(self, call: _Call, status: int, received: bytes, error: Exception) -> _Call:
        """Return the call with the bytes of a body that is not what its `Content-Encoding` says.

        They are left out where a credential stands in what can be inflated of them: there it
        cannot be masked.
        """
        code = self._judge(status, received)[0] or CallError.NOT_JSON
        call = replace(call, error=code, detail=self._text(error), garbled=True)
        if any(self._mask.body(part) != part for part in _inflated(received)):
            return replace(call, detail=f"{call.detail}; it holds a credential and is not kept")
        body = self._mask.body(received)
        return replace(call, body=body, masked=body != received)

    def _text(self, error: Exception) -> str:
        return self._mask.text(f"{_name(error)}: {error}")

    def _backoff(self, error: Exception) -> bool | float:
        if not isinstance(error, _Unanswered):
            return False
        seconds = error.call.retry_after_seconds
        if seconds is None:
            return True
        return seconds if anyio.current_time() + seconds < self.deadline else False


@dataclass(frozen=True)
class _Call(Call):
    retry_after_seconds: float | None = None
    garbled: bool = False
    """Whether the body is not what its `Content-Encoding` says."""


class _Unanswered(Exception):
    def __init__(self, call: _Call) -> None:
        super().__init__(call.error)
        self.call = call


class _Authenticating(httpx.AsyncBaseTransport):
    """Adds the credentials to each request, and takes from each answer the headers that httpx acts
    on by itself, redirects and cookies: it raises over those that it cannot read."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> None:
        self._transport = transport
        self._params = params
        self._headers = headers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = httpx.Headers(request.headers)
        headers.update(self._headers)
        response = await self._transport.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_merge_params(dict(self._params)),
                headers=headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )
        for name in ("location", "set-cookie"):
            response.headers.pop(name, None)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


def skew_seconds(call: Call) -> float | None:
    """How far the vendor's clock was ahead of ours when this answer arrived; None if unknown.

    The header tells whole seconds, so equal clocks give about -0.5 s.
    """
    if call.date_header is None or call.received_at is None:
        return None
    said = parse_http_date(call.date_header)
    return None if said is None else (said - call.received_at).total_seconds()


def _may_help_again(call: _Call) -> bool:
    if call.error is None:
        return False
    if call.garbled or call.http_status is None:
        return True
    return call.http_status == 429 or call.http_status >= 500


def _not_asked(endpoint: str, params: Mapping[str, str]) -> Call:
    detail = "not asked, to stay within the vendor's quota"
    return Call(endpoint, params, None, error=CallError.QUOTA, detail=detail)


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, a number of them or a date; None if it is unreadable."""
    if header is None:
        return None
    if header.strip().isdecimal():
        seconds = float(header)
        return seconds if seconds <= timedelta.max.total_seconds() else None
    until = parse_http_date(header)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _inflated(received: bytes) -> Iterator[bytes]:
    """What can be read of a compressed body that is broken, by each format that it may have."""
    for bits in (_GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        inflater, readable = zlib.decompressobj(bits), bytearray()
        with suppress(zlib.error):
            for place in range(len(received)):
                readable += inflater.decompress(received[place : place + 1])
        yield bytes(readable)


def _name(error: Exception) -> str:
    return type(error).__name__
