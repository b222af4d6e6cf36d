"""Work in forked children: nothing of one process is left to the next but what it stored."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NoReturn

from tests.crash.effects import Observer

HANGS_SECONDS = 100
"""A child that takes longer shows where it stands and ends."""


class ChildFailed(AssertionError):
    """Work in a child raised, or the child ended in a way that nobody asked for."""


class WasKilled(Exception):
    """The child was killed."""


def in_child(work: Callable[[], Any], observer: Observer | None = None) -> Any:
    """What the work returned, in a fork of this process, observed.

    What it had to import is imported here too, so that the next ones need not. Raises
    ChildFailed, and WasKilled when SIGKILL ended it.
    """
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            _be_a_child(work, observer, file)
        _, status = os.waitpid(pid, 0)
        file.seek(0)
        told = file.read()
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        raise WasKilled
    if status != 0 or not told:
        raise ChildFailed(f"the child ended with {status}: {told.decode(errors='replace')}")
    result, imported, error = pickle.loads(told)
    if error is not None:
        raise ChildFailed(error)
    for module in imported:
        with suppress(ImportError):  # Some make modules that nobody can import.
            importlib.import_module(module)
    return result


def _be_a_child(work: Callable[[], Any], observer: Observer | None, results: IO[bytes]) -> NoReturn:
    """What the parent would do at its end is not ours to do."""
    try:
        faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True, file=results)
        if observer is not None:
            observer.install()
        known = set(sys.modules)
        result = work()
        told = pickle.dumps((result, sorted(set(sys.modules) - known), None))
        if observer is not None:
            observer.ends()
    except BaseException:
        told = pickle.dumps((None, [], traceback.format_exc()))
    try:
        results.write(told)
        results.flush()
    finally:
        os._exit(0)
