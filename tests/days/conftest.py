"""A watched prefix for each of the days, with every stage that football has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from resources.object_store import ObjectStore
from simulator.server import serve
from simulator.source import Source
from tests.chain import FEED, SECRET, USER, Chain
from tests.crash.conftest import store_of
from tests.pipeline_assets.conftest import imports_stay as imports_stay
from touchline.day import Minute

ChainAt = Callable[[Minute, Source], Chain]


@pytest.fixture(scope="session")
def connected(s3_server: S3Access) -> ObjectStore:
    return store_of(s3_server)


@pytest.fixture
def chain_at(
    s3_server: S3Access, connected: ObjectStore, s3_prefix: str, tmp_path: Path
) -> Iterator[ChainAt]:
    """A chain that begins at this minute and asks this vendor."""
    with ExitStack() as stack:

        def make(start: Minute, source: Source) -> Chain:
            vendor = stack.enter_context(serve(source, user=USER, secret=SECRET))
            chain = Chain(s3_server, vendor, tmp_path, s3_prefix, PLANS[FEED], start, connected)
            chain.watch()
            return chain

        yield make
