"""What tests share: one object store a session, a prefix a test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import hypothesis
import pytest

from resources.embedded_s3 import S3Access, running
from tests.s3_gate import S3Gate
from tests.s3_gate import s3_gate as gate_before

S3_BUCKET = "touchline"

# How long an example takes says more about the machine's other work than about the code.
hypothesis.settings.register_profile("touchline", deadline=None)
hypothesis.settings.load_profile("touchline")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Access]:
    """The embedded object store with the bucket `touchline`, started once (2 to 3 s)."""
    with running(tmp_path_factory.mktemp("s3"), S3_BUCKET) as access:
        yield access


@pytest.fixture
def s3_prefix(s3_server: S3Access) -> str:
    """A prefix of the bucket that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def s3_gate(s3_server: S3Access) -> Iterator[S3Gate]:
    """A gate before the object store, wide open."""
    with gate_before(s3_server) as gate:
        yield gate
