"""Which days are held, and that nothing is misread."""

from __future__ import annotations

import pytest

from resources.legal_hold import LegalHold
from touchline.day import Day


@pytest.mark.parametrize(
    ("text", "held", "free"),
    [
        ("", (), ("2025-05-28",)),
        ("all", ("1999-01-01", "2025-05-28"), ()),
        ("2025-05-28", ("2025-05-28",), ("2025-05-27", "2025-05-29")),
        (
            " 2025-05-28 .. 2025-06-02 ,2025-07-01,",
            ("2025-05-28", "2025-05-31", "2025-06-02", "2025-07-01"),
            ("2025-05-27", "2025-06-03"),
        ),
        ("2025-05-28,all", ("2024-01-01",), ()),
    ],
)
def test_days_ranges_and_all(text: str, held: tuple[str, ...], free: tuple[str, ...]) -> None:
    hold = LegalHold.parse(text)
    assert [day for day in held if not hold.covers(Day.parse(day))] == []
    assert [day for day in free if hold.covers(Day.parse(day))] == []


@pytest.mark.parametrize(
    "text",
    ["ALL", "2025-5-28", "2025-05-28..", "..2025-05-28", "2025-06-01..2025-05-28", "a..b", "D;E"],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"day|ends before"):
        LegalHold.parse(text)
