"""`touchline mirror`, and a site that is read from the second copy alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import touchline
from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from tests.operations.conftest import FEED, Answer, RunDay, run_on

SECOND_BUCKET = "second-copy"


@pytest.fixture(scope="module")
def sealed(s3_server: S3Access, tmp_path_factory: pytest.TempPathFactory) -> RunDay:
    """Two minutes of two matches, sealed on the next day."""
    day = run_on(s3_server, tmp_path_factory.mktemp("sealed"))(2, [[], []])
    day.seal()
    client = day.access.client()
    if SECOND_BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=SECOND_BUCKET)
    return day


def touchline_mirror(day: RunDay, *arguments: str, **environment: str) -> Answer:
    place = {
        "TOUCHLINE_MIRROR_ENDPOINT_URL": day.access.endpoint_url,
        "TOUCHLINE_MIRROR_BUCKET": SECOND_BUCKET,
        "TOUCHLINE_MIRROR_PREFIX": f"copy-of/{day.settings.s3_prefix}",
    }
    return day.touchline("mirror", *arguments, **{**place, **environment})


@pytest.fixture(scope="module")
def copied(sealed: RunDay) -> RunDay:
    answer = touchline_mirror(sealed, "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.json["days"] == [str(sealed.day)]
    assert answer.json["differs"] == answer.json["waiting"] == []
    assert answer.json["sent"] == answer.json["verified"] == answer.json["objects"] > 15
    return sealed


def alone(day: RunDay, home: Path) -> dict[str, str]:
    """The settings of a machine that has nothing but the second copy."""
    return {
        "TOUCHLINE_HOME": str(home / "new"),
        "TOUCHLINE_S3_BUCKET": SECOND_BUCKET,
        "TOUCHLINE_S3_PREFIX": f"copy-of/{day.settings.s3_prefix}",
    }


def test_the_second_time_nothing_is_sent_and_a_person_can_read_it(copied: RunDay) -> None:
    answer = touchline_mirror(copied)
    assert answer.exit_code == 0
    shown = " ".join(answer.stdout.decode().split())
    assert "days that stand there whole │ 1" in shown
    assert "sent │ 0" in shown


def test_the_day_is_read_from_the_copy_alone(
    copied: RunDay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in copied.environment.items():
        monkeypatch.setenv(name, value)
    names = [stage.name for stage in PLANS[FEED].stages]
    tables = {name: touchline.load(name, copied.day, as_="arrow") for name in names}
    fetch = copied.touchline("fetch", str(copied.day), str(copied.numbers[1]))
    rows = copied.touchline("rows", "--asset", "merged", "--date", str(copied.day))

    env = alone(copied, tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert sum(table.num_rows for table in tables.values()) > 20
    for name, table in tables.items():
        there: pa.Table = touchline.load(name, copied.day, as_="arrow")
        assert there.equals(table), name
    envelopes = touchline.load("raw_fetches", copied.day, as_="records")
    assert [envelope.ref.number for envelope in envelopes] == copied.numbers
    assert copied.touchline("fetch", str(copied.day), str(copied.numbers[1]), **env) == fetch
    assert copied.touchline("rows", "--asset", "merged", "--date", str(copied.day), **env) == rows
    assert fetch.exit_code == rows.exit_code == 0
    assert list(tmp_path.iterdir()) == [], "and nothing is left behind"


def test_what_differs_is_told_with_exit_code_1(copied: RunDay) -> None:
    client = copied.access.client()
    below = f"copy-of/{copied.settings.s3_prefix}/lake-manifests/football/merged/"
    [item] = client.list_objects_v2(Bucket=SECOND_BUCKET, Prefix=below)["Contents"]
    client.put_object(Bucket=SECOND_BUCKET, Key=item["Key"], Body=b"not a manifest")
    answer = touchline_mirror(copied)
    assert answer.exit_code == 1
    assert "differs: lake-manifests/football/merged/" in answer.stdout.decode()
    assert touchline_mirror(copied, "--json").json["incomplete"] == [str(copied.day)]
    repaired = touchline_mirror(copied, "--deep", "--json")
    assert (repaired.exit_code, len(repaired.json["repaired"])) == (0, 1)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TOUCHLINE_MIRROR_BUCKET": ""}, "TOUCHLINE_MIRROR_BUCKET is not set"),
        (
            {"TOUCHLINE_MIRROR_BUCKET": "no-such-bucket"},
            "no-such-bucket: make it, or set",
        ),
        ({"TOUCHLINE_MIRROR_BUCKET": "touchline"}, "is where the store itself is"),
        ({"TOUCHLINE_MIRROR_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_a_place_that_will_not_do_is_told_with_exit_code_2(
    sealed: RunDay, environment: dict[str, str], said: str
) -> None:
    answer = touchline_mirror(sealed, **environment)
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_a_profile_brings_credentials_of_its_own(sealed: RunDay, tmp_path: Path) -> None:
    """Those of the environment are the store's, and may mean nothing at the other place."""
    (tmp_path / "credentials").write_text(
        f"[copy]\naws_access_key_id = {sealed.access.access_key_id}\n"
        f"aws_secret_access_key = {sealed.access.secret_access_key}\n"
        "[wrong]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
    )
    shared = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    prefix = {"TOUCHLINE_MIRROR_PREFIX": f"of-a-profile/{sealed.settings.s3_prefix}"}
    refused = touchline_mirror(sealed, TOUCHLINE_MIRROR_PROFILE="wrong", **shared, **prefix)
    assert refused.exit_code == 2
    taken = touchline_mirror(sealed, "--json", TOUCHLINE_MIRROR_PROFILE="copy", **shared, **prefix)
    assert (taken.exit_code, taken.json["days"]) == (0, [str(sealed.day)])
