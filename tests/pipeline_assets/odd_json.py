"""What may stand where something else belongs, anywhere in a JSON value: drawn at random, or every
place replaced by a value of every other type."""

from __future__ import annotations

import copy
import functools
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from resources.parquet import records_of, table_of
from touchline.stage import Stage, Staged

JsonPath = tuple[str | int, ...]
"""Where a value stands within a JSON value."""

EXAMPLES = int(os.environ.get("TOUCHLINE_HYPOTHESIS_EXAMPLES", "100"))
examples = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Decorates a property test: 100 examples, or as many as TOUCHLINE_HYPOTHESIS_EXAMPLES says."""

patience = pytest.mark.timeout(120 + EXAMPLES)
"""Gives a property test time for its examples; the usual limit is for 300 of them."""

HOSTILE_TEXTS = (
    "",
    " ",
    "*bold* _it_ [link](http://x) `code` # head",
    "<script>alert('x')</script>&amp;\"",
    "two\nlines\r\nand\ta tab",
    "\u202eright to left\u202c \u0645\u0628\u0627\u0631\u0627\u0629",
    "nul\x00byte",
    "19\N{DEGREE SIGN}C \N{SOCCER BALL} \U0001f1ea\U0001f1f8",
    "'; DROP TABLE claims; --",
    "../../etc/passwd",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2026-02-30",
    "9999-12-31",
    "nan",
    "00:75",
    "x" * 5_000,
)
HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    10**30,
    1.5,
    1e308,
    "1",
    [],
    {},
    [None],
    [[]],
    {"": None},
    [0] * 3_000,
    [[1748452491, "3", 0.9, 0.75, 0.92, 2, 0, "0-0"]] * 500,
    {str(n): n for n in range(500)},
    functools.reduce(lambda inner, _: [inner], range(100), []),
)

FULL = os.environ.get("TOUCHLINE_ODD_FIELDS") == "full"
"""Whether every place of recorded answers is tried, and not some of them."""
REPLACEMENTS: tuple[Any, ...] = (None, True, 7, 1.5, "odd", [], ["odd"], {}, {"odd": 1})


hostile = st.one_of(
    st.sampled_from(HOSTILE_TEXTS),
    st.sampled_from(HOSTILE_VALUES),
    st.text(max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
)


def changed(draw: st.DrawFn, tree: Any) -> Any:
    """A copy of a JSON value with one place of it replaced, left out, doubled or added to."""
    here = [*tree] if isinstance(tree, list) else {**tree} if isinstance(tree, dict) else None
    if not here or draw(st.integers(0, 5)) == 0:
        return draw(hostile)
    place = draw(st.sampled_from(range(len(here)) if isinstance(here, list) else sorted(here)))
    match draw(st.sampled_from(("descend", "descend", "descend", "descend", "leave out", "add"))):
        case "descend":
            here[place] = changed(draw, here[place])
        case "leave out":
            del here[place]
        case "add" if isinstance(here, list):
            here.insert(place, draw(st.one_of(st.just(here[place]), hostile)))
        case "add" if isinstance(here, dict):
            here[draw(st.sampled_from(HOSTILE_TEXTS))] = draw(hostile)
    return here


def through(stage: Stage[Any], ref: Any, *inputs: Any, **state: Any) -> Staged[Any]:
    """The stage's work as it comes back from its columns; it must add up. `ref` is the fetch or, of
    a stage as of a day, the day."""
    staged = stage.by(ref, *inputs, **state)
    assert staged.account.conserved
    stored = records_of(table_of(staged.records, stage.makes), stage.makes)
    assert msgspec.json.encode(stored) == msgspec.json.encode(staged.records)
    staged.records = stored
    if stage.carries is not None:
        carried = msgspec.msgpack.encode(staged.carried)
        assert msgspec.msgpack.decode(carried, type=stage.carries) == staged.carried
    assert {record.reason for record in staged.quarantined} <= {*stage.reasons}
    return staged


def odd_values(body: Any, name: str, one_in: int = 1) -> Iterator[tuple[JsonPath, Any, str]]:
    """Yield every place in a body with every value of another type that is put there, and what to
    call it; with `one_in`, so many places to one that is tried, the same ones each time."""
    for path, old in places(body):
        for new in REPLACEMENTS:
            where = f"{name} {path}: {new!r}"
            if type(new) is not type(old) and not zlib.crc32(where.encode()) % one_in:
                yield path, new, where


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value within objects by its name, such as `team.id`."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from flat(member, f"{name}.{key}" if name else key)
    else:
        yield name, value


def places(value: Any, path: JsonPath = ()) -> Iterator[tuple[JsonPath, Any]]:
    """Every value within a JSON value, itself first."""
    yield path, value
    for key, member in enumerate(value) if isinstance(value, list) else pairs(value):
        yield from places(member, (*path, key))


def pairs(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def replaced(body: Any, path: JsonPath, new: Any) -> Any:
    """A copy of a JSON value that has `new` at this place."""
    if not path:
        return new
    odd = copy.deepcopy(body)
    within = odd
    for key in path[:-1]:
        within = within[key]
    within[path[-1]] = new
    return odd
