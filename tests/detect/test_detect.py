"""The suite itself: it would notice a miss, and what docs/faults.md says is what it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline_assets.checks.report import Kind
from pipeline_assets.plans import PLANS
from tests.chain import FEED
from tests.detect.drawn import drawn
from tests.detect.fault import Fault
from tests.detect.faults import FAULTS, KEYS
from tests.detect.matrix import as_markdown
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
    assert as_markdown(FAULTS, KEYS) in DOCS.read_text(), "make detect ARGS=--docs prints it"


def test_every_fault_has_a_name_of_its_own_and_an_asset() -> None:
    known = {asset.short_name for asset in PLANS[FEED].assets}
    assert {fault.asset for fault in FAULTS} <= known
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        ends = (fault.is_to_be_named, fault.is_made_good, bool(fault.missed_because))
        assert sum(ends) == 1, fault.name


def test_every_kind_of_finding_names_a_fault() -> None:
    assert {named.kind for fault in FAULTS for named in fault.named} == set(Kind)


def test_the_same_seed_draws_the_same() -> None:
    def names(seed: int) -> list[tuple[str, str]]:
        return [(fault.asset, fault.name) for fault in drawn(seed)]

    assert names(7) == names(7) != names(8)


def test_a_fault_is_named_and_nothing_fires_without_one(runs: Runner) -> None:
    well = runs.run(Fault("none", "merged", "nothing"))
    assert (well.fired, well.wrong) == ([], [])
    spoiled = runs.run(named("object deleted"))
    assert spoiled.wrong == []
    assert spoiled.is_named


def test_a_miss_is_a_miss(runs: Runner) -> None:
    """The finding that is asked for is not there, or it has another number, or others fire."""
    deleted = named("object deleted")
    [loss] = deleted.named
    quiet = runs.run(replace(deleted, inject=lambda stored: None))
    assert [line.partition(":")[0] for line in quiet.wrong] == ["not named"]
    fewer = runs.run(replace(deleted, named=(replace(loss, records=1),)))
    assert [line.partition(":")[0] for line in fewer.wrong] == ["not named"]
    other = runs.run(replace(deleted, asset="reference"))
    assert {line.partition(":")[0] for line in other.wrong} == {"not named", "fired elsewhere"}
