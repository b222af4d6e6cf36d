"""Weather in US units: each table by hand, and texts that nobody can read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_assets.football.environment import Environment, EnvironmentIssue, convert_environment


def converted(**vendor: Any) -> Environment:
    environment, issues = convert_environment(vendor)
    assert issues == []
    return environment


def test_a_whole_environment() -> None:
    assert converted(
        weather=1, pressure="760mmHg", temperature="19°C", wind="6.8m/s", humidity="65%"
    ) == Environment(
        weather="Partially cloudy",
        temperature_f="66 F",
        pressure="29.9 inHg",
        wind="15mph (Moderate Breeze)",
        wind_mph=pytest.approx(15.2112, abs=5e-5),  # pyright: ignore[reportArgumentType]
        humidity="65%",
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "Partially cloudy"),
        (2, "Cloudy"),
        (3, "Partially cloudy/rain"),
        (4, "Snow"),
        (5, "Sunny"),
        (6, "Overcast rain/partial thunderstorm"),
        (7, "Overcast"),
        (8, "Mist"),
        (9, "Overcast with rain"),
        (10, "Cloudy with rain"),
        (11, "Cloudy with rain/partial thunderstorms"),
        (12, "Clouds/rains and thunderstorms locally"),
        (13, "Fog"),
        ("4", "Snow"),
        (0, "Unknown (0)"),
        (14, "Unknown (14)"),
        ("99", "Unknown (99)"),
    ],
)
def test_weather(code: int | str, text: str) -> None:
    assert converted(weather=code).weather == text


@pytest.mark.parametrize(
    ("celsius", "fahrenheit"),
    [
        ("19°C", "66 F"),
        ("-3°C", "27 F"),
        ("0°C", "32 F"),
        ("-40°C", "-40 F"),
        ("-18°C", "0 F"),
        ("2.5°C", "37 F"),
        ("-32.5°C", "-27 F"),
    ],
)
def test_temperature_rounds_ties_away_from_zero(celsius: str, fahrenheit: str) -> None:
    assert converted(temperature=celsius).temperature_f == fahrenheit


@pytest.mark.parametrize(
    ("pressure", "inches"),
    [
        ("760mmHg", "29.9 inHg"),
        ("1013 hPa", "29.9 inHg"),
        ("1013hPa", "29.9 inHg"),
        ("30.12inHg", "30.1 inHg"),
        ("30.25 inHg", "30.3 inHg"),
        ("762mmHg", "30.0 inHg"),
    ],
)
def test_pressure(pressure: str, inches: str) -> None:
    assert converted(pressure=pressure).pressure == inches


@pytest.mark.parametrize(
    ("wind", "text"),
    [
        ("6.8m/s", "15mph (Moderate Breeze)"),
        ("0.2m/s", "0mph (Calm)"),
        ("0.4m/s", "1mph (Calm)"),
        ("3.1m/s", "7mph (Light Breeze)"),
        ("8.0m/s", "18mph (Moderate Breeze)"),
        ("8.2m/s", "18mph (Fresh Breeze)"),
        ("11m/s", "25mph (Strong Breeze)"),
        ("11.m/s", "25mph (Strong Breeze)"),
        ("28.4m/s", "64mph (Violent Storm)"),
        ("33.0m/s", "74mph (Hurricane Force)"),
        ("10 km/h", "6mph (Light Breeze)"),
        ("0.44704m/s", "1mph (Light Air)"),
        ("1.34112m/s", "3mph (Light Air)"),
        ("3.12928m/s", "7mph (Light Breeze)"),
        ("5.36448m/s", "12mph (Gentle Breeze)"),
        ("8.04672m/s", "18mph (Moderate Breeze)"),
        ("10.72896m/s", "24mph (Fresh Breeze)"),
        ("13.85824m/s", "31mph (Strong Breeze)"),
        ("16.98752m/s", "38mph (Near Gale)"),
        ("20.56384m/s", "46mph (Gale)"),
        ("24.14016m/s", "54mph (Strong Gale)"),
        ("28.16352m/s", "63mph (Storm)"),
        ("32.18688m/s", "72mph (Violent Storm)"),
        ("32.2m/s", "72mph (Hurricane Force)"),
    ],
)
def test_wind_is_rounded_as_text_and_classified_unrounded(wind: str, text: str) -> None:
    assert converted(wind=wind).wind == text


@pytest.mark.parametrize("vendor", [None, {}, {"wind": None, "weather": "", "humidity": ""}])
def test_unknown_is_null_and_no_issue(vendor: dict[str, Any] | None) -> None:
    assert convert_environment(vendor) == (Environment(), [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weather", "rain"),
        ("weather", 4.0),
        ("weather", True),
        ("temperature", "warm"),
        ("temperature", "66°F"),
        ("temperature", 19),
        ("pressure", "760"),
        ("pressure", "-760mmHg"),
        ("wind", "m/s"),
        ("wind", "-3m/s"),
        ("wind", "6.8 knots"),
        ("wind", "1e400m/s"),
        ("wind", ["6.8m/s"]),
        ("humidity", 65),
    ],
)
def test_what_cannot_be_read_is_null_and_kept_as_an_issue(field: str, value: Any) -> None:
    environment, issues = convert_environment({field: value, "mystery": "kept in the raw fetch"})
    assert environment == Environment()
    assert issues == [EnvironmentIssue(field, str(value))]


texts = st.text("0123456789.-°CmhsHgPakn/% é\n\x00", max_size=12)
values = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(texts)
fields = ("weather", "temperature", "pressure", "wind", "humidity")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, values)))
def test_nothing_raises_and_each_field_is_read_unknown_or_an_issue(vendor: dict[str, Any]) -> None:
    environment, issues = convert_environment(vendor)
    read = {
        "weather": environment.weather,
        "temperature": environment.temperature_f,
        "pressure": environment.pressure,
        "wind": environment.wind,
        "humidity": environment.humidity,
    }
    for field, value in vendor.items():
        unknown = value is None or value == ""
        fates = [read[field] is not None, unknown, field in {i.field for i in issues}]
        assert fates.count(True) == 1
