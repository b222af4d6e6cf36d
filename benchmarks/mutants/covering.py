"""A pytest plugin: which tests that pass execute which lines, as JSON.

It imports nothing of the project, since it also runs in trees that do not have it. The environment
says where: `MUTANTS_SOURCE` lists the file patterns that count, `MUTANTS_COVERING` is the folder
in which each process that runs tests leaves a file: `seconds` by test, and `lines`, by file and
line the places of tests in `seconds`. What a test's own subprocesses execute is not seen.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

_COVERAGE = coverage.Coverage(
    data_file=None, config_file=False, include=os.environ["MUTANTS_SOURCE"].split(os.pathsep)
)
_SECONDS: defaultdict[str, float] = defaultdict(float)
_NOT_PASSED: set[str] = set()


def pytest_sessionstart() -> None:
    _COVERAGE.start()


def pytest_runtest_logstart(nodeid: str) -> None:
    _COVERAGE.switch_context(nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _SECONDS[report.nodeid] += report.duration
    if not report.passed:
        _NOT_PASSED.add(report.nodeid)


def pytest_sessionfinish() -> None:
    _COVERAGE.stop()
    data = _COVERAGE.get_data()
    passed = sorted(_SECONDS.keys() - _NOT_PASSED)
    number = {test: place for place, test in enumerate(passed)}
    lines = {
        file: {
            line: [number[test] for test in tests if test in number]
            for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    part = Path(os.environ["MUTANTS_COVERING"]) / f"{os.getpid()}.json"
    part.write_text(
        json.dumps({"seconds": {test: _SECONDS[test] for test in passed}, "lines": lines})
    )
