"""A proxy before an object store: it names every request, and passes it on when it may."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from resources.embedded_s3 import S3Access
from tests.crash.effects import Killed, Kind, Observer, masked

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_MUTATES = {"PUT", "POST", "DELETE"}
_DELTA_COMMIT = re.compile(r"/_delta_log/\d{20}\.json$")


@dataclass
class RecordingProxy:
    """`access` leads through it. What passes is told to `observer`, one at a time."""

    access: S3Access
    observer: Observer | None = None
    reads: Counter[str] = field(default_factory=Counter)
    """Requests that change nothing, by method."""


def named(method: str, target: str, prefix: str, headers: Message) -> tuple[Kind, str]:
    """What a request does: `prefix` is the part of its path that every key has."""
    path, _, query = unquote(target).partition("?")
    key = path.partition(f"/{prefix}/")[2] or path
    if method == "PUT" and _DELTA_COMMIT.search(key):
        return Kind.DELTA_COMMIT, masked(key)
    what = [part.partition("=")[0] for part in query.split("&")]
    parts = [name for name in what if name in ("uploads", "partNumber", "uploadId", "delete")]
    parts += [name for name in ("If-None-Match", "If-Match") if name in headers]
    return Kind.S3_REQUEST, masked(" ".join([method, key, *parts]))


@contextmanager
def recording_proxy(access: S3Access) -> Iterator[RecordingProxy]:
    """Serve in threads of this process on a free loopback port."""
    upstream = urlsplit(access.endpoint_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        store: HTTPConnection

        def setup(self) -> None:
            super().setup()
            self.store = HTTPConnection(upstream.hostname or "", upstream.port, timeout=20)

        def finish(self) -> None:
            self.store.close()
            super().finish()

        def handle_expect_100(self) -> bool:
            super().handle_expect_100()
            self.wfile.flush()  # The body comes only then.
            return True

        def _pass_on(self) -> None:
            method, observer = self.command, proxy.observer
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            if observer is None or method not in _MUTATES:
                proxy.reads[method] += 1
                self._answer(*self._forwarded(sent))
                return
            kind, name = named(method, self.path, observer.prefix, self.headers)
            try:
                with observer.around(kind, name):
                    answer = self._forwarded(sent)
            except Killed:
                self.close_connection = True
                return
            self._answer(*answer)

        def _forwarded(self, sent: bytes) -> tuple[HTTPResponse, bytes]:
            # The host stays the one that was signed.
            self.store.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    self.store.putheader(name, value)
            self.store.endheaders(sent or None)
            answer = self.store.getresponse()
            return answer, answer.read()

        def _answer(self, answer: HTTPResponse, body: bytes) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            length = answer.headers["content-length"] if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that was killed leaves its connection in any state."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy = RecordingProxy(replace(access, endpoint_url=f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
