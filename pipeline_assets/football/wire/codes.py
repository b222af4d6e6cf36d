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

NOT_STARTED = 1
HALF_TIME = 3
ENDED = 8
DELAY = 9
CUT_IN_HALF = 11
CANCELED = 12
TO_BE_DETERMINED = 13
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


MARKETS = {
    "asia": "Asian handicap",
    "eu": "match winner",
    "bs": "goals over/under",
    "cr": "corners over/under",
}
"""The vendor's market keys."""

COMPANIES = {
    "2": "bet365",
    "3": "Crown",
    "4": "10BET",
    "5": "Ladbrokes",
    "6": "Mansion88",
    "7": "Macauslot",
    "8": "SNAI",
    "9": "William Hill",
    "10": "Easybets",
    "11": "Vcbet",
    "12": "EuroBet",
    "13": "Interwetten",
    "14": "12bet",
    "15": "Sbobet",
    "16": "Wewbet",
    "17": "18Bet",
    "18": "Fun88",
    "21": "188bet",
    "22": "Pinnacle",
    "136": "HKJC",
}
"""Companies by id; ids are the keys of the odds object and so strings."""

VAR_TYPE = 28
"""The incident type of a VAR review."""

EVENT_TYPES = {
    1: "goal",
    2: "corner",
    3: "yellow card",
    4: "red card",
    5: "offside",
    6: "free kick",
    7: "goal kick",
    8: "penalty",
    9: "substitution",
    10: "start",
    11: "midfield",
    12: "end",
    13: "half-time score",
    15: "card upgrade confirmed",
    16: "penalty missed",
    17: "own goal",
    19: "injury time",
    21: "shots on target",
    22: "shots off target",
    23: "attacks",
    24: "dangerous attacks",
    25: "possession",
    26: "overtime over",
    27: "penalty kicks ended",
    VAR_TYPE: "VAR",
    29: "shoot-out penalty scored",
    30: "shoot-out penalty missed",
    34: "shot on post",
    37: "blocked shots",
    38: "hydration break",
}
"""Types of incidents and statistics, which share one table."""

VAR_REASONS = {
    0: "other",
    1: "goal awarded",
    2: "goal not awarded",
    3: "penalty awarded",
    4: "penalty not awarded",
    5: "red card given",
    6: "card upgrade",
    7: "mistaken identity",
    8: "corner awarded",
    9: "corner not awarded",
}

VAR_RESULTS = {
    0: "unknown",
    1: "goal confirmed",
    2: "goal canceled",
    3: "penalty confirmed",
    4: "penalty canceled",
    5: "red card confirmed",
    6: "red card canceled",
    7: "card upgrade confirmed",
    8: "card upgrade canceled",
    9: "original decision",
    10: "original decision changed",
    11: "corner confirmed",
    12: "corner canceled",
}

CARD_REASONS = {
    0: "unknown",
    1: "foul",
    2: "professional foul",
    3: "encroachment or injury substitution",
    4: "tactical foul or tactical substitution",
    5: "reckless",
    6: "off the ball",
    7: "persistent",
    8: "persistent",
    9: "violent",
    10: "dangerous play",
    11: "handball",
    12: "serious foul",
    13: "last man",
    14: "denied chance",
    15: "time wasting",
    16: "video sync",
    17: "rescinded card",
    18: "argument",
    19: "dissent",
    20: "abusive language",
    21: "celebration",
    22: "not retreating",
    23: "fight",
    24: "extra flag",
    25: "on bench",
    26: "after match",
    27: "other",
    28: "unallowed entry",
    29: "entering",
    30: "leaving",
    31: "unsporting",
    32: "not visible",
    33: "dive",
    34: "review signal",
    35: "review area",
    36: "spitting",
    37: "viral",
}
"""Why a card was shown or a player substituted."""

WEATHER = {
    1: "Partially cloudy",
    2: "Cloudy",
    3: "Partially cloudy/rain",
    4: "Snow",
    5: "Sunny",
    6: "Overcast rain/partial thunderstorm",
    7: "Overcast",
    8: "Mist",
    9: "Overcast with rain",
    10: "Cloudy with rain",
    11: "Cloudy with rain/partial thunderstorms",
    12: "Clouds/rains and thunderstorms locally",
    13: "Fog",
}
"""The vendor's own weather codes; a guessed table once called snow light rain."""

SIDES = {0: "neutral", 1: "home", 2: "away"}
"""Whom an incident belongs to, by its `position`."""


def status_name(status: int) -> str:
    return STATUS_NAMES.get(status, UNKNOWN_STATUS)


def company_name(company_id: str) -> str:
    return COMPANIES.get(company_id, f"Company {company_id}")


def var_reason_text(code: int | None) -> str:
    return "unknown" if code is None else VAR_REASONS.get(code, f"Unknown reason ({code})")


def var_result_text(code: int | None) -> str:
    return "unknown" if code is None else VAR_RESULTS.get(code, f"Unknown result ({code})")
