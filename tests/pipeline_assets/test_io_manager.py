"""What Dagster shows of a step, and one asset of a past day made again from Dagster."""

from __future__ import annotations

import dagster as dg

from pipeline_assets.assets import assets_of
from pipeline_assets.io_manager import metadata_of
from pipeline_assets.run import Failure, StepReport
from resources.day_store import Landing
from tests.chain import Chain, all_ok
from tests.pipeline_assets.in_dagster import resources_of
from tests.pipeline_assets.small_plan import fails, small_plan
from touchline.accounting import Account
from touchline.day import FetchNumber
from touchline.plan import FeedPlan

HEADS = "football/heads"
A_DAY = 24 * 60


def materialize(
    chain: Chain, asset: str, plan: FeedPlan, dagster: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    """As somebody does who chooses one asset and one day in the UI, or a backfill of it."""

    chain.at(chain.start.later(A_DAY))
    chain.vendor.log.clear()
    return dg.materialize(
        assets_of(plan),
        selection=[dg.AssetKey(asset.split("/"))],
        resources=resources_of(chain, plan),
        partition_key=str(chain.day),
        instance=dagster,
    )


def test_one_asset_of_a_past_day_is_made_again_and_nothing_else(
    chain: Chain, dagster: dg.DagsterInstance
) -> None:
    chain.minutes(2)
    before = chain.objects()
    chain.unwatch(2)
    chain.delete(HEADS, 0)

    result = materialize(chain, HEADS, chain.plan, dagster)

    [made] = result.get_asset_materialization_events()
    materialization = made.materialization
    assert materialization.asset_key == dg.AssetKey(["football", "heads"])
    assert materialization.partition == str(chain.day)
    assert materialization.metadata["fetches_added"].value == 1
    assert materialization.metadata["dagster/partition_row_count"].value == 6, "of the whole day"
    assert chain.objects() == before
    assert chain.vendor.log.since(0)[0] == []
    assert all_ok(chain.checks())


def test_a_rebuild_that_fails_is_a_green_run_that_says_so(
    chain: Chain, dagster: dg.DagsterInstance
) -> None:
    chain.minute(0)
    before = chain.objects()
    result = materialize(chain, HEADS, small_plan(heads=fails), dagster)
    assert result.success
    [made] = result.get_asset_materialization_events()
    failures = made.materialization.metadata["failures"].value
    assert isinstance(failures, dict)
    assert "a mistake in this stage" in str(failures[str(chain.number)])
    assert chain.objects() == before


def test_the_numbers_of_a_step_can_be_plotted() -> None:
    report = StepReport(
        HEADS,
        landed={
            FetchNumber(7): Landing.LANDED,
            FetchNumber(8): Landing.ALREADY_THERE,
            FetchNumber(9): Landing.REPLACED,
            FetchNumber(10): Landing.CONFLICT,
        },
        account=Account(10, 5, {"goals": 2, "line_low": 1}, {"bad_score": 2}),
        seconds=1.23456,
    )
    metadata = metadata_of(report)
    numbers = {name: value for name, value in metadata.items() if isinstance(value, int | float)}
    assert numbers == {
        "fetches_added": 2,
        "received": 10,
        "emitted": 5,
        "dropped": 3,
        "quarantined": 2,
        "seconds": 1.235,
    }
    assert metadata["reasons"].value == {
        "dropped": {"goals": 2, "line_low": 1},
        "quarantined": {"bad_score": 2},
    }


def test_what_went_wrong_is_told_and_what_did_not_is_not() -> None:
    failures = [Failure(FetchNumber(7), "no room"), Failure(None, "all of it")]
    report = StepReport(HEADS, failures=failures, findings=["odd", "odder"])
    metadata = metadata_of(report)
    assert metadata["failures"].value == {"7": "no room", "step": "all of it"}
    assert metadata["findings"].value == "- odd\n- odder"
    assert set(metadata_of(StepReport(HEADS))).isdisjoint({"failures", "findings", "reasons"})
