"""docs/lines.md: its examples run as they are written, and its columns are those of the table."""

from __future__ import annotations

import re
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec import structs

import touchline
from pipeline_assets.football.board.lines import LineBook
from pipeline_assets.football.odds_change import OddsChange
from tests.operations.conftest import FEED, RunDay, RunMinutes
from tests.pipeline_assets.football.board.boards import at_minute, land_by_hand
from touchline.fetch import FetchRef

pytestmark = pytest.mark.stack

DOCS = Path(__file__).parents[2] / "docs" / "lines.md"
TEXT = DOCS.read_text()
MATCH = "goxj9xdvb40ey0m"


@pytest.fixture(scope="module")
def replayed(run_minutes: RunMinutes) -> RunDay:
    return run_minutes(6, [[], []])


@pytest.fixture
def there(replayed: RunDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDay:
    """The replay that the page begins with, in a folder of its own."""
    day = replayed.copy(tmp_path / "home")
    for name, value in day.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return day


def drawn_by(example: str) -> tuple[dict[str, list[Any]], str]:
    """The moves that an example finds, and the picture that it leaves."""
    picture, pandas, duckdb = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(picture + {"pandas": pandas, "duckdb": duckdb}[example], names)
    moves = {name: [tuple(move) for move in line] for name, line in names["moves"].items()}
    return moves, Path("lines.svg").read_text()


def test_the_examples_draw_what_the_board_knows_before_and_after_the_seal(there: RunDay) -> None:
    moves, svg = drawn_by("pandas")
    assert (moves, svg) == drawn_by("duckdb")
    paths = [e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("path")]
    assert len(paths) == len(moves) == 2
    assert paths[0].attrib["d"].count("M") > 1, "a gap where betting was suspended"

    fetch = FetchRef(FEED, there.day.minute(there.numbers[-1]), "unused")
    with closing(there.site()) as site:
        markets = LineBook(site).markets(MATCH, "2", fetch)
    [total] = [market for market in markets if market.title == "O/U"]
    *_, (_, line, closed) = moves["goal line"]
    assert not closed
    assert total.quote.line == line

    there.seal()
    for example in ("pandas", "duckdb"):
        Path("lines.svg").unlink()
        assert drawn_by(example) == (moves, svg)


def test_the_examples_leave_out_what_was_taken_back(there: RunDay) -> None:
    moves, _ = drawn_by("pandas")
    quotes = touchline.load("football/odds_changes", there.day, as_="records")
    newest = max(
        (q for q in quotes if (q.match_id, q.company_id, q.market) == (MATCH, "2", "bs")),
        key=lambda quote: (quote.change_time, quote.k),
    )
    with at_minute(there, 1) as (site, ref):
        later = {"fetch_number": ref.number, "fetch_id": ref.fetch_id}
        taken_back = structs.replace(newest, withdrawn=True, **later)
        instead = structs.replace(newest, v3=Decimal("9.75"), **later)
        stage = site.stages["football/odds_changes"]
        land_by_hand(site, stage, ref, [taken_back, instead])
    before = moves["goal line"]
    after = [*before[:-1], (newest.change_time, "9.75", newest.closed)]
    for example in ("pandas", "duckdb"):
        assert drawn_by(example)[0]["goal line"] == after

    with at_minute(there, 2) as (site, ref):
        gone = structs.replace(
            instead, withdrawn=True, fetch_number=ref.number, fetch_id=ref.fetch_id
        )
        land_by_hand(site, stage, ref, [gone])
    for example in ("pandas", "duckdb"):
        assert drawn_by(example)[0]["goal line"] == before[:-1]


def test_every_column_is_explained(there: RunDay) -> None:
    table = TEXT.partition("## Columns")[2].partition("| market | `v2`")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)))
    assert named == list(OddsChange.__struct_fields__)
    assert named == list(touchline.load("football/odds_changes", "2025-05-28").columns)
