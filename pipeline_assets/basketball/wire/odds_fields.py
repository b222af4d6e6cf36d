"""Fields of The Odds API's answers: read exactly, or named as what cannot be read."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from pipeline_assets.basketball.wire.fields import YEARS
from touchline.stage import Unusable

T = TypeVar("T")
Text = msgspec.Raw | bytes | memoryview
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
LARGEST_EXPONENT = 6
"""No price or point has more digits than a million; one of 1e999999 would be worked on for ever."""
MOST_DECIMALS = 20


class Misread(StrEnum):
    """Why a part of an answer is set aside."""

    MALFORMED = "malformed"
    """It is not what the vendor documents."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """It names neither team, and is none of Over, Under, Yes and No."""


class Malformed(Unusable):
    """A part of an answer cannot be read; the message names the field."""

    def __init__(self, detail: str, reason: Misread = Misread.MALFORMED) -> None:
        super().__init__(reason, detail)


class Reader(Generic[T]):
    def __init__(self, makes: Any) -> None:
        self._decoder = msgspec.json.Decoder(makes, float_hook=Decimal)

    def __call__(self, text: Text, part: str) -> T:
        try:
            return self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
            raise Malformed(f"{part}: {error}") from None


def plausible(instant: datetime, field: str) -> datetime:
    """Return the time in UTC. Raises Malformed for one of another century."""
    if instant.year not in YEARS:
        raise Malformed(f"{field}: {instant.isoformat()}")
    return instant.astimezone(UTC)


def number_of(value: Any, field: str) -> Decimal:
    """Return a JSON number exactly, without trailing zeros. Raises Malformed for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed(f"{field}: expected a number, got {type(value).__name__}")
    number = _plain(value)
    if number is None:
        raise Malformed(f"{field}: a number beyond measure")
    return number


@functools.lru_cache(maxsize=4096)  # Of the same few hundred prices.
def _plain(value: int | Decimal) -> Decimal | None:
    number = Decimal(value)
    decimals = -int(number.as_tuple().exponent)
    if number.adjusted() > LARGEST_EXPONENT or decimals > MOST_DECIMALS:
        return None
    plain = number.normalize()
    return plain if int(plain.as_tuple().exponent) <= 0 else plain.quantize(Decimal(1))
