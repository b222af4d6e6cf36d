"""The command that helps next, where a day is not OK: what `next:` says."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pipeline_assets.checks.report import CheckReport, Found, Kind
from pipeline_assets.repair.classes import CLASS_OF, REPAIRED
from touchline.day import Day

Place = tuple[str, int | None]
"""An asset and a fetch number, None for what is the whole day's."""

_LOOK = frozenset(
    {Kind.UNEXPLAINED_ZERO, Kind.SCHEMA_DIFFERS, Kind.FEED_FROZEN, Kind.FEED_OUTDATED}
)
"""Findings that a person has to explain by reading the fetch."""
_COLLECT = frozenset({Kind.SHRINKING_CONTENT, Kind.RETRY_CAP})
"""Findings that end with a better fetch, or when somebody forces one: the command says how."""


@dataclass(frozen=True)
class DayAt:
    """A day below a prefix of the bucket, as options name it; `deep` as it was looked at."""

    day: Day
    prefix: str
    deep: bool = False

    def reprocess(self, *more: str) -> str:
        """`touchline reprocess` of this day."""
        return self._command("reprocess", "--date", str(self.day), more=[*self._deep, *more])

    def losses(self) -> str:
        """`touchline losses` of this day."""
        span = ("--from", str(self.day), "--to", str(self.day))
        return self._command("losses", *span, more=self._deep)

    def verify(self, *more: str) -> str:
        """`touchline verify` of this day."""
        return self._command("verify", "--date", str(self.day), more=more)

    def fetch(self, number: int) -> str:
        """`touchline fetch` of this day's raw fetch."""
        return self._command("fetch", str(self.day), str(number), more=["--pretty"])

    def collect(self, feed: str) -> str:
        """`touchline collect` of this day."""
        return self._command("collect", "--feed", feed, "--date", str(self.day))

    def quarantine(self) -> str:
        """`touchline quarantine` of this day."""
        return self._command("quarantine", "--date", str(self.day))

    def status(self) -> str:
        """`touchline status` of what lies below this prefix."""
        return self._command("status")

    @property
    def _deep(self) -> list[str]:
        return ["--deep"] if self.deep else []

    def _command(self, *words: str, more: Iterable[str] = ()) -> str:
        prefix = ["--prefix", self.prefix] if self.prefix else []
        return shlex.join(["touchline", *words, *prefix, *more])


def is_for_repair(found: Found) -> bool:
    """Whether `touchline reprocess` acts on a finding like this, where it can."""
    return CLASS_OF.get(found.kind) in REPAIRED or found.kind is Kind.WINDOW_OVERDUE


def next_step(
    at: DayAt, reports: Iterable[CheckReport], given_up: Collection[Place] = ()
) -> str | None:
    """The command that helps next with what these checks of a day found; None where all is well.

    `given_up` are the fetches of which a repair has said that they cannot be made again.
    """
    reports = list(reports)
    found = [(report.asset, each) for report in reports for each in report.findings]
    if not found:
        return None
    if any(report.deep for report in reports):
        at = replace(at, deep=True)  # Else it would not see what was found.
    for_repair = {(name, each.fetch_number) for name, each in found if is_for_repair(each)}
    if for_repair.difference(given_up):
        return at.reprocess("--dry-run")
    if for_repair:
        return at.losses()
    kinds = {each.kind for _, each in found}
    for name, each in found:
        if each.kind in _COLLECT:
            return at.collect(name.partition("/")[0])
        if each.kind in _LOOK and each.fetch_number is not None:
            return at.fetch(each.fetch_number)
    if Kind.SCHEMA_DRIFTS in kinds:
        return at.quarantine()
    if kinds == {Kind.SPOOL_FILLS_UP}:
        return at.status()
    return "touchline doctor"
