"""What is asked of the parts of the stack."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from operations.stack import object_store
from resources.embedded_s3 import Server
from resources.settings import Settings
from tests.s3_gate import FULL, S3Gate


def test_an_object_store_that_is_full_lives_while_it_answers(
    s3_gate: S3Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started again it would be as full, and what can be read of it would be gone meanwhile."""
    settings = Settings.load(_env_file=None, home=tmp_path)
    server = Server(settings.s3_folder)
    server.prepare()
    monkeypatch.setattr(Server, "access", s3_gate.access)
    monkeypatch.setattr(Server, "_sync_bodies", lambda self, bucket: None)
    store = object_store(settings, server)
    assert store.gives_sign_of_life()

    s3_gate.answers = lambda method, path: FULL if method == "PUT" else None
    assert not store.gives_sign_of_life(), "there is room, and it takes nothing"
    disk = SimpleNamespace(total=10**12, free=10**9)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: disk)
    assert not store.ready()
    assert store.gives_sign_of_life()

    s3_gate.shut = True
    assert not store.gives_sign_of_life()
