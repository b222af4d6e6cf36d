"""What the crash tests share: the vendor, and clients that no fork has used."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.embedded_s3 import S3Access
from simulator.server import Served, serve
from tests.chain import NOON, SECRET, USER
from tests.crash.rig import Rig
from tests.crash.world import RollingWorld
from tests.stores import s3_store


@pytest.fixture(scope="session", autouse=True)
def forks_share_what_was_imported() -> Iterator[None]:
    """A garbage collection in a child would copy every page of it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def vendor() -> Iterator[Served]:
    with serve(RollingWorld(NOON, minutes=90), user=USER, secret=SECRET) as served:
        yield served


@pytest.fixture
def rig(s3_server: S3Access, vendor: Served, tmp_path: Path) -> Rig:
    ours, childrens = s3_store(s3_server), s3_store(s3_server)
    # Made now and connected to nothing yet: every fork may use it as its own.
    _ = childrens.client
    return Rig(vendor, s3_server, tmp_path, ours, childrens)
