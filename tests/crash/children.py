"""Work in forked children: nothing of one process is left to the next but what it stored."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.crash.effects import Observer, observe

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
    ours, theirs = socket.socketpair()
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        os.close(readable)
        _be_a_child(work, observer, theirs, writable)
    theirs.close()
    os.close(writable)
    served = None
    if observer is not None:
        observer.pid = pid
        served = threading.Thread(target=observer.serve, args=(ours,))
        served.start()
    with os.fdopen(readable, "rb") as results:
        told = results.read()
    _, status = os.waitpid(pid, 0)
    if served is not None:
        served.join()
    ours.close()
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


def _be_a_child(
    work: Callable[[], Any], observer: Observer | None, connection: socket.socket, results: int
) -> None:
    """Never returns: what the parent would do at its end is not ours to do."""
    try:
        faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True, file=results)
        ends = None
        if observer is not None:
            lines = observer.point.lines if observer.point else 0
            ends = observe(connection, observer.home, lines)
        known = set(sys.modules)
        result = work()
        told = pickle.dumps((result, sorted(set(sys.modules) - known), None))
        if ends is not None:
            ends()
    except BaseException:
        told = pickle.dumps((None, [], traceback.format_exc()))
    try:
        with os.fdopen(results, "wb") as file:
            file.write(told)
    finally:
        os._exit(0)
