"""The football vendor's vocabulary: codes and their names, and what stands where in its arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

STATUS_NAMES = {
    0: "Abnormal (suggest hiding)",
    1: "Not started",
    2: "First half",
    3: "Half-time",
    4: "Second half",
    5: "Overtime",
    6: "Overtime (deprecated)",
    7: "Penalty Shoot-out",
    8: "End",
    9: "Delay",
    10: "Interrupt",
    11: "Cut in half",
    12: "Cancel",
    13: "To be determined",
}
"""The vendor's match statuses."""

UNKNOWN_STATUS = "Unknown Status"
"""What a status outside the vendor's table is called; its id is kept."""

HALF_TIME = 3
IN_PLAY = frozenset({2, 3, 4, 5, 6, 7})
"""The statuses of a match that is being played. Being in the live list does not mean in play:
the list also holds matches that ended up to two hours ago, are delayed or to be determined."""


def status_breakdown(statuses: Iterable[int]) -> list[str]:
    """How many matches have which status, ascending by id: `Status ID 3 (Half-time): 5 matches`."""
    counts = Counter(statuses)
    return [
        f"Status ID {status} ({STATUS_NAMES.get(status, UNKNOWN_STATUS)}): {count} matches"
        for status, count in sorted(counts.items())
    ]
