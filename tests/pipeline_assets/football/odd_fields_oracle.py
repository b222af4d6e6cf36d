"""What an odd field may cost a match, by the vendor's documented types and by what each field is
for: the answer that every stage is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline_assets.football.wire.codes import VAR_TYPE
from pipeline_assets.football.wire.live import SideFigures
from tests.pipeline_assets.football.examples import ENVIRONMENT
from tests.pipeline_assets.odd_json import JsonPath

Bodies = dict[str, Any]
"""What the vendor says of one match: `results` by endpoint, of the live list the match's entry."""

EMPTY = (None, [], {})
SIDES = {2: "home", 3: "away"}
FIGURES = SideFigures.__struct_fields__
TEAM_NAMES = {"home_team": "match_info.home_team", "away_team": "match_info.away_team"}
NAMES = ("match_info.home_team", "match_info.away_team", "match_info.competition")
ODDS = ("odds", "prematch_money_line")


@dataclass(frozen=True)
class Cost:
    """What a replaced field may cost: `shows` are the beginnings of what the display may have
    otherwise, `counted` how it must be counted, None where nobody may say a word."""

    shows: tuple[str, ...] = ()
    counted: str | None = None
    place: bool = False


def cost(body: str, path: JsonPath, new: Any, bodies: Bodies) -> Cost:
    """By the documented types and by what each field is for."""
    if body == "live":
        return _of_live(path, new, bodies["live"])
    if body == "odds":
        return _of_odds(path, new)
    if body == "detail":
        return _of_detail(path, new)
    if body == "country":
        [competition] = bodies["competition"]
        is_of_country = competition["country_id"] and "FIFA" not in competition["name"]
        return _of_country(path, new) if is_of_country else Cost()
    shows = (TEAM_NAMES.get(body, "match_info.competition_name"),)
    used = {"name": shows, "short_name": (), "logo": (), "country_id": (), "uid": ()}
    used["competition_id" if body in TEAM_NAMES else "category_id"] = ()
    return _of_record(body, path, new, used, lost=shows)


def _of_record(
    body: str, path: JsonPath, new: Any, used: dict[str, tuple[str, ...]], *, lost: tuple[str, ...]
) -> Cost:
    """Of an answer with one object, whose fields in `used` are texts."""
    if path == ():
        return Cost(lost, None if new in EMPTY else body)
    if path in ((0,), (0, "id")):
        return Cost(lost, body)
    name = str(path[1])
    if len(path) > 2 or name not in used:
        return Cost()
    return Cost(used[name], None if new is None or isinstance(new, str) else f"{body}.{name}")


def _of_detail(path: JsonPath, new: Any) -> Cost:
    lost = (*NAMES, "environment", "match_info.status_conflict")
    if path[:2] == (0, "environment"):
        if len(path) == 2:
            is_nothing = new in EMPTY
            return Cost(("environment",), None if is_nothing else "environment")
        if path[2] not in ENVIRONMENT:
            return Cost()
        is_read = new is None or (path[2] == "humidity" and isinstance(new, str))
        is_read |= path[2] == "weather" and type(new) is int
        return Cost((f"environment.{path[2]}",), None if is_read else f"environment.{path[2]}")
    whole_numbers = {"status_id": ("match_info.status_conflict",), "match_time": (), "neutral": ()}
    if len(path) == 2 and path[1] in whole_numbers:
        shows = whole_numbers[str(path[1])]
        return Cost(shows, None if new is None or type(new) is int else f"detail.{path[1]}")
    texts: dict[str, tuple[str, ...]] = {
        **dict.fromkeys(("season_id", "venue_id", "referee_id", "note"), ()),
        "home_team_id": ("match_info.home_team",),
        "away_team_id": ("match_info.away_team",),
        "competition_id": ("match_info.competition",),
    }
    return _of_record("detail", path, new, texts, lost=lost)


def _of_country(path: JsonPath, new: Any) -> Cost:
    if path == ():
        return Cost((), None if new in EMPTY else "country")
    if path in ((0,), (0, "id")):
        return Cost((), None if path != (0,) and isinstance(new, str) else "country")
    is_read = path[1] != "name" or new is None or isinstance(new, str)
    return Cost((), None if is_read else "country.name")


def _of_odds(path: JsonPath, new: Any) -> Cost:
    if path == ():
        return Cost(ODDS, None if new in EMPTY else "odds")
    if len(path) < 3:
        return Cost(ODDS, None if new in ([], {}) else "malformed_odds")
    if len(path) == 3:
        return Cost(ODDS, "bad_row")
    is_price = path[3] in (2, 3, 4)
    is_read = is_price and type(new) in (int, float)
    return Cost(ODDS, None if is_read else "bad_row") if path[3] < 8 else Cost()  # pyright: ignore


def _of_live(path: JsonPath, new: Any, entry: Any) -> Cost:
    if path in ((), ("id",), ("score",), ("score", 0), ("score", 1)):
        return Cost(place=True)
    match path:
        case ("score", 2 | 3 as at):
            side = SIDES[at]
            shows = (f"match_info.{side}_goals", "match_info.live_score", "corners")
            return Cost(shows, side)
        case ("score", 2 | 3 as at, int(index)) if index < len(FIGURES):
            side, figure = SIDES[at], FIGURES[index]
            if type(new) is int:
                return Cost()
            return Cost(_shown_figure(side, figure), f"{side}.{figure}")
        case ("score", 4):
            return Cost((), None if type(new) is int else "kick_off")
        case ("incidents",):
            return Cost(("incidents",), None if new in EMPTY else "match.incidents")
        case ("incidents", int()) | ("incidents", int(), "type"):
            return Cost(("incidents",), "incidents.type")
        case ("incidents", int(index), str(name)) if entry["incidents"][index]["type"] == VAR_TYPE:
            return _of_review(name, new)
        case _:
            return Cost(("incidents",) if path[0] == "incidents" else ())


def _shown_figure(side: str, figure: str) -> tuple[str, ...]:
    if figure == "corners":
        return f"corners.{side}", "corners.total"
    shown = {"score_regular": "goals", "score_halftime": "goals_ht"}.get(figure)
    return (f"match_info.{side}_{shown}", "match_info.live_score") if shown else ()


def _of_review(name: str, new: Any) -> Cost:
    if name in ("time", "position"):
        return Cost(("incidents",), None if type(new) is int else "malformed")
    if name in ("var_reason", "var_result"):
        is_read = new is None or type(new) is int
        return Cost(("incidents",), None if is_read else "malformed")
    is_read = new is None or isinstance(new, str)
    if name == "player_id":
        return Cost(("incidents",), None if is_read else "malformed")
    if name == "player_name":
        return Cost(("incidents",), None if is_read else "incidents.player_name")
    return Cost(("incidents",))
