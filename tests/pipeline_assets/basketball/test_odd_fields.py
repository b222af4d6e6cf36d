"""One odd field costs its record or its field, and is named: every field of every body, replaced by
a value of every other JSON type, one at a time.

The records beside it are as before. One that is set aside says which field it was, and one that is
kept differs in the columns that are made of that field. What nobody needs costs nothing.
TOUCHLINE_ODD_FIELDS=full tries every place, otherwise some are tried, the same ones each time.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from pipeline_assets.basketball.wire.player_rows import COUNTS
from tests.pipeline_assets.basketball.unrelated import KINDS, Kind
from tests.pipeline_assets.odd_json import FULL, JsonPath, odd_values, replaced

ONE_IN = 1 if FULL else 8
"""So many places to one that is tried."""
VICTIM, OTHERS = 1, (0, 2)
SILENT = "nobody says a word"

Columns = Mapping[str, tuple[str, ...]]
"""The columns that are made of a field, by its path without places in lists."""

ROW = "home_team.players", "visitor_team.players"
STATE = ("state", "state_reason", "game_state", "placeholder", "played", "row_hash")
"""Of a game that does not add up without a field; of all its rows too."""
COUNTED = (*STATE, "with_minutes_home", "with_minutes_visitor")
PRICES = ("over_price", "under_price", "home_price", "away_price", "is_alternate", "last_update")


def _of_sides(told: Mapping[str, tuple[str, ...]]) -> Columns:
    return {
        name.format(side=side): tuple(column.format(side=side, at=at) for column in columns)
        for side, at in (("home", "home"), ("visitor", "away"))
        for name, columns in told.items()
    }


GAME: Columns = {
    "id": ("game_id",),
    "date": ("game_date",),
    "datetime": ("scheduled_start", "expected_final_at"),
    "season": ("season",),
    "status": ("status", "scheduled_start"),
    "period": ("period",),
    "time": (),
    "postseason": ("postseason", "season_type"),
    "postponed": ("status",),
    "home_team": (),
    "visitor_team": (),
    **_of_sides(
        {
            "{side}_team.id": ("{side}_id", "{at}_id", "team_id", "opponent_id", "season_type"),
            "{side}_team.full_name": ("{side}_name", "{at}"),
            "{side}_team.abbreviation": ("{side}_abbreviation",),
            "{side}_team_score": ("{side}_score",),
            **{f"{{side}}_q{nth}": ("{side}_quarters",) for nth in (1, 2, 3, 4)},
            **{f"{{side}}_ot{nth}": ("{side}_overtimes",) for nth in (1, 2, 3)},
            "{side}_team.players": ("listed_{side}", "with_minutes_{side}"),
        }
    ),
}
PLAYER: Columns = {
    "id": ("player_id",),
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "position": ("position",),
}
BOX_ROW: Columns = {
    "min": ("minutes",),
    "player": (),
    **{f"player.{name}": columns for name, columns in PLAYER.items()},
    "player.jersey_number": ("jersey",),
    **{name: (name,) for name in (*COUNTS, "plus_minus", "fg_pct", "fg3_pct", "ft_pct")},
}
EVENT: Columns = {
    "id": ("event_id",),
    "commence_time": ("commence_time", "is_live"),
    "home_team": ("game_id",),
    "away_team": ("game_id",),
    "bookmakers": (),
    "bookmakers.key": ("bookmaker",),
    "bookmakers.last_update": ("last_update",),
    "bookmakers.markets": (),
    "bookmakers.markets.key": ("market",),
    "bookmakers.markets.last_update": ("last_update",),
    **dict.fromkeys(
        (
            "bookmakers.markets.outcomes",
            "bookmakers.markets.outcomes.name",
            "bookmakers.markets.outcomes.price",
        ),
        PRICES,
    ),
    "bookmakers.markets.outcomes.description": (*PRICES, "player_name"),
    "bookmakers.markets.outcomes.point": (*PRICES, "point"),
}
USED: Mapping[str, Columns] = {
    "calendar": GAME,
    "box_scores": {
        **{name: (*columns, *STATE) for name, columns in GAME.items()},
        **{
            f"{row}.{name}": (*columns, *COUNTED)
            for row in ROW
            for name, columns in BOX_ROW.items()
        },
    },
    "rosters": {
        **PLAYER,
        "jersey_number": ("jersey",),
        "team": ("team_id", "team_name", "team_abbreviation"),
        "team.id": ("team_id",),
        "team.full_name": ("team_name",),
        "team.abbreviation": ("team_abbreviation",),
    },
    "injuries": {
        "player": (),
        **{f"player.{name}": columns for name, columns in PLAYER.items()},
        "player.team_id": ("team_id",),
        **{name: (name,) for name in ("status", "return_date", "description")},
    },
    "game_lines": EVENT,
    "player_props": EVENT,
}
LISTS = {"players": "player row", "bookmakers": "bookmaker", "markets": "market"}
"""What an element of a list is called; of outcomes, `outcome`."""


@dataclass(frozen=True)
class Made:
    """Of one record: by key, what was made of it; and what was said of what was not."""

    records: Mapping[str, Mapping[str, Any]]
    said: list[str]


def made_of(kind: Kind, record: Any) -> dict[str, Made]:
    """By stage, where this record stands between two others, which have to be as ever."""
    found: dict[str, Made] = {}
    for stage, staged in kind.made(kind.fetched([kind.records[0], record, kind.records[2]])):
        others = kind.of(staged.records, OTHERS)
        assert others == _others(kind, stage.name), "it costs others something"
        said = [f"{each.key}: {each.detail}" for each in staged.findings]
        said += [each.detail for each in staged.quarantined]
        ours = [each for each in staged.records if each not in others]
        found[stage.name] = Made({stage.key(each): _plain(each) for each in ours}, said)
    return found


@functools.cache
def _others(kind: Kind, stage: str) -> list[Any]:
    made = {each.name: staged for each, staged in kind.made(kind.fetched(kind.records))}
    return kind.of(made[stage].records, OTHERS)


def _plain(record: Any) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(record))


# --- what a field may cost -----------------------------------------------------------------------


def problems(kind: Kind, one_in: int) -> Iterator[str]:
    record = kind.records[VICTIM]
    before = made_of(kind, record)
    for path, new, where in odd_values(record, kind.name, one_in):
        after = made_of(kind, replaced(record, path, new))
        is_named = any(_names(path, text) for made in after.values() for text in made.said)
        for stage in before:
            for wrong in compared(kind, path, new, before[stage], after[stage]):
                if not (wrong.startswith(SILENT) and is_named):
                    yield f"{stage}, {where}: {wrong}"


def compared(kind: Kind, path: JsonPath, new: Any, before: Made, after: Made) -> Iterator[str]:
    """Yield what is wrong; what begins with SILENT is right where something names the field."""
    used = USED[kind.name].get(".".join(each for each in path if isinstance(each, str)))
    kept = before.records.keys() & after.records.keys()
    differ = {
        (column, _text(after.records[key][column]))
        for key in kept
        for column, value in before.records[key].items()
        if after.records[key][column] != value
    }
    if path and used is None and after != before:
        yield f"{SILENT} of what nobody needs, and something is otherwise"
    if path and (wrong := {column for column, _ in differ} - {*(used or ())}):
        yield f"these columns are not made of it: {wrong}"
    is_told = new in (None, []) or any(_text(new) in text for _, text in differ)
    if not _may_be(path, new) and (before.records.keys() > kept or (differ and not is_told)):
        yield f"{SILENT}, and this is otherwise: {before.records.keys() - kept}, {differ}"


def _text(value: Any) -> str:
    """Of a number, whatever it is written as."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _names(path: JsonPath, text: str) -> bool:
    """Whether a text says what it was: a field by its name, an element of a list by what it is."""
    if not path:
        return True
    name = path[-1] if isinstance(path[-1], str) else LISTS.get(str(path[-2]), "outcome")
    return name in text


MAY_BE: Mapping[str, tuple[Any, ...]] = {
    "id": (None, "odd"),
    "status": (None,),
    "players": (None, []),
    "bookmakers": (None, []),
    "markets": ([],),
    "outcomes": ([],),
    "description": (None,),
    "point": (None, 7),
    "min": (None, 7, 1.5),
    **dict.fromkeys((f"{side}_ot{nth}" for side in ("home", "visitor") for nth in (1, 2, 3)), (7,)),
}
"""What is no mistake where a record is known by the field, or counts by it."""


def _may_be(path: JsonPath, new: Any) -> bool:
    values = MAY_BE.get(str(path[-1]), ()) if path else ()
    return any(type(new) is type(each) and new == each for each in values)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_odd_field_costs_its_record_or_its_field_and_is_named(kind: Kind) -> None:
    assert list(problems(kind, ONE_IN)) == []
