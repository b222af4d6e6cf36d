"""What docs/faults.md says is what the suite injects, and the checks name it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_assets.checks.report import Kind
from tests.detect import every
from tests.detect.fault import Fault
from tests.detect.faults import FAULTS, KEYS
from tests.detect.matrix import as_markdown
from tests.detect.night import nights
from tests.detect.runner import Runner, runner

DOCS = Path(__file__).parents[2] / "docs" / "faults.md"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with runner(tmp_path_factory.mktemp("detect")) as runs:
        yield runs


def named(name: str) -> Fault:
    [fault] = [fault for fault in FAULTS if fault.name == name]
    return fault


def test_docs_list_every_fault() -> None:
    for table in (as_markdown(FAULTS, KEYS), every.as_markdown()):
        assert table in DOCS.read_text(), "make detect ARGS=--docs prints it"


def test_every_kind_of_finding_names_a_fault() -> None:
    named = {named.kind for fault in FAULTS for named in fault.named}
    # Of what can be fetched again, which football cannot: tests/feeds/test_collect.py has both. Of
    # what goes by a calendar: tests/feeds/test_calendar.py.
    elsewhere = {Kind.SHRINKING_CONTENT, Kind.RETRY_CAP, Kind.INCOMPLETE, Kind.CONTRADICTED}
    assert named == set(Kind) - elsewhere


@pytest.mark.stack
def test_a_fault_is_named_and_nothing_fires_without_one(runs: Runner) -> None:
    well = runs.run(Fault("none", "merged", "nothing"))
    assert (well.fired, well.wrong) == ([], [])
    spoiled = runs.run(named("object deleted"))
    assert spoiled.wrong == []
    assert spoiled.is_named


@pytest.mark.stack
def test_each_kind_applies_to_an_asset_of_the_nba_and_is_named_there(tmp_path: Path) -> None:
    with nights(tmp_path) as runs:
        assert [runs.run(control).fired for control in every.CONTROLS] == [[], []]
        slots = {asset: slot.number for asset, (_, slot) in runs.before.items()}
        faults = every.faults_at_every_asset(runs.past.plan, runs.stored, slots, random.Random(7))
        assert {fault.name.rpartition(" (")[0] for fault in faults} == {*every.NAMES}
        assert [runs.run(fault).wrong for fault in faults[:3]] == [[], [], []]
