"""What a call asks for: its parameters, and the refusal of those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from touchline.day import parse_instant
from touchline.errors import TouchlineError

Params = Mapping[str, Sequence[str]]
"""The values of each parameter, in the order in which they were sent."""

_T = TypeVar("_T")


class UnreadParameterError(TouchlineError):
    """A parameter that cannot be read; the text names it and never repeats its value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"parameter {name} is not valid")
        self.name = name


def one(params: Params, name: str, read: Callable[[str], _T]) -> _T | None:
    """The value of a parameter, None where it was not sent. Raises UnreadParameterError."""
    values = many(params, name, read)
    return values[-1] if values else None


def many(params: Params, name: str, read: Callable[[str], _T]) -> list[_T]:
    """The values of a parameter that may be sent several times. Raises UnreadParameterError."""
    try:
        return [read(value) for value in params.get(name, ())]
    except ValueError as error:
        raise UnreadParameterError(name) from error


def words(params: Params, name: str) -> list[str]:
    """The words of a parameter that are parted by commas, each once."""
    value = one(params, name, str) or ""
    return list(dict.fromkeys(word for word in value.split(",") if word))


def a_date(text: str) -> date:
    return date.fromisoformat(text)


def a_moment(text: str) -> datetime:
    return parse_instant(text)
