"""One tree's tests against mutants, in copies of the tree."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Queue

import psutil

from benchmarks.lines import packages
from benchmarks.mutants.functions import Change, Function

SECONDS = 60
"""How long the tests of one mutant may take."""

_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", ".touchline", "__pycache__", ".*_cache", ".hypothesis", "dist", "build")
)
_OUTCOMES = {0: "survived", 1: "killed", 2: "killed"}
"""The outcome for each exit code of pytest. Code 2 counts as killed: the mutant stops a test file
from being imported."""


@dataclass(frozen=True)
class Outcome:
    """The result of one mutant. `what` is `killed`, `survived`, `timeout`, `not covered`, or
    `error` if pytest could not run; `seconds` is how long its tests take without a mutant.
    """

    what: str
    tests: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        return (
            f"{self.what} ({self.tests} tests, {self.seconds:.0f} s)" if self.tests else self.what
        )


@dataclass
class Checkout:
    """A tree and its tests: `tests` are paths, all of them by default, `marks` a mark expression.

    `scratch` is where copies go, `cache` keeps across calls what is known of a tree: which tests
    execute which line, and each outcome. Both are of no use once a file of it changes.
    """

    tree: Path
    tests: Sequence[str]
    marks: str
    jobs: int
    scratch: Path
    cache: Path
    _moments: Iterator[int] = field(default_factory=itertools.count)
    _copies: Queue[Path] = field(default_factory=Queue)
    _parts: list[dict] = field(default_factory=list)
    _known: dict[str, Outcome] = field(default_factory=dict)

    def prepare(self) -> None:
        """Copy the tree, once a job, and find out what its tests cover if that is not known."""
        for number in range(self.jobs):
            copy = self.scratch / str(number)
            shutil.copytree(self.tree, copy, ignore=_LEFT_OUT, symlinks=True)
            self._copies.put(copy)
        digest = hashlib.sha256(json.dumps([*self.tests, self.marks]).encode())
        for path in sorted(copy.rglob("*.py")):
            digest.update(path.relative_to(copy).as_posix().encode() + path.read_bytes())
        name = digest.hexdigest()[:16]
        self.cache.mkdir(parents=True, exist_ok=True)
        covered, self._outcomes = (self.cache / f"{name}.{kind}" for kind in ("json", "outcomes"))
        if not covered.exists():
            covered.write_text(json.dumps(self._covered()))
        self._parts = json.loads(covered.read_text())
        if self._outcomes.exists():
            for line in self._outcomes.read_text().splitlines():
                key, outcome = json.loads(line)
                self._known[key] = Outcome(**outcome)

    def _covered(self) -> list[dict]:
        """Run the tests as they are. Which of them a mutant makes fail is asked only of those
        that pass now.
        """
        copy, plugins, parts = (self.scratch / name for name in ("0", "plugins", "parts"))
        plugins.mkdir()
        parts.mkdir()
        shutil.copy(Path(__file__).with_name("covering.py"), plugins)
        tests = [path for path in self.tests if (copy / path).exists()]
        if not tests:
            raise SystemExit(f"{self.tree} has none of the tests asked for")
        workers = ["-n", str(self.jobs), "--dist=loadfile"] if self.jobs > 1 else []
        code = subprocess.run(
            [*_pytest(copy), "-p", "covering", "-m", self.marks, *workers, *tests],
            cwd=copy,
            env=_environment(self.tree, copy, plugins)
            | {
                "MUTANTS_SOURCE": os.pathsep.join(f"{copy / top}/*" for top in packages(copy)),
                "MUTANTS_COVERING": str(parts),
                # The quicker one of newer Pythons sees each line once, not once a test.
                "COVERAGE_CORE": "ctrace",
            },
            stdout=sys.stderr,
        ).returncode
        if code not in (0, 1):
            raise SystemExit(f"the tests of {self.tree} do not run")
        found = [json.loads(part.read_text()) for part in sorted(parts.iterdir())]
        for part in found:
            part["lines"] = {
                str(Path(file).relative_to(copy)): tests for file, tests in part["lines"].items()
            }
        return found

    def outcome(self, function: Function, change: Change) -> Outcome:
        """Return what becomes of a change of one of this tree's functions."""
        place = change.node.lineno, change.node.col_offset
        key = f"{function.path}:{place}:{change.text}"
        if key not in self._known:
            copy = self._copies.get()
            try:
                outcome = self._tried(copy, function, change)
            finally:
                self._copies.put(copy)
            with self._outcomes.open("a") as known:
                known.write(json.dumps([key, asdict(outcome)]) + "\n")
            self._known[key] = outcome
        return self._known[key]

    def _tried(self, copy: Path, function: Function, change: Change) -> Outcome:
        seconds = self._covering(function.path, change.lines)
        if not seconds:
            return Outcome("not covered")
        path = copy / function.path
        source, times = path.read_bytes(), path.stat()
        try:
            path.write_text(change.applied(source.decode()))
            # No other version of the file has this time, so that no cached bytecode fits it.
            moment = next(self._moments)
            os.utime(path, (moment, moment))
            what = self._what(copy, _quick_first(seconds))
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            shutil.rmtree(copy / ".hypothesis", ignore_errors=True)
        return Outcome(what, len(seconds), sum(seconds.values()))

    def _covering(self, path: str, lines: range) -> dict[str, float]:
        """Return the seconds of each test that executes one of these lines."""
        found: dict[str, float] = {}
        for part in self._parts:
            tests = list(part["seconds"].items())
            by_line = part["lines"].get(path, {})
            found.update(tests[place] for line in lines for place in by_line.get(str(line), ()))
        return found

    def _what(self, copy: Path, tests: list[str]) -> str:
        with (copy / "pytest.log").open("wb") as log:
            process = subprocess.Popen(
                [*_pytest(copy), "-x", *tests],
                cwd=copy,
                env=_environment(self.tree, copy),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            return _OUTCOMES.get(process.wait(SECONDS), "error")
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            _end(process)


def _pytest(copy: Path) -> list[str]:
    options = ("-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    return [sys.executable, "-m", "pytest", *options, f"--basetemp={copy}.tmp"]


def _environment(tree: Path, *path: Path) -> dict[str, str]:
    data = (tree / "../shared/data").resolve()
    environment = {"TOUCHLINE_REAL_DATA": str(data), **os.environ}
    return environment | {"PYTHONPATH": os.pathsep.join(map(str, path))}


def _quick_first(seconds: dict[str, float]) -> list[str]:
    """Return the tests file by file, so that what a file shares is made once; quick files first."""
    files: dict[str, list[float]] = {}
    for test, each in seconds.items():
        files.setdefault(test.split("::")[0], []).append(each)
    mean = {file: sum(each) / len(each) for file, each in files.items()}

    def order(test: str) -> tuple[float, str, float]:
        file = test.split("::")[0]
        return mean[file], file, seconds[test]

    return sorted(seconds, key=order)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End pytest, if it still runs, and what it started that its fixtures do not stop in time."""
    if process.poll() is None:
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        for each in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
