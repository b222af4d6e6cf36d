"""What the crash tests share: the vendor, the proxy, and clients that no fork has used."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.embedded_s3 import S3Access
from resources.store.s3 import OneClient, PatientS3, S3Store
from simulator.server import Served, serve
from tests.chain import SECRET, USER
from tests.crash.proxy import RecordingProxy, recording_proxy
from tests.crash.rig import NOON, Rig
from tests.crash.world import RollingWorld


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


@pytest.fixture(scope="session")
def proxy(s3_server: S3Access) -> Iterator[RecordingProxy]:
    with recording_proxy(s3_server) as proxy:
        yield proxy


@pytest.fixture
def rig(s3_server: S3Access, proxy: RecordingProxy, vendor: Served, tmp_path: Path) -> Rig:
    return Rig(
        vendor,
        proxy,
        tmp_path,
        ours=store_of(s3_server),
        childrens=(s3_server, store_of(s3_server)),
        observed=(proxy.access, store_of(proxy.access)),
    )


def store_of(access: S3Access) -> S3Store:
    s3 = PatientS3(
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
    )
    # It is connected to nothing yet: every fork may use it as its own.
    return S3Store(s3, "touchline", _one=OneClient(s3.get_client()))
