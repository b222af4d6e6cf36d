"""`touchline backup` and `restore`: all is lost, all is there again, and the next minute comes."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from operations.site_backup import back_up, restore
from resources.processes import ProcessId
from resources.settings import Settings
from resources.site import store_at
from resources.up_record import Up
from tests.operations.conftest import FEED, RunDay, RunMinutes
from touchline.clock import SystemClock


@pytest.fixture(scope="module")
def whole_day(run_minutes: RunMinutes) -> RunDay:
    return run_minutes(1, [[]])


@pytest.fixture
def day(whole_day: RunDay, tmp_path: Path) -> RunDay:
    """A minute of one match, whose fetch lies in the spool as well."""
    return whole_day.copy(tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.tar"


def objects(day: RunDay) -> dict[str, tuple[str, dict[str, str]]]:
    """Of the prefix: ETag and metadata by key."""
    store = store_at(day.settings, day.access)
    found = [store.head(item.key) for item in store.list("")]
    return {each.key: (each.etag, dict(each.metadata)) for each in found}


def lose(day: RunDay) -> None:
    """The disk dies, and with it store, ledger and spool."""
    store = store_at(day.settings, day.access)
    for item in list(store.list("")):
        store.delete(item.key)
    shutil.rmtree(day.settings.home)


def test_what_was_lost_is_there_again_and_goes_on(day: RunDay, file: Path) -> None:
    before = objects(day)
    left = day.settings.inbox_folder / FEED / "qa.jsonl"
    left.parent.mkdir(parents=True)
    left.write_text("{}\n")
    made = day.touchline("backup", str(file), "--json")
    assert (made.exit_code, made.json["inbox"]) == (0, 1), made.stderr
    assert made.json["objects"] == len(before) > 12
    assert made.json["spooled"] == len(day.numbers)
    lose(day)
    assert day.touchline("verify", "--all").exit_code == 2

    restored = day.touchline("restore", str(file), "--json")
    assert (restored.exit_code, restored.json["inbox"]) == (0, 1), restored.stderr
    assert left.read_text() == "{}\n"
    assert (restored.json["objects"], restored.json["ledger"]) == (len(before), True)
    assert objects(day) == before
    assert day.touchline("verify", "--all", "--deep").exit_code == 0
    day.land(1)
    verified = day.touchline("verify", "--all", "--deep", "--json")
    assert verified.exit_code == 0
    merged = verified.json["days"][str(day.day)]["football/merged"]
    assert merged["fetches_present"] == len(day.numbers) + 1


def test_what_landed_while_it_was_copied_is_brought_in(day: RunDay, file: Path) -> None:
    """The ledger is copied first: it never claims what the file does not have."""

    def meanwhile(said: str) -> None:
        if said.endswith(".txt") and not (day.settings.home / "done").exists():
            (day.settings.home / "done").touch()
            day.land(1)

    with closing(day.site()) as site:
        back_up(site, file, meanwhile)
    before = objects(day)
    lose(day)
    assert day.touchline("restore", str(file)).exit_code == 0
    assert objects(day) == before
    verified = day.touchline("verify", "--all", "--json").json["days"][str(day.day)]
    kinds = {found["kind"] for each in verified.values() for found in each["findings"]}
    assert "tracking_error" in kinds
    assert "real_loss" not in kinds
    # Of what was quarantined nobody makes anything, and Dagster never ran here.
    assert day.touchline("ledger", "rebuild").exit_code == 2
    losses = day.touchline("losses", "--json").json["losses"]
    assert {loss["asset"] for loss in losses} == {"football/quarantine"}


@pytest.mark.parametrize("meanwhile", ["moved", "sealed again", "written again and again"])
def test_what_goes_on_while_it_is_copied_is_in_it(day: RunDay, file: Path, meanwhile: str) -> None:
    """An object goes into another; a day that is sealed again has another log, and another manifest
    beside it; and what beats all the time does not keep the copy from ending."""
    store = store_at(day.settings, day.access)
    first, *_, last = [item.key for item in store.list("")]
    store.put_new("status/often", b"0")

    def goes_on(said: str) -> None:
        if not said.startswith("copying object 2 of"):
            return
        if meanwhile == "written again and again":
            found = store.get("status/often")
            store.replace("status/often", found.body + b"0", found.etag)
        elif "new" not in objects(day):
            store.put_new("new", store.get(last).body)
            if meanwhile == "moved":
                store.delete(last)
            else:
                store.replace(first, b"another", store.head(first).etag)

    with closing(day.site()) as site:
        assert back_up(site, file, goes_on).objects == len(objects(day))
    before = objects(day)
    before.pop("status/often")
    lose(day)
    assert day.touchline("restore", str(file)).exit_code == 0
    after = objects(day)
    after.pop("status/often")
    assert after == before


def test_a_link_in_the_inbox_that_may_not_be_followed_is_named(day: RunDay, file: Path) -> None:
    left = day.settings.inbox_folder / FEED / "linked"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.symlink_to("x" * 300)
    try:
        made = day.touchline("backup", str(file), "--json")
    finally:
        left.unlink()
    assert made.exit_code == 1
    assert list(made.json["damaged"]) == [str(left.relative_to(day.settings.home))]


def test_a_restore_that_died_is_gone_on_with(
    day: RunDay, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = objects(day)
    day.touchline("backup", str(file))
    lose(day)

    def dies(said: str) -> None:
        if said.startswith("restoring 12 of"):
            raise KeyboardInterrupt

    for name, value in day.environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load(_env_file=None)
    with pytest.raises(KeyboardInterrupt):
        restore(settings, file, SystemClock().now(), dies)
    assert not day.settings.ledger_file.exists()
    day.settings.ledger_file.write_bytes(b"of another site, begun meanwhile")
    assert "there is a ledger at" in day.touchline("restore", str(file)).stderr
    day.settings.ledger_file.unlink()
    again = day.touchline("restore", str(file), "--json").json
    assert again["there"] > 0
    assert again["there"] + again["objects"] == len(before)
    assert day.touchline("verify", "--all").exit_code == 0


@pytest.fixture
def backed_up(day: RunDay, file: Path) -> RunDay:
    assert day.touchline("backup", str(file)).exit_code == 0
    return day


def test_what_is_there_is_left_alone(backed_up: RunDay, file: Path, tmp_path: Path) -> None:
    day = backed_up
    assert "no backup is written over" in day.touchline("backup", str(file)).stderr
    assert "there is a ledger at" in day.touchline("restore", str(file)).stderr
    elsewhere = {"TOUCHLINE_HOME": str(tmp_path / "new")}
    assert "holds something already" in day.touchline("restore", str(file), **elsewhere).stderr
    (day.settings.run_folder).mkdir()
    Up(ProcessId.own(), "ready", "http://127.0.0.1:3000").write(day.settings)
    assert "Touchline runs on this state folder" in day.touchline("restore", str(file)).stderr


def test_only_a_whole_backup_of_this_prefix_is_restored(backed_up: RunDay, file: Path) -> None:
    day = backed_up
    lose(day)
    said = day.touchline("restore", str(file), "--prefix", "other").stderr
    assert f"TOUCHLINE_S3_PREFIX={day.settings.s3_prefix}" in said
    whole = file.read_bytes()
    later = whole.replace(b'{"format":1,"at"', b'{"format":9,"at"')
    for damaged in (whole[: len(whole) // 2], b"", b"no archive", later):
        file.write_bytes(damaged)
        answer = day.touchline("restore", str(file))
        assert answer.exit_code == 2
        assert str(file) in answer.stderr
    assert "format 9; this version reads 1" in answer.stderr
    assert objects(day) == {}
