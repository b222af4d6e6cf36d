"""Settings: where they come from, what they refuse, and that they keep secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_assets.settings import AllSettings
from resources.settings import PREFIX, SettingsError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, and a working directory without `.env`."""
    for name in AllSettings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing_set(tmp_path: Path) -> None:
    settings = AllSettings.load()
    assert settings.home == tmp_path / ".touchline"
    assert settings.uses_embedded_s3
    assert (settings.s3_bucket, settings.s3_prefix) == ("touchline", "")
    assert settings.ledger_database == f"sqlite:///{tmp_path}/.touchline/ledger.sqlite"
    assert settings.notify_targets == ()


def test_the_home_stays_where_it_was_when_the_process_moves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = AllSettings.load()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert settings.spool_folder == tmp_path / ".touchline" / "spool"


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TOUCHLINE_S3_BUCKET=from-file\nTOUCHLINE_S3_PREFIX=file\nX=1\n")
    monkeypatch.setenv("TOUCHLINE_S3_PREFIX", "/from/environment/")
    settings = AllSettings.load()
    assert settings.s3_bucket == "from-file"
    assert settings.s3_prefix == "from/environment"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", "")
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "")
    settings = AllSettings.load()
    assert settings.uses_embedded_s3
    assert settings.feed_secret is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("S3_ENDPOINT_URL", "localhost:9000"),
        ("S3_ENDPOINT_URL", "ftp://store"),
        ("S3_BUCKET", "Not_A_Bucket"),
        ("S3_PREFIX", "a//b"),
        ("S3_PREFIX", "../b"),
        ("FEED_URL", "https://vendor.example/v1/football/?user=u&secret=hush-hush"),
        ("FEED_URL", "https://u:hush-hush@vendor.example/v1/football/"),
        ("FEED_DEADLINE_SECONDS", "soon"),
        ("FEED_DEADLINE_SECONDS", "0"),
        ("LEDGER_URL", "hush-hush"),
        ("LEDGER_URL", "postgresql://t:p@hush-hush@db.example/touchline"),
        ("LEDGER_URL", "postgresql://t:p@hu:hush-hush@db.example/touchline"),
        ("DAGSTER_URL", "hush-hush"),
        ("DAGSTER_URL", "sqlite:///hush-hush"),
        ("DAGSTER_URL", "postgres://t:hush-hush@db.example/dagster"),
        ("DAGSTER_URL", "postgresql://t:p@hush-hush@db.example/dagster"),
        ("ORIGIN", "rumour"),
        ("MIRROR_ENDPOINT_URL", "store"),
        ("MIRROR_BUCKET", "Not_A_Bucket"),
        ("MIRROR_PREFIX", "a//b"),
        ("KEEP_RAW_DAYS", "1"),
        ("KEEP_LAKE_DAYS", "0"),
        ("LEGAL_HOLD", "2025-05-28..soon"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(PREFIX + variable, value)
    with pytest.raises(SettingsError) as caught:
        AllSettings.load()
    text = str(caught.value)
    assert text.startswith(f"{PREFIX}{variable}: ")
    assert "\n" not in text
    assert "hush-hush" not in text
    assert caught.value.__suppress_context__


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_S3_BUCKET", "A")
    monkeypatch.setenv("TOUCHLINE_ORIGIN", "rumour")
    with pytest.raises(SettingsError, match=r"TOUCHLINE_S3_BUCKET: .*TOUCHLINE_ORIGIN: "):
        AllSettings.load()


def test_the_feed_url_ends_with_one_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_URL", "https://vendor.example/v1/football")
    assert AllSettings.load().require_feed_url() == "https://vendor.example/v1/football/"


def test_a_missing_credential_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_USER", "u")
    with pytest.raises(SettingsError, match="TOUCHLINE_FEED_SECRET is not set"):
        AllSettings.load().feed_credentials()
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "s")
    assert AllSettings.load().feed_credentials() == ("u", "s")


def test_secrets_show_nowhere_and_reach_children(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {
        "TOUCHLINE_FEED_USER": "hush-user",
        "TOUCHLINE_FEED_SECRET": "hush-secret",
        "TOUCHLINE_LEDGER_URL": "postgresql://t:hush-password@db.example/touchline",
        "TOUCHLINE_NOTIFY_URLS": "json://hush-token@n.example, json://second.example",
    }
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    settings = AllSettings.load()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hush" not in shown
    assert secret.items() <= settings.environment().items()
    assert settings.notify_targets == ("json://hush-token@n.example", "json://second.example")


@pytest.mark.parametrize("driver", ["", "+psycopg", "+psycopg2", "+asyncpg"])
def test_dagsters_url_names_the_driver_that_it_works_with(
    monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    rest = "://t:hush%40password@/dagster?host=%2Frun%2Fpostgresql"
    monkeypatch.setenv("TOUCHLINE_DAGSTER_URL", f"postgresql{driver}{rest}")
    settings = AllSettings.load()
    assert settings.environment()["TOUCHLINE_DAGSTER_URL"] == f"postgresql+psycopg2{rest}"
    assert "hush" not in repr(settings)


def test_a_second_copy_needs_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="TOUCHLINE_MIRROR_BUCKET is not set"):
        AllSettings.load().require_mirror_bucket()
    monkeypatch.setenv("TOUCHLINE_MIRROR_BUCKET", "elsewhere")
    assert AllSettings.load().require_mirror_bucket() == "elsewhere"


def test_a_child_resolves_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_URL", "https://vendor.example/v1/football/")
    parent = AllSettings.load(origin="simulated", minimum_free_disk_megabytes=7)
    for name, value in parent.environment().items():
        monkeypatch.setenv(name, value)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert AllSettings.load() == parent
