"""The command `notify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from operations.arguments import Json
from operations.console import answer, failure
from operations.errors import BAD, UNKNOWN
from pipeline_assets.settings import AllSettings
from resources.notifier import NotDelivered, Notifier
from touchline.day import utc_second_text
from touchline.errors import Misuse

SECONDS = 10.0
"""So long a target has to take the message."""


def notify(
    test: Annotated[
        bool, typer.Option("--test", help="Send one message to every target, now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send a test message to every target of TOUCHLINE_NOTIFY_URLS, also while data are simulated,
    and say of each whether it took it: exits with 0 if all did, 1 if one did not, 2 if none is
    set."""
    settings = AllSettings.load()
    if not test:
        raise Misuse("say --test: other messages are sent when there is something to tell")
    notifier = Notifier(settings.notify_targets, is_live=True)
    now = utc_second_text(datetime.now(UTC))
    body = f"This is a test of {now}: what Touchline has to tell arrives here."
    found, shown = list[dict[str, object]](), list[str]()
    for target in range(notifier.targets):
        error = None
        try:
            notifier.send(
                target, "Touchline: test", body, seconds=SECONDS, facts={"test": True, "at": now}
            )
        except NotDelivered as not_delivered:
            error = str(not_delivered)
        url = notifier.masked_url(target)
        found.append({"target": target + 1, "url": url, "taken": not error, "error": error})
        shown.append(f"{target + 1} {url}: {error or 'taken'}")
    answer({"targets": found}, shown, as_json=as_json)
    if not found:
        raise failure("nobody is told of anything: set TOUCHLINE_NOTIFY_URLS", UNKNOWN)
    raise typer.Exit(0 if all(each["taken"] for each in found) else BAD)
