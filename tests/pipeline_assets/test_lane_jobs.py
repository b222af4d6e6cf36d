"""The jobs of rotation, seal, inbox and housekeeping, run by Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipeline_assets.jobs import (
    INBOX_JOBS,
    ROTATION_JOBS,
    SEAL_JOBS,
    housekeeping_job,
    inbox_job,
    seal_job,
)
from resources.site import Site
from tests.chain import FEED, RAW, Chain
from tests.days.minute_runs import SILENT
from tests.pipeline_assets.in_dagster import resources_of
from tests.pipeline_assets.test_inbox import Drop, fetched
from tests.slots import asset_keys
from touchline.accounting import RunKind, RunState
from touchline.day import ONE_MINUTE

HEADS = "football/heads"


def run(chain: Chain, job: dg.JobDefinition, passed: int, *, ok: bool = True) -> set[str]:
    """Run it so many minutes after the chain's first; the keys that are new."""

    before = chain.objects().keys()
    chain.clock.set(chain.start.utc + passed * ONE_MINUTE)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            resources=resources_of(chain), instance=instance, raise_on_error=False
        )
        assert result.success is ok
        assert result.dagster_run.tags["touchline/lane"] in ("rotation", "seal", "inbox")
    return chain.objects().keys() - before


@pytest.fixture
def ended(chain: Chain) -> Chain:
    chain.minutes(3)
    chain.unwatch(3)
    return chain


def test_a_rotation_stores_windows_and_a_seal_the_day(ended: Chain) -> None:
    made = run(ended, ROTATION_JOBS[FEED], 11)
    assert {key.rpartition("/")[2].partition(".")[0] for key in made} == {"00721-00730"}
    made = run(ended, seal_job(ended.plan), 24 * 60)
    assert f"logs/football/all_api/all_api_json_log_{ended.day}.json.zst" in made
    assert any(key.startswith("lake/football/heads/") for key in made)
    assert run(ended, seal_job(ended.plan), 25 * 60) == set(), "no news"


def test_a_day_that_cannot_be_sealed_is_a_run_that_failed(ended: Chain) -> None:
    ended.delete(HEADS, 0)
    run(ended, seal_job(ended.plan), 24 * 60, ok=False)
    with ended.process() as site:
        assert site.ledger.seal(RAW, ended.day) is not None
        assert site.ledger.seal(HEADS, ended.day) is None


def test_a_capture_from_the_inbox_goes_into_its_minute(ended: Chain) -> None:
    Drop(ended, ended.start).leave("a capture", fetched(ended.start.later(5)).data)
    made = run(ended, inbox_job(ended.plan), 60)
    assert asset_keys(RAW).single(ended.day, ended.number + 5) in made
    assert asset_keys(HEADS).single(ended.day, ended.number + 5) in made
    assert run(ended, inbox_job(ended.plan), 60) == set()


def test_what_is_set_aside_makes_the_run_red(ended: Chain) -> None:
    Drop(ended, ended.start).leave("nothing of ours", b"{}")
    assert run(ended, inbox_job(ended.plan), 60, ok=False) == set()
    assert run(ended, inbox_job(ended.plan), 60) == set(), "said once"


def test_each_feed_has_them(ended: Chain) -> None:
    assert ROTATION_JOBS.keys() == SEAL_JOBS.keys() == INBOX_JOBS.keys() == {FEED}


def test_a_housekeeping_removes_what_the_one_before_it_has_left(
    chain: Chain, tmp_path: Path
) -> None:
    @dg.resource
    def site(context: dg.InitResourceContext) -> Iterator[Site]:
        assert context.run
        with chain.process() as opened, opened.run(context.run.run_id, RunKind.HOUSEKEEPING):
            yield opened

    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=SILENT) as instance:
        for hours in (0, 3):
            # Dagster stamps its runs with the machine's time.
            chain.clock.set(datetime.now(UTC) + timedelta(hours=hours))
            result = housekeeping_job.execute_in_process(
                resources={"site": site}, instance=instance
            )
            assert result.success
            assert result.dagster_run.tags["touchline/lane"] == "housekeeping"
        assert [run.run_id for run in instance.get_runs()] == [result.run_id]
    with chain.process() as opened:
        said = opened.ledger.run(result.run_id)
    assert said is not None
    assert (said.kind, said.state) == ("housekeeping", RunState.SUCCESS)
