"""Garbage collection for a process that imports much and lives for a minute."""

from __future__ import annotations

import gc

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
