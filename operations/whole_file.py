"""Where a command writes what is of use only as a whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from touchline.errors import Misuse


@contextmanager
def whole(path: Path | None) -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole: stdout without one. Raises
    Misuse where it cannot be written."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise Misuse(f"cannot write {part}: {error.strerror}") from None
    try:
        with file:
            yield file
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
