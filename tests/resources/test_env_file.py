"""AWS_* variables of `.env`: which of them a process takes over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from resources.env_file import take_aws_variables

KEYS = "AWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=secret\nAWS_SESSION_TOKEN=token\n"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    monkeypatch.setattr(os, "environ", kept)


def taken(file: str) -> dict[str, str]:
    Path(".env").write_text(file)
    before = dict(os.environ)
    take_aws_variables()
    return {name: value for name, value in os.environ.items() if before.get(name) != value}


def test_what_the_environment_has_not_or_has_empty_is_taken() -> None:
    os.environ["AWS_REGION"] = "eu-central-1"
    os.environ["AWS_ACCESS_KEY_ID"] = ""
    file = KEYS + "AWS_REGION=us-east-1\nAWS_CA_BUNDLE=\nOTHER=1\nTOUCHLINE_S3_BUCKET=b\n"
    assert taken(file) == {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }


@pytest.mark.parametrize("who", ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"])
def test_credentials_of_two_accounts_are_never_mixed(who: str) -> None:
    os.environ[who] = "somebody else"
    assert taken(KEYS + "AWS_REGION=us-east-1\n") == {"AWS_REGION": "us-east-1"}


def test_without_a_file_nothing_changes() -> None:
    before = dict(os.environ)
    take_aws_variables()
    assert os.environ == before
