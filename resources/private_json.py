"""Small JSON files of the state folder, readable by their owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_private_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write with mode 600, whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_private_json(path: Path) -> dict[str, Any] | None:
    """The content, or None where there is no such file or it is no JSON object."""
    with suppress(FileNotFoundError, ValueError):
        content = json.loads(path.read_text())
        return content if isinstance(content, dict) else None
    return None
