"""Garbage and freed memory, of a process that lives for a minute and one that lives for ever."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache

_NEW_OBJECTS = 500_000


def collect_less_garbage() -> None:
    """Leave what has been imported out of it, and look for garbage after 500,000 new objects rather
    than 700: a run would spend a fifth of its CPU time going through modules and the rows it reads.

    In a process that has many runs, only the first leaves anything out: what a run left behind
    would never be given back otherwise.
    """
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def give_back_memory() -> None:
    """Collect the garbage of a process that lives for ever, and give what is free to the kernel.

    At its first call it leaves out of this what there is, which is what was imported: it costs some
    milliseconds then, not 0.2 s. Python alone waits until garbage is a quarter of all there is,
    and the C library (glibc) gives back only what lies at the end of its memory.
    """
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
