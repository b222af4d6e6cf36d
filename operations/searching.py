"""How people's search words are compared with names."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """The text without case, accents and repeated white space: `ATLÉTICO  Madrid` and
    `atletico madrid` are one."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())
