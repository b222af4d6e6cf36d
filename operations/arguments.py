"""Arguments and options that several commands take, and what is said when they make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from touchline.day import Day
from touchline.errors import Misuse

T = TypeVar("T")


class Source(StrEnum):
    """Where the feed's data come from."""

    SIMULATED = "simulated"
    RECORDED = "recorded"
    LIVE = "live"


def said_clearly(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise Misuse(str(error)) from None


def day(text: str) -> Day:
    """Raises Misuse."""
    return said_clearly(Day.parse, text)


def refuse_inverted(first: Day | None, last: Day | None) -> None:
    """Of `--from` and `--to`, where None is no bound. Raises Misuse."""
    if first is not None and last is not None and last < first:
        raise Misuse(f"--to {last} is before --from {first}")


def duration(text: str) -> timedelta:
    """From `90m`, `2h` or `3d`. Raises Misuse for anything else, or nothing."""
    found = re.fullmatch(r"([1-9]\d{0,3})([mhd])", text)
    if found is None:
        raise Misuse(f"{text!r} is no length of time: write it like 90m, 2h or 3d")
    return int(found[1]) * _UNITS[found[2]]


_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

_DATE = typer.Option("--date", parser=day, metavar="DAY", help="New York day, like 2025-05-28.")

From = Annotated[
    Day | None, typer.Option("--from", parser=day, metavar="DAY", help="[default: the first]")
]
To = Annotated[
    Day | None, typer.Option("--to", parser=day, metavar="DAY", help="[default: the last]")
]
DayArgument = Annotated[Day, typer.Argument(parser=day, metavar="DAY", help="New York day.")]
DayOption = Annotated[Day, _DATE]
OptionalDay = Annotated[Day | None, _DATE]
Fetch = Annotated[int | None, typer.Option("--fetch", help="One fetch number of the day.")]
Feed = Annotated[str | None, typer.Option("--feed", help="One feed. [default: all]")]
Prefix = Annotated[
    str | None,
    typer.Option("--prefix", help="Prefix in the bucket. [default: TOUCHLINE_S3_PREFIX]"),
]
Deep = Annotated[
    bool, typer.Option("--deep", help="Read every object back, whatever was read before.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
