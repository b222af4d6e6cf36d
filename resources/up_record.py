"""What `touchline up` writes of itself into the state folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resources.private_json import read_private_json, write_private_json
from resources.processes import ProcessId
from resources.settings import Settings

_STATE = "up.json"


@dataclass(frozen=True)
class Up:
    """What is recorded about an `up`, for `down`, `--detach` and people."""

    process: ProcessId
    state: str
    """starting, ready, failed, ended: a crash leaves what was before it."""
    url: str
    error: str = ""
    children: Mapping[str, str] = field(default_factory=dict)
    """How each part stands, by name, as the supervisor has it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Fingerprints of those that it was started with, salted with `salt`; empty is unknown."""

    def write(self, settings: Settings) -> None:
        content = {
            **self.process.content,
            "state": self.state,
            "url": self.url,
            "error": self.error,
            "children": dict(self.children),
            "settings": dict(self.settings),
        }
        write_private_json(settings.run_folder / _STATE, content)

    @property
    def salt(self) -> str:
        return f"{self.process.pid}/{self.process.created}/"

    @classmethod
    def read(cls, settings: Settings) -> Up | None:
        content = read_private_json(settings.run_folder / _STATE)
        process = ProcessId.recorded(settings.run_folder / _STATE)
        if not content or not process:
            return None
        return cls(
            process,
            content["state"],
            content["url"],
            content["error"],
            content.get("children", {}),
            content.get("settings", {}),  # An older `up` wrote none.
        )
