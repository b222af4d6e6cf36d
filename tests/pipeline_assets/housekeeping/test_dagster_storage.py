"""What a housekeeping leaves of runs in Dagster's storage, SQLite's and PostgreSQL's, and what it
does not touch."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import SensorInstigatorData
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from sqlalchemy import create_engine, text

from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.housekeeping.dagster_storage import DagsterStorage, compact
from pipeline_assets.housekeeping.runs import Why
from pipeline_assets.housekeeping.work import Plan, plan_of, tidy
from resources.ledger import Ledger
from resources.settings import Settings
from tests.days.minute_runs import (
    CHECK_ALERTS,
    SILENT,
    Records,
    sensor_state,
    skipped_tick,
    ticked,
)

pytestmark = pytest.mark.stack

DAY = "2025-05-28"
LATER = timedelta(hours=2, minutes=1)
SETTINGS = Settings(keep_run_hours=2)


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2025-01-01"))
def heads(context: dg.AssetExecutionContext) -> None:
    if "fails" in context.run.tags:
        raise RuntimeError("on purpose")


@dg.asset_check(asset=heads)
def fine(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed="bad" not in context.run.tags)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


@pytest.fixture
def instance(records: Records) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(records.home), overrides=SILENT) as instance:
        yield instance


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "")) as ledger:
        ledger.migrate()
        yield ledger


def ran(instance: dg.DagsterInstance, *tags: str, day: str = DAY) -> str:
    """The id of a run that does as its tags say."""
    done = dg.materialize(
        [heads, fine],
        instance=instance,
        partition_key=day,
        tags=dict.fromkeys(tags, ""),
        raise_on_error=False,
    )
    assert done.success is ("fails" not in tags)
    return done.run_id


def left(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


KeptHouse = Callable[..., Plan]


@pytest.fixture
def kept_house(instance: dg.DagsterInstance, ledger: Ledger) -> KeptHouse:
    """A housekeeping of its own, so long after now, and what it planned."""

    def keep(later: timedelta = LATER) -> Plan:
        now = datetime.now(UTC) + later
        plan = plan_of(instance, ledger, SETTINGS, now)
        assert tidy(instance, ledger, plan, now).findings == []
        return plan

    return keep


def newest_record(instance: dg.DagsterInstance) -> int:
    newest = instance.event_log_storage.get_maximum_record_id()
    assert newest
    return newest


def test_only_the_newest_of_each_partition_stays(
    instance: dg.DagsterInstance, records: Records, kept_house: KeptHouse
) -> None:
    first, newest = ran(instance), ran(instance)
    other = ran(instance, day="2025-05-29")
    assert kept_house(timedelta()).gone == [], "all are new"

    assert kept_house().gone == [first]

    assert left(instance) == {newest, other}
    assert records.shard(newest).exists()
    assert not records.shard(first).exists()
    assert not records.logs(first).exists()
    with closing(sqlite3.connect(records.index)) as index:
        for table in ("event_logs", "asset_check_executions"):
            rows = index.execute(f"SELECT DISTINCT run_id FROM {table}")
            assert {run for (run,) in rows} == {newest, other}
        of_gone = "SELECT count(*) FROM asset_event_tags WHERE event_id NOT IN "
        (count,) = index.execute(f"{of_gone} (SELECT id FROM event_logs)").fetchone()
        assert count == 0
    assert kept_house().gone == []


def test_what_nobody_was_told_of_stays_until_it_was_read(
    instance: dg.DagsterInstance, records: Records, kept_house: KeptHouse
) -> None:
    read = ran(instance)
    cursor, at = newest_record(instance), [datetime.now(UTC)]
    unread, newest = ran(instance), ran(instance)
    ticked(instance, records, CHECK_ALERTS, str(cursor), at)
    assert kept_house().kept == {Why.SHOWN: 1, Why.UNREAD: 1}
    assert left(instance) == {unread, newest}
    assert read not in left(instance)

    [state] = instance.all_instigator_state()
    told = SensorInstigatorData(at[0].timestamp(), cursor=str(newest_record(instance)))
    instance.update_instigator_state(state.with_data(told))
    kept_house()
    assert left(instance) == {newest}


def test_what_has_troubles_stays_longer(
    instance: dg.DagsterInstance, kept_house: KeptHouse
) -> None:
    failed, found_bad = ran(instance, "fails"), ran(instance, "bad")
    dull, newest = ran(instance), ran(instance)
    assert kept_house().gone == [dull]
    assert left(instance) == {failed, found_bad, newest}


def test_a_partition_that_failed_last_shows_both_what_failed_and_what_was_made(
    instance: dg.DagsterInstance, kept_house: KeptHouse
) -> None:
    made, failed = ran(instance), ran(instance, "fails")
    kept_house(timedelta(days=30))
    assert left(instance) == {made, failed}
    succeeded = {AssetCheckExecutionRecordStatus.SUCCEEDED}
    [said] = instance.event_log_storage.get_asset_check_execution_history(
        fine.check_key, limit=9, status=succeeded
    )
    assert said.run_id == made


def test_files_of_runs_that_were_deleted_go(
    instance: dg.DagsterInstance, records: Records, kept_house: KeptHouse
) -> None:
    deleted, newest = ran(instance), ran(instance)
    instance.delete_run(deleted)
    assert records.shard(deleted).exists(), "Dagster leaves them"
    assert kept_house().left_behind == [deleted]
    assert not records.shard(deleted).exists()
    assert not records.logs(deleted).exists()
    assert records.shard(newest).exists()


def test_a_run_that_a_listing_did_not_reach_is_not_taken_for_deleted(
    instance: dg.DagsterInstance,
) -> None:
    """As where the run that a page of it ended with was deleted meanwhile."""
    deleted, kept = ran(instance), ran(instance)
    instance.delete_run(deleted)
    later = datetime.now(UTC) + LATER
    assert DagsterStorage(instance).without_record(set(), later) == [deleted]
    assert kept in left(instance)


def test_ticks_that_asked_for_nothing_go(
    instance: dg.DagsterInstance, records: Records, kept_house: KeptHouse
) -> None:
    ran(instance)
    old = datetime.now(UTC) - timedelta(hours=5)
    ticked(instance, records, "football_minute_tick", "", [old, datetime.now(UTC) + LATER])
    assert kept_house().ticks > 0
    with closing(sqlite3.connect(records.ticks)) as ticks:
        assert ticks.execute("SELECT count(*) FROM job_ticks").fetchone()[0] > 0
    assert DagsterStorage(instance).ticks(datetime.now(UTC)) == 0


def test_the_same_goes_from_postgresql(tmp_path: Path, postgres_url: str, ledger: Ledger) -> None:
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg2:"))
    url = engine.url.render_as_string(hide_password=False)
    storage = {"storage": {"postgres": {"postgres_url": url}}}
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), overrides=SILENT | storage) as instance:
        gone, newest = ran(instance), ran(instance)
        failed, other = ran(instance, "fails"), ran(instance, day="2025-05-29")
        state = sensor_state("football_minute_tick", "", datetime.now(UTC))
        instance.add_instigator_state(state)
        for at in (datetime.now(UTC) - timedelta(hours=5), datetime.now(UTC) + LATER):
            instance.create_tick(skipped_tick(state, at))
        later = datetime.now(UTC) + LATER

        plan = plan_of(instance, ledger, SETTINGS, later)
        assert (plan.gone, plan.left_behind, plan.ticks) == ([gone], [], 1)
        assert tidy(instance, ledger, plan, later).findings == []

        assert left(instance) == {newest, failed, other}
        assert len(instance.get_ticks(state.instigator_origin_id, state.selector_id)) == 1
        assert not Records(folder).logs(gone).exists()
        assert Records(folder).logs(newest).exists()
        again = plan_of(instance, ledger, SETTINGS, later)
        assert (again.gone, again.left_behind, again.ticks) == ([], [], 0)
    with engine.connect() as connection:
        for table in ("event_logs", "asset_check_executions"):
            rows = connection.execute(text(f"SELECT DISTINCT run_id FROM {table}"))
            assert set(rows.scalars()) <= {newest, failed, other}
        left_over = "SELECT count(*) FROM asset_event_tags WHERE event_id NOT IN "
        assert connection.scalar(text(f"{left_over} (SELECT id FROM event_logs)")) == 0
    engine.dispose()


def test_a_locked_database_is_left_for_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "index.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE many (text)")
        other.executemany("INSERT INTO many VALUES (?)", [("x" * 1000,)] * 1000)
        other.execute("DELETE FROM many")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            compact(file, patience_seconds=0.1)
        other.execute("ROLLBACK")
    done = compact(file)
    assert done.after < done.before
    assert os.path.getsize(file) == done.after


def test_records_that_are_in_no_database_are_not_touched(ledger: Ledger) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(DagsterUnreadable, match="no SQL storage"),
    ):
        plan_of(instance, ledger, SETTINGS, datetime.now(UTC))
