"""`touchline.load`: a day in a notebook, in every form."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import touchline
from pipeline_assets.football.merged_match import MergedMatch
from pipeline_assets.load import UnknownAsset
from pipeline_assets.plans import PLANS
from pipeline_assets.rotation import rotate
from pipeline_assets.sealing import seal_day
from resources.selection import Selection
from resources.site import Site
from tests.operations.conftest import FEED, START, RunDay, RunMinutes
from touchline.clock import VirtualClock
from touchline.errors import NothingThere
from touchline.fetch import Envelope

DAY = "2025-05-28"


@pytest.fixture
def there(run_day: RunDay, monkeypatch: pytest.MonkeyPatch) -> RunDay:
    for name, value in run_day.environment.items():
        monkeypatch.setenv(name, value)
    return run_day


def test_every_form_holds_the_same_rows(there: RunDay) -> None:
    frame = touchline.load("football/merged", DAY)
    table = touchline.load("merged", there.day, as_="arrow")
    relation = touchline.load("merged", DAY, as_="duckdb")
    records = touchline.load("merged", DAY, as_="records")
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(table, pa.Table)
    assert all(isinstance(record, MergedMatch) for record in records)
    ids = [record.match_id for record in records]
    assert len(ids) == 11
    assert list(frame["match_id"]) == ids
    assert table.column("match_id").to_pylist() == ids
    assert [row[0] for row in relation.project("match_id").fetchall()] == ids
    assert set(frame["fetch_number"]) == set(there.numbers)


def test_raw_fetches_are_envelopes(there: RunDay) -> None:
    envelopes = touchline.load("raw_fetches", DAY, as_="records")
    assert all(isinstance(envelope, Envelope) for envelope in envelopes)
    assert [envelope.ref.number for envelope in envelopes] == there.numbers
    with pytest.raises(UnknownAsset, match="as_='records'"):
        touchline.load("raw_fetches", DAY)


# --- some of it ----------------------------------------------------------------------------------

NEXT = "2025-05-29"


@pytest.fixture(scope="module")
def two_days(run_minutes: RunMinutes) -> RunDay:
    """A sealed day of two fetches, and one of which a window stands and a fetch after it."""
    day = run_minutes(3, [[], []])
    midnight = day.day.length - START.number + 1
    for passed in (*range(midnight, midnight + 10), midnight + 12):
        day.land(passed)
    clock = VirtualClock(START.later(midnight + 40).utc)
    with closing(Site.open(day.settings, PLANS, day.access, clock=clock)) as site:
        assert seal_day(site, FEED, day.day, run_id="seal").waiting == []
        rotate(site, FEED, [day.day.shifted(1)])
        assert site.days(FEED).index("football/odds_changes", day.day.shifted(1)).windows
    return day


@pytest.fixture
def both(two_days: RunDay, monkeypatch: pytest.MonkeyPatch) -> RunDay:
    for name, value in two_days.environment.items():
        monkeypatch.setenv(name, value)
    return two_days


@pytest.mark.stack
def test_a_range_has_the_rows_of_its_days_with_their_dates(both: RunDay) -> None:
    first, second = (touchline.load("odds_changes", day, as_="arrow") for day in (DAY, NEXT))
    every = touchline.load("odds_changes", (DAY, date(2025, 5, 31)), as_="arrow")
    assert every.column_names == ["date", *first.column_names]
    assert every.drop_columns("date").to_pylist() == first.to_pylist() + second.to_pylist()
    assert {str(each) for each in every["date"].to_pylist()} == {DAY, NEXT}
    assert touchline.load("odds_changes", (both.day, both.day), as_="arrow").num_rows == len(first)
    records = touchline.load("merged", ("2025-05-20", DAY), as_="records")
    assert records == touchline.load("merged", DAY, as_="records")


@pytest.mark.parametrize("asset", ["odds_changes", "monitor_central", "merged"])
def test_columns_and_a_match_are_those_of_everything(both: RunDay, asset: str) -> None:
    """In a sealed day, a window and a fetch object; also where a struct holds the match's id."""
    for day in (DAY, NEXT):
        every = touchline.load(asset, day, as_="arrow")
        if asset == "monitor_central":
            ids = [info["match_id"] for info in every["match_info"].to_pylist()]
        else:
            ids = every["match_id"].to_pylist()
        names = [every.column_names[-1], "fetch_id", every.column_names[3]]
        for match in {*ids}:
            of_match = touchline.load(asset, day, as_="arrow", columns=names, subject=match)
            assert of_match.column_names == names
            rows = zip(ids, every.select(names).to_pylist(), strict=True)
            assert of_match.to_pylist() == [row for of, row in rows if of == match]
    dated = touchline.load(asset, DAY, columns=["date"])
    assert set(map(str, dated["date"])) == {DAY}


