"""The command `inbox`."""

from __future__ import annotations

import uuid

import typer

from operations.arguments import Feed, Json, Prefix
from operations.console import answer, progress
from operations.errors import BAD, UNKNOWN
from operations.opened import opened_to_read, plans_of
from pipeline_assets.inbox import take_inbox
from touchline.accounting import RunKind


def inbox(feed: Feed = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Take captured fetches, requests and remarks that were left; a sensor does it too."""
    with opened_to_read(prefix) as site:
        reports, folders = {}, {}
        for plan in plans_of(site, feed):
            run_id = f"command-{uuid.uuid4()}"
            folders[plan.name] = site.inbox(plan.name).folder
            with site.run(run_id, RunKind.INBOX, feed=plan.name):
                reports[plan.name] = take_inbox(site, plan, run_id=run_id, progress=progress)
    shown = []
    for name, found in reports.items():
        landed = ", ".join(f"{count} {how}" for how, count in found.landed.items())
        shown.append(f"{folders[name]}: captures: {landed or 'none'}")
        for given in found.answers:
            shown.append(f"{given.file} {given.id or '?'}: {given.answer}: {given.says}")
        if not as_json:
            for waits in found.waiting:
                typer.secho(f"waits: {waits}", err=True, fg=typer.colors.YELLOW)
            for aside, why in found.aside.items():
                typer.secho(f"set aside: {aside}: {why}", err=True, fg=typer.colors.RED)
    said = {"feeds": {name: found.as_dict() for name, found in reports.items()}}
    answer(said, shown, as_json=as_json)
    if any(found.wrong for found in reports.values()):
        raise typer.Exit(BAD)
    if any(found.waiting for found in reports.values()):
        raise typer.Exit(UNKNOWN)
