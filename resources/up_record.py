"""What `touchline up` writes of itself into the state folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

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
        """Record it, beside the process that it is."""
        said = {name: getattr(self, name) for name in _SAID}
        write_private_json(settings.run_folder / _STATE, {**self.process.content, **said})

    @property
    def salt(self) -> str:
        return f"{self.process.pid}/{self.process.created}/"

    @classmethod
    def read(cls, settings: Settings) -> Up | None:
        """The last one of this state folder; an older version wrote less of it."""
        content = read_private_json(settings.run_folder / _STATE)
        process = ProcessId.recorded(settings.run_folder / _STATE)
        if not content or not process:
            return None
        return cls(process, **{name: content[name] for name in _SAID if name in content})


_SAID = [each.name for each in fields(Up) if each.name != "process"]
