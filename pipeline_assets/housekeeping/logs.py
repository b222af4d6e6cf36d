"""The logs of the processes that `touchline up` watches over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LARGEST_LOG_BYTES = 20_000_000


def long_logs(folder: Path) -> list[Path]:
    """Those that are to begin anew."""
    logs = sorted(folder.glob("*.log"))
    return [log for log in logs if log.stat().st_size > LARGEST_LOG_BYTES]


def begin_anew(log: Path) -> None:
    """Keep what it says under another name, in the place of what stood there, and empty it: its
    process appends to it and goes on. A line that is written between the two is lost."""
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)
