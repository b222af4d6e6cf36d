"""The version of the code that decides: what changes it, and what does not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_assets import code_version as versions

STAGE = '''"""A stage."""

from rules.prices import convert
from rules.shapes import Shape


def stage(value: int) -> Shape:
    """Convert it."""
    return Shape(convert(value))
'''
PRICES = '''"""Prices."""

FACTOR = 100


def convert(value: int) -> int:
    return value * FACTOR
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package `rules` of a stage and what it uses."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, text in (
        ("__init__", ""),
        ("stage", STAGE),
        ("prices", PRICES),
        ("shapes", "class Shape(tuple): ..."),
        ("other", "import rules.stage\nOTHER = 1\n"),
    ):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(versions, "FIRST_PARTY", ("rules",))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "rules"]:
        del sys.modules[name]


def version(module: str = "rules.stage", *inputs: str) -> str:
    """As another process would see it."""
    for cached in (versions.code_version, versions._tree, versions._module_of):
        cached.cache_clear()
    importlib.invalidate_caches()
    return versions.code_version(module, frozenset(inputs))


def edit(package: Path, name: str, old: str, new: str) -> None:
    path = package / f"{name}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_same_code_has_the_same_version(package: Path) -> None:
    assert version() == version()
    assert len(version()) == 16
    assert int(version(), 16) >= 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage", "    return", "    # A comment.\n    return"),
        ("stage", '"""Convert it."""', '"""Convert it, in other words."""'),
        ("stage", '    """Convert it."""\n', ""),
        ("stage", "Shape(convert(value))", "Shape(\n        convert( value )\n    )"),
        ("prices", '"""Prices."""', '"""What things cost."""'),
        ("other", "OTHER = 1", "OTHER = 2"),
    ],
)
def test_what_decides_nothing_changes_nothing(package: Path, name: str, old: str, new: str) -> None:
    before = version()
    edit(package, name, old, new)
    assert version() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage", "convert(value)", "convert(value + 1)"),
        ("prices", "FACTOR = 100", "FACTOR = 101"),
        ("shapes", "tuple", "list"),
        ("stage", "value: int", "value: float"),
    ],
)
def test_what_decides_changes_it_wherever_it_stands(
    package: Path, name: str, old: str, new: str
) -> None:
    before = version()
    edit(package, name, old, new)
    assert version() != before


@pytest.mark.parametrize(
    "line",
    [
        "from rules.prices import convert",
        "from rules import prices\nconvert = prices.convert",
        "import rules.prices\nconvert = rules.prices.convert",
        "import rules.prices as prices\nconvert = prices.convert",
        "from .prices import convert",
        "from . import prices\nconvert = prices.convert",
        "def convert(v):\n    from rules.prices import convert\n    return convert(v)",
    ],
)
def test_every_way_to_import_is_followed(package: Path, line: str) -> None:
    edit(package, "stage", "from rules.prices import convert", line)
    before = version()
    edit(package, "prices", "FACTOR = 100", "FACTOR = 101")
    assert version() != before


def test_modules_of_other_stages_are_not_followed(package: Path) -> None:
    before = version("rules.stage", "rules.prices")
    edit(package, "prices", "FACTOR = 100", "FACTOR = 101")
    assert version("rules.stage", "rules.prices") == before
    assert version() != before


def test_modules_may_name_each_other(package: Path) -> None:
    cycle = (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import rules.stage\n\nFACTOR"
    )
    edit(package, "prices", "FACTOR = 100", f"{cycle} = 100")
    before = version()
    edit(package, "prices", "= 100", "= 101")
    assert version() != before


def test_a_new_file_changes_nothing_until_it_is_used(package: Path) -> None:
    before = version()
    (package / "later.py").write_text("LATER = 1")
    assert version() == before


def test_a_module_without_source_is_refused() -> None:
    with pytest.raises(LookupError):
        versions.code_version("no_such_module")
