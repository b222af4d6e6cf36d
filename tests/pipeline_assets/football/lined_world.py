"""A small world whose matches have a goal line, so that half-time without goals raises an alert."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tests.pipeline_assets.conftest import NOON
from tests.resources.feeds.conftest import SmallWorld


@dataclass
class LinedWorld(SmallWorld):
    """Every match has an over/under line of 3.25, quoted in minute 3; nobody ever scores."""

    def odds(self, match_id: str, at: int) -> bytes | None:
        quoted = int(NOON.utc.timestamp()) - 40 * 60
        return msgspec.json.encode({"2": {"bs": [[quoted, "3", 1.05, 3.25, 0.83, 2, 0, "0-0"]]}})
