"""Identifiers in the vendor's form, made from numbers and turned back into them."""

from __future__ import annotations

from string import ascii_lowercase, digits

ID_LENGTH = 15
_ALPHABET = digits + ascii_lowercase
_SPACE = len(_ALPHABET) ** ID_LENGTH
# Any number coprime to the space's size spreads neighbors over all of it, and has an inverse.
_SPREAD = 66_231_844_391_520_773_561_945
_UNSPREAD = pow(_SPREAD, -1, _SPACE)
_SEED_STEP = 31_415_926_535_897_932_384_627


class Ids:
    """A bijection between numbers and ids of 15 lower-case letters and digits, one per seed.

    A match's id tells which match it is, so that the simulator can answer for a match that it has
    long forgotten.
    """

    def __init__(self, seed: int) -> None:
        self._shift = (seed + 1) * _SEED_STEP

    def encode(self, number: int) -> str:
        rest = (number * _SPREAD + self._shift) % _SPACE
        characters = []
        for _ in range(ID_LENGTH):
            rest, index = divmod(rest, len(_ALPHABET))
            characters.append(_ALPHABET[index])
        return "".join(characters)

    def decode(self, identifier: str) -> int | None:
        """The number behind an id; None for what cannot be an id. Made-up ids give huge numbers."""
        if len(identifier) != ID_LENGTH or not all(c in _ALPHABET for c in identifier):
            return None
        number = 0
        for character in reversed(identifier):
            number = number * len(_ALPHABET) + _ALPHABET.index(character)
        return (number - self._shift) * _UNSPREAD % _SPACE
