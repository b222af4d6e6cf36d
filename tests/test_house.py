"""The house around the code: the lock, the instance, the direction of imports, CI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dagster import DagsterInstance
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._core.storage.compute_log_manager import ComputeIOType
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline_assets.settings import AllSettings
from resources.settings import PREFIX

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# What must never be committed. Written so that no pattern matches its own text.
LEAKS = {
    "path of a machine": r"(?<![\w.~-])/(?:work|root|home|Users|tmp|opt)/\w",
    "host of a package registry": r"(?:pypi|python[h]osted|npmjs|debian)\.(?:org|com)\b",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "AWS access key": r"\bAKIA[0-9A-Z]{16}\b",
    "Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "Telegram token": r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",
    "long hexadecimal secret": r"(?i)(?:secret|token|password)[\"']?\s*[=:]\s*[\"']?[0-9a-f]{24,}",
}


def leaks(text: str) -> dict[str, str]:
    """What in the text matches which kind of leak."""
    found = {kind: re.search(pattern, text) for kind, pattern in LEAKS.items()}
    return {kind: match.group() for kind, match in found.items() if match}


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of every tracked file; pictures and other binary files are left out."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git working tree")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode()


def test_no_tracked_file_leaks() -> None:
    found = {name: found for name, text in tracked_texts() if (found := leaks(text))}
    assert found == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("path of a machine", "cd /" + "home/anna/touchline"),
        ("path of a machine", "log=/" + "tmp/out.txt"),
        ("host of a package registry", "https://registry." + "npmjs" + ".org/left-pad"),
        ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("AWS access key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("Slack token", "xoxb" + "-123456789012"),
        ("Telegram token", "123456789:" + "A" * 35),
        ("long hexadecimal secret", 'secret="' + "0a" * 16 + '"'),
    ],
)
def test_a_leak_would_be_found(kind: str, text: str) -> None:
    assert kind in leaks(text)


def lock_entries() -> dict[str, str]:
    """Each pin of the lock, by canonical name: its version and everything up to the next pin."""
    lock = (ROOT / "requirements.lock").read_text()
    entries: dict[str, str] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if pin := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", entry):
            name = canonicalize_name(pin.group(1))
            entries[name] = entries.get(name, "") + entry
    return entries


def test_lock_pins_every_dependency_within_its_bounds() -> None:
    entries = lock_entries()
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    unmet = []
    for requirement in map(Requirement, asked):
        entry = entries.get(canonicalize_name(requirement.name), "")
        versions = re.findall(r"==([^\s;\\]+)(?= )", entry)
        if not versions or not all(requirement.specifier.contains(v, True) for v in versions):
            unmet.append(str(requirement))
    assert unmet == [], "run `make lock`"


def test_lock_hashes_everything_and_names_no_source() -> None:
    entries = lock_entries()
    assert [name for name, entry in entries.items() if "--hash=sha256:" not in entry] == []
    lock = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"\S*://\S*|--(?:extra-)?index-url.*|--find-links.*| @ .*", lock) == []
    assert sorted(path.name for path in ROOT.glob("*.lock")) == ["requirements.lock"]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_run_downwards_only() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


ONE_ENTRY = "A feed is known to its folder and its entry"


@pytest.mark.parametrize(
    ("module", "imports", "broken"),
    [
        ("touchline.stage", "resources", "Imports run downwards only"),
        ("pipeline_assets.football", "sensors", "Imports run downwards only"),
        ("sensors.seal", "operations", "Imports run downwards only"),
        ("simulator.server", "resources", "The simulator knows the vocabulary alone"),
        ("resources.vendor", "simulator", "Only the commands know the simulator"),
        ("touchline.fetch", "httpx", "The vocabulary does no I/O and knows no Dagster"),
        ("resources.site", "pipeline_assets.football", ONE_ENTRY),
        ("operations.board_server", "pipeline_assets.football", ONE_ENTRY),
        ("pipeline_assets.football", "pipeline_assets.basketball", ONE_ENTRY),
        ("sensors.seal", "pytz", "New York time is worked out in one place"),
    ],
)
def test_an_import_upwards_would_be_found(
    tmp_path: Path, module: str, imports: str, broken: str
) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PROJECT["tool"]["importlinter"]["root_packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    # What the contracts name has to exist, or the linter calls it a mistake.
    for contract in PROJECT["tool"]["importlinter"]["contracts"]:
        for named in contract.get("allowed_importers", ()):
            path = tmp_path.joinpath(*named.split(".")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.parent.joinpath("__init__.py").touch()
            path.touch()
    (tmp_path / "touchline" / "day.py").write_text("import pytz\n")
    (tmp_path / "touchline" / "__init__.py").write_text("import operations.loading\n")
    (tmp_path / "operations" / "loading.py").touch()
    for feed in ("football", "basketball"):
        (tmp_path / "pipeline_assets" / f"{feed}.py").touch()
    package, name = module.split(".")
    (tmp_path / package / f"{name}.py").write_text(f"import {imports}\n")

    result = lint_imports(tmp_path)

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{broken} BROKEN" in result.stdout


def test_time_football_and_the_simulator_alone_know_that_a_slot_is_a_minute() -> None:
    knows = re.compile(r"\bMinute\b|\.minutes\(\)|\bday\.minute\(|\bday\.length\b")
    packages = ("resources", "pipeline_assets", "sensors", "operations")
    product = [path for package in packages for path in ROOT.joinpath(package).rglob("*.py")]
    found = {
        str(path.relative_to(ROOT))
        for path in product
        if knows.search(path.read_text()) and "football" not in path.parts
    }
    assert found == set()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """The instance that dagster.yaml describes, in a home of its own."""
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with DagsterInstance.get() as instance:
        yield instance


def test_each_lane_has_its_own_slots(instance: DagsterInstance) -> None:
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, QueuedRunCoordinator)
    assert coordinator.dequeue_interval_seconds == 1

    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    lanes = {
        limit["value"]: limit["limit"]
        for limit in queue.tag_concurrency_limits
        if limit["key"] == "touchline/lane" and isinstance(limit["value"], str)
    }
    alone = ("rotation", "seal", "backfill", "checks", "inbox", "housekeeping")
    assert lanes == {"minute": 3, **dict.fromkeys(alone, 1)}
    assert {"key": "dagster/backfill", "limit": 1} in queue.tag_concurrency_limits
    assert queue.max_concurrent_runs > sum(lanes.values()), "full lanes would block the others"


def test_the_instance_keeps_to_itself(instance: DagsterInstance, tmp_path: Path) -> None:
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled
    assert instance.python_log_level == "INFO"
    assert Path(instance.storage_directory()).is_relative_to(tmp_path)
    with instance.compute_log_manager.open_log_stream(["run", "step"], ComputeIOType.STDOUT) as log:
        assert log is not None
        assert Path(log.name).is_relative_to(tmp_path)
    assert (tmp_path / "history" / "runs.db").is_file()


def test_the_wheel_carries_every_package_and_the_instance_settings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"{package}/__init__.py" for package in packages} <= names
    assert "operations/dagster.yaml" in names
    assert not any(name.startswith(("tests/", ".")) for name in names)


def test_the_example_of_env_is_what_init_writes_and_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    example = (ROOT / ".env.example").read_text()
    assert example == AllSettings.sample_env()
    for name in AllSettings.model_fields:
        assert f"\n#{PREFIX}{name.upper()}=" in example

    (tmp_path / "all.env").write_text(example.replace(f"#{PREFIX}", PREFIX))
    assert AllSettings.load(_env_file=tmp_path / "all.env") == AllSettings.load(_env_file=None)


def start_ci(tmp_path: Path, **tools: str) -> subprocess.Popen[str]:
    """Start .ci/run in an empty project, where only the given tools exist."""
    for folder in (".ci", "bin"):
        (tmp_path / folder).mkdir()
    script = shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    needed = "bash cat cut dirname env grep mktemp nice rm setsid sleep tail tee timeout touch"
    for name in needed.split():
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    for name, body in tools.items():
        tool = tmp_path / "bin" / name.replace("_", "-")
        tool.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        tool.chmod(0o755)
    return subprocess.Popen(
        ["bash", script],
        env={"PATH": str(tmp_path / "bin")},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("step", ["test", "lint"])
def test_ci_fails_when_one_step_does_and_still_runs_the_others(tmp_path: Path, step: str) -> None:
    with start_ci(tmp_path, make=f'echo "made $*"; [[ $1 != {step} ]]', chromium="") as ci:
        said, _ = ci.communicate()
    assert ci.returncode == 1
    assert {"made test", "made lint"} <= set(said.splitlines())


def test_an_ended_ci_leaves_no_step_behind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "steps")
    at_work = "[[ $1 == test ]] || { echo $$ >steps; exec sleep 600; }"
    with (
        os.fdopen(os.open(tmp_path / "steps", os.O_RDWR), buffering=1) as steps,
        start_ci(tmp_path, make=at_work, chromium="") as ci,
    ):
        running = [psutil.Process(int(steps.readline())) for _ in range(2)]
        ci.terminate()
    assert ci.returncode != 0
    _, left = psutil.wait_procs(running, timeout=30)
    assert left == []
