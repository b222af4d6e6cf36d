"""A target of notices on loopback: it takes what Apprise posts to a `json://` URL, or refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Target:
    """`refuses` is how many of the next posts are answered with 503, or all of them with True."""

    port: int = 0
    refuses: int | bool = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    on_call: Callable[[], object] | None = None
    """Done when somebody has called, before anything is heard of what he says."""
    on_post: Callable[[], object] | None = None
    """Done when a post has arrived, before it is answered."""

    @property
    def url(self) -> str:
        return f"json://watcher:s3cr3t-value@127.0.0.1:{self.port}/hook-abc123"

    @property
    def titles(self) -> list[str]:
        return [post["title"] for post in self.posts]


@contextmanager
def target() -> Iterator[Target]:
    taken = Target()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if taken.on_call:
                taken.on_call()
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if taken.refuses:
                taken.refused += 1
                if taken.refuses is not True:
                    taken.refuses -= 1
                self.send_error(503, "hook-abc123 is away")
                return
            taken.posts.append(post)
            if taken.on_post:
                taken.on_post()
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
