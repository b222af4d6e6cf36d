"""`touchline.load`: a day in a notebook, in every form."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pytest

import touchline
from operations.opened import NothingThere
from pipeline_assets.football.merged_match import MergedMatch
from pipeline_assets.load import UnknownAsset
from tests.operations.conftest import RunDay
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


def test_a_day_that_never_landed_is_told_and_is_no_empty_frame(there: RunDay) -> None:
    with pytest.raises(NothingThere, match="another prefix"):
        touchline.load("merged", "2025-05-27")


def test_what_does_not_exist_is_told(there: RunDay) -> None:
    with pytest.raises(UnknownAsset, match="football/odds_changes"):
        touchline.load("nothing", DAY)
    with pytest.raises(ValueError, match="is not a day"):
        touchline.load("merged", "yesterday")
    with pytest.raises(ValueError, match="pandas, arrow, duckdb, records"):
        touchline.load("merged", DAY, as_="polars")  # pyright: ignore[reportArgumentType]


def test_a_notebook_needs_no_instance_of_dagster_and_ends_well(there: RunDay) -> None:
    script = (
        "import touchline, sys\n"
        "assert 'pandas' not in sys.modules and 'dagster' not in sys.modules\n"
        f"for form in ('pandas', 'arrow', 'duckdb', 'records'):\n"
        f"    print(len(touchline.load('odds_changes', {DAY!r}, as_=form)) > 0)\n"
        "assert 'dagster._core.instance.DagsterInstance' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["True"] * 4), done.stderr
