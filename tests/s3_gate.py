"""A gate before an object store: it can be shut, lose answers, and spoil what is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from resources.embedded_s3 import S3Access

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def _never(method: str, path: str) -> bool:
    return False


@dataclass
class S3Gate:
    """What passes is decided request by request. `access` leads through the gate."""

    access: S3Access
    shut: bool = False
    """Every connection is dropped before anything is asked."""
    loses_answer: Callable[[str, str], bool] = _never
    """Given method and path: the store does what was asked, and the answer is lost."""
    spoils: Callable[[str, bytes], bytes] = field(default=lambda path, body: body)
    """What arrives of a body that is read."""
    refuses: Callable[[str, str], bool] = _never
    """Given method and path: HTTP 500, and nothing is done."""
    passed: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def s3_gate(access: S3Access) -> Iterator[S3Gate]:
    upstream = urlsplit(access.endpoint_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            method, path = self.command, unquote(self.path)
            if gate.shut:
                self.close_connection = True
                return
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            if gate.refuses(method, path):
                self._answer(500, {}, b"")
                return
            gate.passed.append((method, path))
            connection = HTTPConnection(upstream.hostname or "", upstream.port, timeout=20)
            try:
                connection.putrequest(method, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "expect":
                        connection.putheader(name, value)
                connection.endheaders(sent or None)
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            if gate.loses_answer(method, path):
                self.close_connection = True
                return
            if method == "GET" and answer.status == 200:
                body = gate.spoils(path, body)
            length = answer.headers["content-length"] if method == "HEAD" else None
            headers = {n: v for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP}
            self._answer(answer.status, headers, body, length)

        def _answer(
            self, status: int, headers: dict[str, str], body: bytes, length: str | None = None
        ) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _forward

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gate = S3Gate(replace(access, endpoint_url=f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
