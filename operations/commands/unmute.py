"""The command `unmute`."""

from __future__ import annotations

from datetime import UTC, datetime

from operations.arguments import Json, Prefix
from operations.commands.mute import Key, key_of, say
from operations.opened import opened_ledger
from touchline.alerting import Alert
from touchline.day import utc_text


def unmute(key: Key, prefix: Prefix = None, as_json: Json = False) -> None:
    """Lift the mute of an alert before its time; what is still bad alerts again, unless it is
    acknowledged."""
    now, named = datetime.now(UTC), key_of(key)
    with opened_ledger(prefix) as ledger:
        after = ledger.unmute(named, now)
    say(named, after, now, _unmuted_text, as_json)


def _unmuted_text(alert: Alert, now: datetime) -> str:
    until = alert.hushed_until(now)
    if until > now:
        return f"not muted any more; still acknowledged until {utc_text(until)}"
    return "not muted any more: what is still bad alerts again"
