"""Weather at the ground in the units American readers use, from the vendor's texts.

Each unit is converted once, from the unrounded source value, and later stages copy the text: a
rounded text that was read again and classified again once showed one wind in two Beaufort classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.wire.codes import WEATHER

# (the highest mph of the class, its name); Calm alone excludes its limit.
_BEAUFORT = (
    (Decimal(3), "Light Air"),
    (Decimal(7), "Light Breeze"),
    (Decimal(12), "Gentle Breeze"),
    (Decimal(18), "Moderate Breeze"),
    (Decimal(24), "Fresh Breeze"),
    (Decimal(31), "Strong Breeze"),
    (Decimal(38), "Near Gale"),
    (Decimal(46), "Gale"),
    (Decimal(54), "Strong Gale"),
    (Decimal(63), "Storm"),
    (Decimal(72), "Violent Storm"),
)

# The vendor also writes `11.m/s`. Nine digits are more than any weather has, and keep the
# arithmetic exact.
_QUANTITY = re.compile(r"\s*(?P<number>-?[0-9]{1,9}(?:\.[0-9]{0,9})?)\s*(?P<unit>\S+)\s*")

_INHG_OF = {
    "mmhg": lambda mmhg: mmhg / Decimal("25.4"),
    "hpa": lambda hpa: hpa * Decimal("0.0295299830714"),
    "inhg": lambda inhg: inhg,
}
_MPH_OF = {
    "m/s": lambda metres_per_second: metres_per_second / Decimal("0.44704"),
    "km/h": lambda kilometres_per_hour: kilometres_per_hour * Decimal("0.621371"),
}
_FAHRENHEIT_OF = {"°c": lambda celsius: celsius * 9 / 5 + 32}


class Environment(msgspec.Struct, frozen=True):
    """Weather at the ground; a field is null when the vendor sent none or it cannot be read."""

    weather: str | None = None
    temperature_f: Annotated[str | None, msgspec.Meta(description="such as `66 F`")] = None
    pressure: Annotated[str | None, msgspec.Meta(description="such as `29.9 inHg`")] = None
    wind: Annotated[
        str | None, msgspec.Meta(description="rounded mph and Beaufort name of the unrounded")
    ] = None
    wind_mph: Annotated[float | None, msgspec.Meta(description="unrounded miles per hour")] = None
    humidity: str | None = None


class EnvironmentIssue(msgspec.Struct, frozen=True):
    """A weather field that arrived and could not be read."""

    field: str
    text: Annotated[str, msgspec.Meta(description="what arrived, as it was")]

    @property
    def name(self) -> str:
        """The field within the match's detail."""
        return self.field if self.field == "environment" else f"environment.{self.field}"


class _Unreadable(ValueError):
    pass


def convert_environment(vendor: Any) -> tuple[Environment, list[EnvironmentIssue]]:
    """The vendor's decoded `environment` converted, and what in it could not be read.

    Absent, null and whatever is empty mean unknown, which is no issue.
    """
    if vendor in (None, "", [], {}):
        return Environment(), []
    if not isinstance(vendor, Mapping):
        return Environment(), [EnvironmentIssue("environment", str(vendor))]
    issues: list[EnvironmentIssue] = []

    def read(field: str, how: Any) -> Any:
        value = vendor.get(field)
        if value is None or value == "":
            return None
        try:
            return how(value)
        except _Unreadable:
            issues.append(EnvironmentIssue(field, str(value)))
            return None

    mph = read("wind", _mph)
    environment = Environment(
        weather=read("weather", _weather),
        temperature_f=read("temperature", _fahrenheit),
        pressure=read("pressure", _inhg),
        wind=None if mph is None else f"{_rounded(mph)}mph ({_beaufort(mph)})",
        wind_mph=None if mph is None else float(mph),
        humidity=read("humidity", _text),
    )
    return environment, issues


def _weather(code: Any) -> str:
    if isinstance(code, str) and re.fullmatch("[0-9]{1,9}", code):
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        raise _Unreadable
    return WEATHER.get(code, f"Unknown ({code})")


def _fahrenheit(text: Any) -> str:
    return f"{_rounded(_quantity(text, _FAHRENHEIT_OF))} F"


def _inhg(text: Any) -> str:
    return f"{_rounded(_quantity(text, _INHG_OF, signed=False), '0.1')} inHg"


def _mph(text: Any) -> Decimal:
    return _quantity(text, _MPH_OF, signed=False)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unreadable
    return value


def _quantity(text: Any, converters: Mapping[str, Any], *, signed: bool = True) -> Decimal:
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    convert = match and converters.get(match["unit"].lower())
    if not match or not convert or (not signed and match["number"].startswith("-")):
        raise _Unreadable
    return convert(Decimal(match["number"]))


def _rounded(value: Decimal, step: str = "1") -> Decimal:
    """Ties away from zero; a result of nothing has no sign."""
    return value.quantize(Decimal(step), ROUND_HALF_UP) + 0


def _beaufort(mph: Decimal) -> str:
    if mph < 1:
        return "Calm"
    return next((name for limit, name in _BEAUFORT if mph <= limit), "Hurricane Force")
