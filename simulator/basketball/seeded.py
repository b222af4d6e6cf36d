"""Chance that depends on what is asked and never on what was asked before."""

from __future__ import annotations

from hashlib import blake2b
from random import Random

Part = str | int


def number(seed: int, *parts: Part) -> int:
    """A number of 64 bits for a seed and any words, the same in every process."""
    text = "/".join(map(str, (seed, *parts)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def share(seed: int, *parts: Part) -> float:
    """As `number`, at least 0 and below 1."""
    return number(seed, *parts) / 2**64


def chance(seed: int, *parts: Part) -> Random:
    """A generator of its own for a seed and any words."""
    return Random(number(seed, *parts))


def identifier(seed: int, *parts: Part) -> str:
    """32 hexadecimal characters, as The Odds API names its events."""
    text = "/".join(map(str, (seed, *parts)))
    return blake2b(text.encode(), digest_size=16).hexdigest()
