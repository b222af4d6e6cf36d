"""`touchline drift`: days, runs and settings that are behind the installed code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import typer

from operations.arguments import Feed, From, Json, Prefix, To, refuse_inverted
from operations.commands.status import dagster_of
from operations.console import answer
from operations.errors import BAD
from operations.next_step import DayAt
from operations.opened import opened_ledger, plans_named
from pipeline_assets.drift import DriftedDay, drifted_days, runs_of_other_code
from pipeline_assets.plans import PLANS
from pipeline_assets.settings import AllSettings
from resources.ledger import Ledger, RunRow
from resources.run_record import commit, lock_hash
from resources.settings import Settings
from resources.up_record import Up
from touchline.day import Day, utc_text
from touchline.health import DAEMON, Signal
from touchline.plan import FeedPlan

SHOWN = 8
"""Characters of a version or commit."""


def drift(
    first: From = None,
    last: To = None,
    feed: Feed = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Show which days were made by another version of the code, which processes, sensors and
    settings are out of date, and the commands that help. Exits with 1 where there is any."""
    refuse_inverted(first, last)
    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        plans = plans_named(PLANS, feed)
        found = look(AllSettings.load(), ledger, plans, first, last, now)
    answer(_as_dict(found), _lines(found), as_json=as_json)
    raise typer.Exit(0 if found.is_none else BAD)


@dataclass(frozen=True)
class Drift:
    prefix: str
    days: list[DriftedDay]
    runs: list[RunRow]
    """Runs of another commit or other dependencies, seen in the last ten minutes."""
    sensors: list[Signal]
    """The sensors whose signal is not OK."""
    settings: list[str]
    """The variables that have changed since `up` was started."""

    @property
    def is_none(self) -> bool:
        return not (self.days or self.runs or self.sensors or self.settings)

    @property
    def commands(self) -> list[str]:
        """The backfill: a day at a time, with all that follows from what is made anew."""
        days = sorted({each.day for each in self.days})
        return [DayAt(day, self.prefix).reprocess() for day in days]


def look(
    settings: Settings,
    ledger: Ledger,
    plans: Iterable[FeedPlan],
    first: Day | None,
    last: Day | None,
    now: datetime,
) -> Drift:
    """Raises LedgerUnavailable."""
    up = Up.read(settings)
    at_work = up if up is not None and up.process.alive else None
    return Drift(
        ledger.prefix,
        [each for plan in plans for each in drifted_days(ledger, plan, first, last)],
        runs_of_other_code(ledger, commit(), lock_hash(), now),
        list(_sensors(settings, now)) if at_work else [],
        sorted(_changed(settings, at_work)) if at_work and at_work.settings else [],
    )


def _sensors(settings: Settings, now: datetime) -> Iterator[Signal]:
    """Also that Dagster cannot say how they are; its daemon is what `status` looks at."""
    for signal in dagster_of(settings, now):
        if signal.name != DAEMON and not signal.state.is_good:
            yield signal


def _changed(settings: Settings, up: Up) -> set[str]:
    now = settings.fingerprints(up.salt, os.environ)
    return {name for name in {*now, *up.settings} if now.get(name) != up.settings.get(name)}


def _as_dict(drift: Drift) -> dict[str, Any]:
    return {
        "verdict": "OK" if drift.is_none else "BAD",
        "days": [asdict(each) | {"day": str(each.day)} for each in drift.days],
        "backfill": drift.commands,
        "runs": [
            {
                "run_id": run.run_id,
                "kind": run.kind,
                "host": run.host,
                "commit": run.commit,
                "lock_hash": run.lock_hash,
                "started_at": utc_text(run.started_at),
            }
            for run in drift.runs
        ],
        "sensors": [
            {"name": signal.name, "state": signal.state, "detail": signal.detail, "do": signal.do}
            for signal in drift.sensors
        ],
        "settings": drift.settings,
    }


def _lines(drift: Drift) -> Iterator[str]:
    if drift.is_none:
        yield "no drift"
    for day, stages in groupby(drift.days, key=lambda each: each.day):
        yield f"{day}: not all of it was made by the code that is installed:"
        for each in stages:
            others = ", ".join(version[:SHOWN] for version in each.versions)
            if each.fetches:
                yield (
                    f"  {each.asset}: {each.fetches:,} of {each.of:,} fetches were made by version"
                    f" {others}, and the code is now {each.version[:SHOWN]}"
                )
            if each.unmade:
                yield f"  {each.asset}: {each.unmade:,} fetches landed before it was added"
    yield from (f"next: {command} --dry-run" for command in drift.commands)
    for run in drift.runs:
        yield f"runs of {run.kind} are of commit {run.commit[:SHOWN]}, not {commit()[:SHOWN]}"
        yield "next: touchline down; touchline up"
    for signal in drift.sensors:
        yield f"{signal.name} {signal.detail}"
        yield f"next: {signal.do}"
    if drift.settings:
        yield f"settings are others than `up` was started with: {', '.join(drift.settings)}"
        yield "next: touchline down; touchline up"
