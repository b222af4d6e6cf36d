"""The faults and what was said of each, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tests.detect.fault import Fault, Named, Seen
from tests.detect.runner import Result
from tests.detect.stock import COLUMNS, FRESH, ROWS

STOCK = (ROWS, FRESH, COLUMNS)
FEW = 3
LONGEST_CHECK = len("landed_matches_claimed")


def as_table(results: Sequence[Result]) -> Table:
    table = Table(
        title="what was injected, what named it, and which stock checks would have noticed",
        title_justify="left",
    )
    for name in ("asset", "fault", "named by", "fetch", "records", "seen by", "what else fired"):
        counts = name in ("fetch", "records")
        table.add_column(
            name,
            justify="right" if counts else "left",
            min_width=LONGEST_CHECK if name == "named by" else None,
        )
    for name in STOCK:
        table.add_column(name, justify="center")
    for result in results:
        table.add_row(*_row(result))
    return table


def _row(result: Result) -> list[str]:
    fault = result.fault
    stock = ["yes" if result.stock.get(check) else "" for check in STOCK]
    found = next((n for n in result.fired if _is_of(n, result)), None)
    return [
        fault.asset,
        fault.name,
        verdict_of(result),
        _cell(found.number if found else None),
        _cell(found.records if found else None),
        seen_by(result.fault),
        _besides(result),
        *stock,
    ]


def verdict_of(result: Result) -> str:
    fault = result.fault
    if result.wrong:
        return "[red]MISSED" if fault.is_to_be_named else "[red]NOT AS IT SHOULD BE"
    if fault.missed_because:
        return f"[yellow]not named: {fault.missed_because}"
    if fault.is_made_good:
        return "[green]made good by the next minute"
    if fault.about:
        found = next(fired for fired in result.fired if _is_of(fired, result))
        return f"{found.check}\n{found.kind}"
    if not fault.named:
        return "[green]nothing, rightly"
    return "\n".join(f"{named.check}\n{named.kind}" for named in fault.named)


def seen_by(fault: Fault) -> str:
    if fault.seen is not Seen.MINUTE:
        return str(fault.seen)
    return str(fault.seen) if fault.minutes == 1 else f"minute {fault.minutes}"


def _is_of(fired: Named, result: Result) -> bool:
    """Whether this is the finding that names the fault."""
    fault = result.fault
    if fault.about:
        return fault.is_about(fired.asset, fired.number)
    asked = [(n.asset or fault.asset, n.check, n.kind, n.number) for n in fault.named[:1]]
    return (fired.asset, fired.check, fired.kind, fired.number) in asked


def _besides(result: Result) -> str:
    lines = list(dict.fromkeys(f"{named.asset}: {named.kind}" for named in result.besides))
    more = [f"and {len(lines) - FEW} more"] if len(lines) > FEW else []
    return "\n".join([*lines[:FEW], *more])


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)


def as_markdown(faults: Sequence[Fault], keys: Mapping[str, str]) -> str:
    """The tables of docs/faults.md."""
    stored = [("what", "key"), *((what, f"`{key}`") for what, key in keys.items())]
    rows = [
        (fault.asset, fault.name, fault.touches, _named_by(fault), seen_by(fault))
        for fault in faults
    ]
    head = ("asset", "fault", "what is changed", "what names it", "seen by")
    return f"{_markdown(stored)}\n\n{_markdown([head, *rows])}\n"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _named_by(fault: Fault) -> str:
    if fault.missed_because:
        return f"nothing: {fault.missed_because}"
    if fault.is_made_good:
        return "nothing: the next minute makes it good, to the same bytes"
    return ", ".join(f"`{named.check}`: `{named.kind}`" for named in fault.named)


def last_line(results: Sequence[Result], seed: int, seconds: float) -> str:
    faults = [
        r for r in results if r.fault.is_to_be_named or r.fault.is_made_good or r.is_expected_miss
    ]
    missed = sum(bool(r.wrong) for r in results)
    named, good = sum(r.is_named for r in faults), sum(r.fault.is_made_good for r in faults)
    known = sum(r.is_expected_miss for r in faults)
    stock = sum(any(r.stock.values()) for r in faults)
    noticed = f"; the three stock checks noticed {stock}" if stock else ""
    return (
        f"{len(faults)} faults: {named} named, {good} made good, {known} known not to be named, "
        f"{missed} not as it should be{noticed}. "
        f"Seed {seed}, {seconds:.0f} s"
    )


def as_json(results: Sequence[Result], seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "faults": [
            {
                "asset": result.fault.asset,
                "fault": result.fault.name,
                "seen_by": seen_by(result.fault),
                "asked": [_named(n) for n in result.fault.named],
                "fired": [_named(n) for n in result.fired],
                "made_good": result.fault.is_made_good,
                "expected_miss": result.fault.missed_because or None,
                "wrong": result.wrong,
                "stock_checks": result.stock,
            }
            for result in results
        ],
    }


def _named(named: Named) -> dict[str, Any]:
    return {
        "asset": named.asset,
        "check": named.check,
        "kind": str(named.kind),
        "fetch_number": named.number,
        "records": named.records,
    }
