"""Stand-ins on loopback for the channels that Apprise sends to, as strict as the real ones."""

from __future__ import annotations

import email
import email.policy
import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TELEGRAM_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "br"}
_TELEGRAM_CHARACTERS = 4096
_DISCORD_CHARACTERS = 2000
TELEGRAM = "tgram://123456789:abcdefghijklmnopqrstuvwxyz_0123456/77"
DISCORD = "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz_0123456789"


class Refused(Exception):
    """What the channel answers to a message that it cannot read."""

    status = 400


class Away(Refused):
    """What it answers on its bad days, whatever the message."""

    status = 502


class _Shown(HTMLParser):
    """The text that a reader of HTML sees, and the tags that were in it."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(html: str) -> tuple[str, list[str]]:
    """What a person reads of HTML, and its tags."""
    read = _Shown()
    read.feed(html)
    read.close()
    return read.text, read.tags


def shown_by_telegram(post: dict[str, Any]) -> str:
    """What Telegram shows of a `sendMessage`. Raises Refused where its parser gives up, and for a
    text that is too long in the form in which it is sent: the strictest reading of its limit."""
    text, mode = post["text"], post.get("parse_mode")
    if mode == "HTML":
        seen, tags = shown(text)
        if unknown := set(tags) - _TELEGRAM_TAGS:
            raise Refused(f"can't parse entities: unsupported start tag {unknown}")
    elif mode:
        raise Refused(f"these tests know no {mode}")
    else:
        seen = text
    if len(text) > _TELEGRAM_CHARACTERS:
        raise Refused("message is too long")
    return seen


def shown_by_discord(post: dict[str, Any]) -> str:
    """What Discord shows of a webhook's post. Raises Refused for one that is too long."""
    if len(post["content"]) > _DISCORD_CHARACTERS:
        raise Refused("Must be 2000 or fewer in length.")
    return post["content"]


def shown_by_slack(text: str) -> str:
    """What Slack shows of the text of an attachment: three characters are escaped, and what stands
    in angle brackets is a link, or calls people."""
    if found := re.search(r"<[^>]*>", text):
        raise Refused(f"this is no text, but a control sequence: {found[0]}")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@contextmanager
def posts(
    shows: Callable[[dict[str, Any]], str],
) -> Iterator[tuple[str, list[str]]]:
    """The URL of a channel that takes JSON, and what it has shown to people so far."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                seen.append(shows(post))
                status, body = 200, b"ok"
            except Refused as error:
                status, body = error.status, json.dumps({"description": str(error)}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}", seen


@contextmanager
def mailbox() -> Iterator[tuple[int, list[EmailMessage]]]:
    """The port of a mail server, and what it has taken."""
    taken: list[EmailMessage] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline():
                command = line.split()[0].upper()
                if command == b"DATA":
                    self._say("354 go on")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    data = b"".join(line.removeprefix(b".") for line in lines)
                    message = email.message_from_bytes(data, policy=email.policy.default)
                    assert isinstance(message, EmailMessage)
                    taken.append(message)
                self._say("221 bye" if command == b"QUIT" else "250 8BITMIME")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, taken


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
