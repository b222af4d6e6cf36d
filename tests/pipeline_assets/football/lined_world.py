"""A small world whose matches have a goal line, so that half-time without goals raises an alert."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from tests.chain import NOON
from tests.pipeline_assets.football.client.conftest import SmallWorld


@dataclass
class LinedWorld(SmallWorld):
    """Every match has an over/under line of 3.25, unless `lines` has another, quoted in minute 3;
    nobody ever scores."""

    lines: dict[str, float] = field(default_factory=dict)

    def odds(self, match_id: str, at: int) -> bytes | None:
        quoted = int(NOON.utc.timestamp()) - 40 * 60
        line = self.lines.get(match_id, 3.25)
        return msgspec.json.encode({"2": {"bs": [[quoted, "3", 1.05, line, 0.83, 2, 0, "0-0"]]}})
