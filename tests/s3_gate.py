"""A gate before an object store: it can be shut, slow, lose answers, and break what S3 promises."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from resources.embedded_s3 import S3Access

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Answer:
    """Header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def s3_error(status: int, code: str, message: str) -> Answer:
    """As S3 words it."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        "<RequestId>4442587FB7D0A2F9</RequestId></Error>"
    )
    return Answer(status, {"content-type": "application/xml"}, body.encode())


SLOW_DOWN = s3_error(503, "SlowDown", "Please reduce your request rate.")
FULL = s3_error(500, "InternalError", "We encountered an internal error, please try again.")
"""What SeaweedFS answers to every PUT when its disk is full."""


def _never(method: str, path: str) -> bool:
    return False


def _nothing(method: str, path: str) -> Answer | None:
    return None


def _as_it_is(method: str, path: str, answer: Answer) -> Answer:
    return answer


@dataclass
class S3Gate:
    """What passes is decided request by request. `access` leads through the gate."""

    access: S3Access
    shut: bool = False
    """Every connection is dropped before anything is asked."""
    loses_answer: Callable[[str, str], bool] = _never
    """Given method and path: the store does what was asked, and the answer is lost."""
    refuses: Callable[[str, str], bool] = _never
    """Given method and path: HTTP 500, and nothing is done."""
    answers: Callable[[str, str], Answer | None] = _nothing
    """Given method and path: what is answered without asking the store."""
    alters: Callable[[str, str, Answer], Answer] = _as_it_is
    """What arrives of what the store answers."""
    delay_seconds: float = 0.0
    """So long until a request reaches the store."""
    passed: list[tuple[str, str]] = field(default_factory=list)

    def open(self) -> None:
        """From here on it is as if there was no gate."""
        self.__dict__.update(vars(S3Gate(self.access, passed=self.passed)))


@contextmanager
def s3_gate(access: S3Access, tls: ssl.SSLContext | None = None) -> Iterator[S3Gate]:
    upstream = urlsplit(access.endpoint_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else each answer waits 40 ms for the end of its head to be acknowledged.
        disable_nagle_algorithm = True

        def _forward(self) -> None:
            method, path = self.command, unquote(self.path)
            if gate.shut:
                self.close_connection = True
                return
            sent = self._sent()
            if gate.refuses(method, path):
                self._answer(Answer(500))
                return
            if refusal := gate.answers(method, path):
                self._answer(refusal)
                return
            if gate.delay_seconds:
                time.sleep(gate.delay_seconds)
            gate.passed.append((method, path))
            answer = self._asked(sent)
            if gate.loses_answer(method, path):
                self.close_connection = True
                return
            self._answer(gate.alters(method, path, answer))

        def _sent(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            # As a file is sent over TLS.
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def _asked(self, sent: bytes) -> Answer:
            connection = HTTPConnection(upstream.hostname or "", upstream.port, timeout=20)
            try:
                connection.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self._headers(sent).items():
                    connection.putheader(name, value)
                connection.endheaders(sent or None)
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            headers = {n.lower(): v for n, v in answer.getheaders()}
            return Answer(answer.status, headers, body)

        def _headers(self, sent: bytes) -> dict[str, str]:
            headers = {n.lower(): v for n, v in self.headers.items()}
            headers.pop("expect", None)
            if headers.pop("transfer-encoding", None):
                headers["content-length"] = str(len(sent))
            return headers

        def _answer(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                if name not in _HOP_BY_HOP:
                    self.send_header(name, value)
            is_head = self.command == "HEAD"
            length = answer.headers.get("content-length", "0") if is_head else len(answer.body)
            self.send_header("content-length", str(length))
            self.end_headers()
            if not is_head:
                self.wfile.write(answer.body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _forward

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    gate = S3Gate(replace(access, endpoint_url=f"{scheme}://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
