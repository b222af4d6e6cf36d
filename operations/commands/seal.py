"""The command `seal`."""

from __future__ import annotations

import uuid

import typer

from operations.arguments import DayOption, Feed, Json, Prefix
from operations.console import answer, progress
from operations.errors import BAD
from operations.opened import nothing_known, opened_to_read, plans_of
from pipeline_assets.sealing import seal_day
from pipeline_assets.stale_days import make_stale_days
from resources.known_days import is_known
from touchline.accounting import RunKind
from touchline.errors import Misuse


def seal(date: DayOption, feed: Feed = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Seal an ended day, or take in what came after its seal. One of which nothing is known exits
    with 2."""
    with opened_to_read(prefix) as site:
        plans, reports = plans_of(site, feed), {}
        known = [plan for plan in plans if is_known(site, plan.name, date)]
        if not known:
            raise Misuse(nothing_known(site, plans, date))
        for plan in known:
            progress(f"sealing {date} of {plan.name}")
            run_id = f"command-{uuid.uuid4()}"
            with site.run(run_id, RunKind.SEAL, feed=plan.name) as record:
                stale = make_stale_days(site, plan.name, run_id=run_id)
                found = seal_day(site, plan.name, date, run_id=run_id)
                found.waiting += stale
                record.note(added=len(found.sealed), failures=found.waiting)
            reports[plan.name] = found
    said = {
        name: {"sealed": found.sealed, "unchanged": found.unchanged, "waiting": found.waiting}
        for name, found in reports.items()
    }
    shown = []
    for found in reports.values():
        shown += [f"{asset}: sealed" for asset in found.sealed]
        shown += [f"{asset}: nothing new to seal" for asset in found.unchanged]
        for reason in found.waiting if not as_json else ():
            typer.secho(f"not sealed: {reason}", err=True, fg=typer.colors.RED)
    answer({"date": str(date), "feeds": said}, shown, as_json=as_json)
    raise typer.Exit(0 if all(found.is_sealed for found in reports.values()) else BAD)