def test_columns_come_from_anything_that_can_be_gone_through(both: RunDay) -> None:
    every = touchline.load("odds_changes", DAY)
    for columns in (every.columns[3:5], (name for name in every.columns[3:5])):
        assert touchline.load("odds_changes", DAY, columns=columns).equals(every.iloc[:, 3:5])


def test_a_match_that_never_played_is_an_empty_frame_with_its_columns(both: RunDay) -> None:
    none = touchline.load("odds_changes", (DAY, NEXT), columns=["v2", "date"], subject="nobody")
    assert (list(none.columns), len(none)) == (["v2", "date"], 0)


def test_of_other_matches_row_groups_one_column_is_read(both: RunDay) -> None:
    file = io.BytesIO()
    table = pa.table({"match_id": ["a", "a", "b", "b"], "v": [1, 2, 3, 4]})
    pq.write_table(table, file, row_group_size=2)
    wanted = Selection(frozenset({"v"}), "b", ("match_id",))
    assert wanted.groups(pq.ParquetFile(file)) == [1]
    assert wanted.to_read(wanted.names(table.column_names)) == ["v", "match_id"]
    assert wanted.of(table).to_pydict() == {"v": [3, 4]}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ["v2", "v9"]}, r"odds_changes has no column v9; it has: fetch_number, .*v2"),
        ({"columns": ["v2", "v3", "v2"]}, "v2 more than once"),
        ({"subject": 7}, "subject=7 is no id"),
        ({"columns": "v2"}, r"write columns=\['v2'\]"),
        ({"columns": ["v2"], "as_": "records"}, "records"),
        ({"day": (NEXT, DAY)}, f"ends on {DAY}, before it begins on {NEXT}"),
        ({"day": (DAY,)}, "its first and its last"),
        ({"day": (DAY, "soon")}, "'soon' is not a day"),
        ({"day": datetime(2025, 5, 28)}, "is a time and not a day"),  # noqa: DTZ001
        ({"day": 20250528}, "is not a day"),
        ({"asset": "nothing"}, "football/odds_changes"),
        ({"day": "yesterday"}, "is not a day"),
        ({"as_": "polars"}, "pandas, arrow, duckdb, records"),
        ({"asset": "reference", "subject": "x"}, "those that have one are: football/merged"),
        ({"asset": "raw_fetches", "subject": "x", "as_": "records"}, "whole fetches"),
    ],
)
def test_what_makes_no_sense_is_told(both: RunDay, asked: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, UnknownAsset), match=said):
        touchline.load(**{"asset": "odds_changes", "day": DAY, **asked})


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2025-05-27", "another prefix"),
        (("2025-06-01", "2025-06-03"), "on 2025-06-01 to 2025-06-03"),
    ],
)
def test_days_that_never_landed_are_told_and_no_empty_frame(
    both: RunDay, day: Any, said: str
) -> None:
    with pytest.raises(NothingThere, match=said):
        touchline.load("merged", day)


@pytest.mark.stack
def test_a_notebook_needs_no_instance_of_dagster_and_ends_well(served_day: RunDay) -> None:
    script = (
        "import touchline, sys\n"
        "assert 'pandas' not in sys.modules and 'dagster' not in sys.modules\n"
        f"for form in ('pandas', 'arrow', 'duckdb', 'records'):\n"
        f"    print(len(touchline.load('odds_changes', {DAY!r}, as_=form)) > 0)\n"
        "assert 'dagster._core.instance.DagsterInstance' not in sys.modules\n"
    )
    environment = {**os.environ, **served_day.environment}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True"] * 4), done.stderr
