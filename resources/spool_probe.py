"""Whether the spool's disk keeps what is written to it, tried at start.

The spool is where a fetch is safe while the object store is away, so it must outlive the process
that wrote it, and the machine's next start.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

from touchline.errors import TouchlineError

_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
_TIMEOUT_SECONDS = 60.0
_WRITE = """
import sys
from pathlib import Path
from resources.spool import write_durably
write_durably(Path(sys.argv[1]), sys.argv[2].encode())
"""


class SpoolNotKept(TouchlineError):
    """What is written to the spool's folder does not outlive who wrote it; says what to do."""


Partitions = Callable[[], Iterable[Any]]
"""Gives mounted file systems, each with its `mountpoint` and its `fstype`, as psutil does."""


def mounted() -> Iterable[Any]:
    """Every file system of this machine, those in memory too."""
    return psutil.disk_partitions(all=True)


def probe_spool(folder: Path, scratch: str, partitions: Partitions) -> None:
    """Have another process write a file here and end, and read it back.

    `scratch` is a name that nobody else uses. Raises SpoolNotKept, also for a folder that lies in
    memory.
    """
    folder = folder.resolve()
    advice = "move TOUCHLINE_HOME to a disk that keeps what is written to it"
    if (kind := _file_system(folder, partitions())) in _IN_MEMORY:
        raise SpoolNotKept(
            f"{folder} lies in memory ({kind}): fetches that wait there for the object store would"
            f" not outlive a restart of the machine: {advice}"
        )
    path = folder / f"probe-{scratch}"
    try:
        written = subprocess.run(
            [sys.executable, "-P", "-c", _WRITE, str(path), scratch],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )
        if written.returncode:
            said = written.stderr.strip().rpartition("\n")[2]
            raise SpoolNotKept(f"{folder} cannot be written: {said}: {advice}")
        if path.read_bytes() != scratch.encode():
            raise SpoolNotKept(f"{folder} holds other bytes than were written: {advice}")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpoolNotKept(
            f"{folder} does not keep what another process writes: {error}: {advice}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _file_system(folder: Path, partitions: Iterable[Any]) -> str | None:
    """The kind of file system that a folder lies on, or will when it is made."""
    around = [folder, *folder.parents]
    found = [
        (len(Path(each.mountpoint).parts), order, each.fstype)
        for order, each in enumerate(partitions)
        if Path(each.mountpoint) in around
    ]
    # Of two mounted at one place the later one covers the earlier.
    return max(found)[2] if found else None
