"""`touchline s3`: where the store is, and what other tools need to read it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from operations.cli import app
from operations.commands.s3 import duckdb_secret
from resources.embedded_s3 import Server

SECRET = "a-secret-of-somebody"


@pytest.fixture(autouse=True)
def home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TOUCHLINE_HOME")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION", "DEFAULT_REGION", "PROFILE"):
        # Set, so that what the command takes out of `.env` is taken back afterwards.
        monkeypatch.setenv(f"AWS_{name}", "")
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / ".touchline"


@pytest.fixture
def embedded(home: Path) -> Server:
    """One that was started once, and does not run."""
    server = Server(home / "s3")
    server.prepare()
    return server


def s3(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["s3", *arguments])


def test_the_embedded_store_is_told_and_its_keys_to_who_asks(embedded: Server) -> None:
    access, file = embedded.access, str(embedded.identities_file)
    text = s3("--prefix", "replay/simulated-1")
    assert (text.exit_code, text.stderr) == (0, "")
    assert f"endpoint: {access.endpoint_url} (embedded, does not run: `touchline up`" in text.stdout
    assert f"keys:     {file}, made here; --show-keys" in text.stdout
    store = json.loads(s3("--prefix", "replay/simulated-1", "--json").stdout)
    assert store["lake"] == "s3://touchline/replay/simulated-1/lake"
    assert (store["is_embedded"], store["is_running"]) == (True, False)
    assert store["storage_options"] == {
        "aws_endpoint_url": access.endpoint_url,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    for said in (text.stdout, json.dumps(store)):
        assert str(access.secret_access_key) not in said
        assert str(access.access_key_id) not in said

    shown = json.loads(s3("--show-keys", "--json").stdout)["storage_options"]
    assert shown["aws_access_key_id"] == access.access_key_id
    assert shown["aws_secret_access_key"] == access.secret_access_key
    assert f"SECRET '{access.secret_access_key}'" in s3("--show-keys").stdout


def test_duckdb_reads_the_keys_where_they_are(embedded: Server) -> None:
    """All but the secret's own statement, for which DuckDB would fetch an extension."""
    statements = duckdb.extract_statements(s3().stdout)
    key_id, secret, create, *resets = [statement.query for statement in statements]
    connection = duckdb.connect()
    connection.execute(key_id).execute(secret)
    read = "SELECT getvariable('touchline_key_id'), getvariable('touchline_secret')"
    assert connection.execute(read).fetchone() == (
        embedded.access.access_key_id,
        embedded.access.secret_access_key,
    )
    assert "KEY_ID getvariable('touchline_key_id')" in create
    assert "USE_SSL false" in create
    for reset in resets:
        connection.execute(reset)
    assert connection.execute(read).fetchone() == (None, None)


def test_keys_of_your_own_store_are_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "https://s3.example.com/under")
    monkeypatch.setenv("TOUCHLINE_S3_BUCKET", "bucket-of-mine")
    assert "keys:     nowhere: set AWS_ACCESS_KEY_ID" in s3().stdout

    Path(".env").write_text(f"AWS_ACCESS_KEY_ID=who-i-am\nAWS_SECRET_ACCESS_KEY={SECRET}\n")
    said = s3("--show-keys")
    assert f"keys:     {Path('.env').absolute()} (AWS_ACCESS_KEY_ID, ...)" in said.stdout

    Path(".env").unlink()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "who-i-am")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    as_json = s3("--show-keys", "--json")
    store = json.loads(as_json.stdout)
    assert store["keys"] == "environment (AWS_ACCESS_KEY_ID, ...)"
    assert (store["is_embedded"], store["is_running"], store["region"]) == (
        False,
        None,
        "eu-west-1",
    )
    assert "PROVIDER credential_chain" in store["duckdb"]
    assert "ENDPOINT 's3.example.com/under'" in store["duckdb"]
    assert "SCOPE 's3://bucket-of-mine'" in store["duckdb"]
    for each in (said, as_json, s3()):
        assert SECRET not in each.output
        assert "who-i-am" not in each.output
    assert not home.exists(), "nothing is made"


def test_without_a_store_it_says_what_makes_one() -> None:
    said = s3("--json")
    assert said.exit_code == 2
    assert json.loads(said.stdout)["error"]["kind"] == "store_missing"


def test_what_is_quoted_stays_one_text() -> None:
    sql = duckdb_secret("http://h:1", "r", "b", keys=None, keys_file="/it's/keys.json")
    assert "read_json('/it''s/keys.json')" in sql
    assert len(duckdb.extract_statements(sql)) == 5
