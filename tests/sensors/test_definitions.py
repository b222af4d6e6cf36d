"""What Dagster is told of Touchline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("touchline", "resources", "pipeline_assets", "sensors", "operations", "simulator")
ASSETS = {
    "football/raw_fetches",
    "football/merged",
    "football/pretty_print",
    "football/pretty_print_conversion",
    "football/monitor_central",
    "football/alert_3ou_half",
    "football/alert_underdog_0half",
    "football/alert_outcomes",
    "football/var_incidents",
    "football/odds_changes",
    "football/reference",
    "football/quarantine",
}

LIST = """
import json
from sensors.definitions import defs
repository = defs.get_repository_def()
graph = repository.asset_graph
assets = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
print(json.dumps({
    "assets": {name: asset.description for name, asset in assets.items()},
    "versions": {name: asset.code_version for name, asset in assets.items()},
    "checks": sorted(f"{c.asset_key.to_user_string()}:{c.name}" for c in graph.asset_check_keys),
    "jobs": [j for j in repository.job_names if not j.startswith("__")],
    "sensors": [s.name for s in repository.sensor_defs],
}))
"""


def listed(tree: Path, home: Path) -> dict[str, Any]:
    """The definitions of the project in this folder, in a process that knows of nothing else."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", LIST], cwd=home, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def as_it_is(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return listed(ROOT, tmp_path_factory.mktemp("home"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's packages, to be changed."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / "copy" / package, ignore=shutil.ignore_patterns("*.pyc")
        )
    return tmp_path / "copy"


def test_definitions_load_without_settings_network_or_state(as_it_is: dict[str, Any]) -> None:
    assert set(as_it_is["assets"]) == ASSETS
    assert set(as_it_is["jobs"]) == {
        "football_minute",
        "football_checks_alone",
        "football_rotation",
        "football_seal",
        "football_inbox",
        "housekeeping",
    }
    assert set(as_it_is["sensors"]) == {
        "football_minute_tick",
        "football_rotation",
        "football_seal",
        "football_inbox",
        "football_ended_days",
        "football_failed_minutes",
        "check_alerts",
        "alert_delivery",
        "heartbeat",
        "watchdog",
        "housekeeping",
    }
    of_all = (
        "landed_matches_claimed",
        "records_conserved",
        "every_fetch_once",
        "zero_is_explained",
        "schema_holds",
    )
    of_raw = {"cadence", "feed_is_alive", "spool_within_bounds"}
    assert set(as_it_is["checks"]) == {
        *(f"{asset}:{name}" for asset in ASSETS for name in of_all),
        *(f"football/raw_fetches:{name}" for name in of_raw),
    }


def test_every_asset_is_a_documented_daily_partition() -> None:
    from sensors.definitions import defs

    graph = defs.get_repository_def().asset_graph
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        assert isinstance(asset.partitions_def, dg.DailyPartitionsDefinition)
        assert asset.partitions_def.timezone == "America/New_York"
        assert asset.group_name == "football"
        assert "What is counted: " in (asset.description or "")
        assert asset.owners == ["team:touchline"]
    for check in graph.asset_check_keys:
        assert graph.get(check).partitions_def == graph.get(check.asset_key).partitions_def


@pytest.mark.stack
def test_a_third_alert_rule_is_one_file(copy: Path, tmp_path: Path) -> None:
    rules = copy / "pipeline_assets" / "football" / "alerts"
    rule = (rules / "three_ou_half.py").read_text()
    rule = rule.replace('"3ou_half"', '"4ou_half"').replace('Decimal("3.0")', 'Decimal("4.0")')
    rule = rule.replace("3 or more", "4 or more")
    (rules / "four_ou_half.py").write_text(rule)

    found = listed(copy, tmp_path)

    assert set(found["assets"]) == {*ASSETS, "football/alert_4ou_half"}
    assert "4 or more" in found["assets"]["football/alert_4ou_half"]
    assert "football/alert_4ou_half:landed_matches_claimed" in found["checks"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("module", "old", "new", "changed"),
    [
        # A rule of conversion concerns the stage that converts, and nothing behind it.
        (
            "pipeline_assets/football/environment.py",
            "25.4",
            "25.5",
            {"football/pretty_print_conversion"},
        ),
        # Rules read prices too, for what a bet brings.
        (
            "pipeline_assets/football/prices.py",
            "100",
            "101",
            {
                "football/pretty_print_conversion",
                "football/alert_3ou_half",
                "football/alert_underdog_0half",
                "football/alert_outcomes",
            },
        ),
        (
            "pipeline_assets/football/alerts/three_ou_half.py",
            'Decimal("3.0")',
            'Decimal("3.5")',
            {"football/alert_3ou_half", "football/alert_outcomes"},
        ),
        # Comments and docstrings decide nothing.
        ("pipeline_assets/football/prices.py", "from __future__", "# why\nfrom __future__", set()),
        # What all stages rest on concerns all of them.
        ("touchline/stage.py", "SNIPPET_BYTES = 2000", "SNIPPET_BYTES = 1000", ASSETS),
    ],
)
def test_a_changed_rule_changes_the_version_of_those_that_use_it(
    as_it_is: dict[str, Any],
    copy: Path,
    tmp_path: Path,
    module: str,
    old: str,
    new: str,
    changed: set[str],
) -> None:
    text = (copy / module).read_text()
    assert old in text
    (copy / module).write_text(text.replace(old, new))

    versions = listed(copy, tmp_path)["versions"]

    assert {name for name in ASSETS if versions[name] != as_it_is["versions"][name]} == changed


@pytest.mark.stack
def test_dg_finds_nothing_wrong(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "dg", "check", "defs"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


LOADS = """
import os, warnings
import dagster
from dagster._core.storage import sql
of_all = lambda: (dict(os.environ), list(warnings.filters), sql.ALEMBIC_SCRIPTS_LOCATION)
before = of_all()
import sensors.definitions
assert of_all() == before
"""


@pytest.mark.stack
def test_loading_them_changes_nothing_for_whoever_loads_them(tmp_path: Path) -> None:
    """Neither warnings of other code, nor the environment of other processes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONMALLOC": "malloc"}
    done = subprocess.run(
        [sys.executable, "-c", LOADS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
