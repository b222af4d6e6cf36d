"""What the benchmarks say: a figure a line, with its limit where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """`shown` is for people, `value` for programs. `holds` is None where nothing is asked of it."""

    part: str
    what: str
    shown: str
    value: float
    limit: str = ""
    holds: bool | None = None

    @classmethod
    def at_most(cls, part: str, what: str, shown: str, value: float, most: float) -> Figure:
        return cls(part, what, shown, value, f"{most:,.4g}", value <= most)


def all_hold(figures: Iterable[Figure]) -> bool:
    return all(figure.holds is not False for figure in figures)


def as_table(figures: Iterable[Figure]) -> Table:
    table = Table("measured", "figure", "at most", "holds")
    part = ""
    for figure in figures:
        if figure.part != part:
            table.add_section()
            table.add_row(f"[bold]{figure.part}")
        holds = {None: "", True: "yes", False: "NO"}[figure.holds]
        table.add_row(figure.what, figure.shown, figure.limit, holds)
        part = figure.part
    return table


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    return [asdict(figure) for figure in figures]
