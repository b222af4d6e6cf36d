"""The command `unmute`."""

from __future__ import annotations

from datetime import UTC, datetime

from operations.alerts import unmute as lift_mute
from operations.alerts import unmuted_text
from operations.arguments import Json, Prefix
from operations.commands.mute import Key, say
from operations.opened import opened_ledger


def unmute(key: Key, prefix: Prefix = None, as_json: Json = False) -> None:
    """Lift the mute of an alert before its time; what is still bad alerts again, unless it is
    acknowledged."""
    now = datetime.now(UTC)
    with opened_ledger(prefix) as ledger:
        after = lift_mute(ledger, " ".join(key), now)
    say(after, now, unmuted_text, as_json)
