"""Credentials are replaced by `***` wherever they could surface: texts, URLs and response bodies.

The vendor takes `user` and `secret` in the query string, and an error body of its may quote them.
What is stored is otherwise verbatim, so masking must not touch anything but the credential: a
trivial value such as "a" is masked only where it is named (`user=a`, `"user": "a"`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MASKED = "***"
SHORTEST_BARE = 6
"""From this length on a credential is masked also where it stands without its name."""

_USERINFO = re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?=@)")
_QUERY_VALUE = re.compile(
    r"([?&](?:user(?:name)?|secret|pass(?:word|wd)?|pwd|(?:access_?|auth_?)?token|api_?key|"
    r"x-amz-(?:signature|credential|security-token)|sig(?:nature)?)=)[^&#\s\"'<>]*",
    re.IGNORECASE,
)
# A value begins behind anything but a word character; what looks like one may be the end of an
# escape, as in "%3Dvalue" and "\nvalue".
_BEGINS = (
    rb"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=(?<!\\)\\[nrtbf]))"
)
_ENDS = rb"(?![A-Za-z0-9_])"


def mask_urls(text: str) -> str:
    """Mask what a URL in this text says about credentials: user info and well-known parameters."""
    return _QUERY_VALUE.sub(rf"\1{MASKED}", _USERINFO.sub(MASKED, text))


class Mask:
    """Masks given credentials, in whatever escaping JSON, a URL or an HTML page gives them."""

    def __init__(self, credentials: Mapping[str, str], *, public: str = "") -> None:
        """`credentials` by the name of their parameter. A value that stands in `public`, such as
        the feed's URL, is a plain word and not masked where it stands without its name."""
        self._credentials = [
            _Credential(name, value, bare=len(value) >= SHORTEST_BARE and value not in public)
            for name, value in credentials.items()
            if value
        ]

    def __repr__(self) -> str:
        return f"Mask({len(self._credentials)} credentials)"

    def body(self, data: bytes) -> bytes:
        """The same bytes, unless a credential stands in them. JSON stays JSON, unless a credential
        looks like a piece of it, with quotation marks and commas."""
        for credential in self._credentials:
            data = credential.masked_in(data)
        return data

    def text(self, text: str) -> str:
        """The text without these credentials, and without what any URL in it gives away."""
        return mask_urls(self.body(text.encode(errors="replace")).decode())


class _Credential:
    def __init__(self, name: str, value: str, *, bare: bool) -> None:
        spelled = b"".join(_spellings(character) for character in value)
        named = rb"(%s[\\\"']*\s*(?:[=:]|%%3[Dd])\s*[\\\"']*)" % re.escape(name.encode())
        self._named = re.compile(named + spelled + _ENDS)
        # A number may be anything's number, and `***` in its place would not be JSON.
        self._is_number = value.isdigit() or _is_json(value)
        begins = rb"(?:(?<=[\"'=])|(?<=[A-Za-z] ))" if self._is_number else _BEGINS
        self._bare = re.compile(begins + spelled + _ENDS) if bare else None
        # No escaping changes ASCII letters and digits, and looking for bytes is much faster than
        # matching: bodies are megabytes, and nearly all of them are clean.
        self._core = max(re.findall(rb"[A-Za-z0-9]*", value.encode()), key=len)

    def masked_in(self, data: bytes) -> bytes:
        if self._core not in data:
            return data
        data = self._named.sub(self._masked_value, data)
        return self._bare.sub(MASKED.encode(), data) if self._bare else data

    def _masked_value(self, match: re.Match[bytes]) -> bytes:
        name = match[1]
        unquoted = self._is_number and name.rstrip()[-1:] == b":"
        return name + (b'"%s"' if unquoted else b"%s") % MASKED.encode()


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _spellings(character: str) -> bytes:
    """A pattern for one character as JSON and URLs may write it."""
    if character.isascii() and character.isalnum():
        return character.encode()
    utf8 = character.encode(errors="replace")
    percent = "".join(f"%{byte:02x}" for byte in utf8)
    escaped = re.escape(json.dumps(character)[1:-1].encode())
    choices = [rb"\\?" + re.escape(utf8), b"(?i:%s)" % percent.encode(), b"(?i:%s)" % escaped]
    if character == " ":
        choices.append(rb"\+")
    return b"(?:%s)" % b"|".join(choices)
