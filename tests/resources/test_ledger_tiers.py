"""Windows, seals, expiries and locks in the ledger."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import create_engine, make_url, text

from resources.ledger import Expiry, Ledger, SealRow
from resources.ledger.database import Database, migration_config, with_driver
from resources.manifest import About
from tests.resources.ledger_samples import ASSET, AT, DAY, WINDOW, claim, held
from tests.slots import RAW
from touchline.accounting import Outcome

LATER = AT + timedelta(minutes=10)


def test_a_window_is_announced_then_verified(ledger: Ledger) -> None:
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1, about=About({}, [], []))], AT)
    row = ledger.windows(ASSET, DAY)[WINDOW]
    assert (row.sha256, row.etag, row.is_verified) == ("sha", None, False)
    assert row.held == [held(1)], "what the window itself says at length stays out of the ledger"

    ledger.window_verified(ASSET, DAY, WINDOW, "w1", 4096, LATER)
    row = ledger.windows(ASSET, DAY)[WINDOW]
    assert (row.etag, row.size, row.stored_at, row.is_verified) == ("w1", 4096, LATER, True)


def test_announcing_the_same_window_again_keeps_its_verification(ledger: Ledger) -> None:
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1)], AT)
    ledger.window_verified(ASSET, DAY, WINDOW, "w1", 4096, AT)
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1)], LATER)
    assert ledger.windows(ASSET, DAY)[WINDOW].is_verified

    ledger.intend_window(ASSET, DAY, WINDOW, "other", [held(1), held(2)], LATER)
    row = ledger.windows(ASSET, DAY)[WINDOW]
    assert (row.sha256, row.etag, row.held) == ("other", None, [held(1), held(2)])


def test_a_later_seal_takes_the_place_of_the_one_before(ledger: Ledger) -> None:
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1)], AT)
    assert ledger.seal(ASSET, DAY) is None
    ledger.sealed(ASSET, DAY, number=1, fetches=9, emitted=90, files={"a": "s1"}, at=AT)
    ledger.cleared(ASSET, DAY, [WINDOW], LATER)
    assert ledger.windows(ASSET, DAY) == {}
    first = SealRow(ASSET, DAY, 1, 9, 90, {"a": "s1"}, AT, LATER)
    assert ledger.seal(ASSET, DAY) == first
    assert ledger.seals("football") == [first]
    assert ledger.seals("basketball") == []

    ledger.sealed(ASSET, DAY, number=2, fetches=10, emitted=99, files={"b": "s2"}, at=LATER)
    assert ledger.seal(ASSET, DAY) == SealRow(ASSET, DAY, 2, 10, 99, {"b": "s2"}, LATER, None)


def test_what_was_removed_on_purpose_says_why(ledger: Ledger) -> None:
    ledger.expired(ASSET, DAY, "lake", "older than 30 days", AT)
    said = Expiry(ASSET, DAY, "lake", "older than 30 days", AT)
    assert ledger.expiries(ASSET, DAY) == {"lake": said}
    assert ledger.expiries(ASSET, DAY.shifted(1)) == {}


def test_a_lock_has_one_holder_until_it_is_given_back_or_its_time_is_over(ledger: Ledger) -> None:
    until = AT + timedelta(minutes=30)
    assert ledger.lock("day", "seal", AT, until) is None
    assert ledger.lock("day", "backfill", AT, until) == "seal"
    assert ledger.lock("day", "seal", AT, until + timedelta(minutes=30)) is None, "kept longer"
    assert ledger.lock("day", "backfill", until, until) == "seal"
    ledger.unlock("day", "backfill")
    assert ledger.lock("day", "backfill", until, until) == "seal", "only its holder gives it back"
    ledger.unlock("day", "seal")
    assert ledger.lock("day", "backfill", AT, until) is None
    assert ledger.lock("day", "seal", until, until + timedelta(minutes=1)) is None, "it has died"


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_ledger_of_a_version_before_knows_what_its_claims_hold(
    ledger_url: str, revision: str
) -> None:
    """Columns that each minute reads are filled from the claims of before."""
    from alembic import command

    database = Database(ledger_url)
    with database._exclusive() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    row = {
        "prefix": "live",
        "asset": ASSET,
        "day": str(DAY),
        "state": "landed",
        "fetch_id": "latest",
        "attempts": 0,
        "sequence": 1,
        "updated_at": "2025-05-28 17:00:00.000000",
    }
    said = claim(1, outcome=Outcome.PARTIAL)
    columns = {"landed": msgspec.json.encode(said).decode(), "etag": "e1"}
    if revision == "0002":
        columns |= {"outcome": "partial", "emitted": 99}
    names = [*row, "number", *columns]
    values = ", ".join(f":{name}" for name in names)
    insert = text(f"INSERT INTO ledger_claims ({', '.join(names)}) VALUES ({values})")
    engine = create_engine(with_driver(make_url(ledger_url)))
    with engine.begin() as connection:
        connection.execute(insert, row | columns | {"number": 1})
        connection.execute(insert, row | dict.fromkeys(columns) | {"number": 2})
    engine.dispose()

    ledger = Ledger(ledger_url, "live")
    ledger.migrate()
    nothing = [None] * 5
    assert ledger.standing(ASSET, DAY) == {
        1: (1, Outcome.PARTIAL, 99, "e1", None, False, said.ref.fetch_id, 102, 102, 1, None),
        2: (2, None, None, None, None, False, *nothing),
    }
    ledger.intend(claim(3), AT)
    ledger.close()
    database.close()


def test_what_landed_in_an_input_since_is_known(ledger: Ledger) -> None:
    """By which what was collected of stages is collected again after one of them was repaired."""
    other = "football/pretty_print"
    for asset, at in ((other, AT), (ASSET, AT)):
        for number in (1, 2):
            ledger.landed(claim(number, asset=asset), f"e{number}", 10, at)
    assert ledger.landed_since(ASSET, [other], DAY) == set()
    ledger.landed(claim(2, "again", asset=other), "e9", 10, LATER)
    assert ledger.landed_since(ASSET, [other], DAY) == {2}
    assert ledger.landed_since(other, [ASSET], DAY) == set()
    ledger.landed(claim(2, "again"), "e9", 10, LATER)
    assert ledger.landed_since(ASSET, [other], DAY) == set()


def test_a_window_that_another_process_changes_is_seen(ledger: Ledger, ledger_url: str) -> None:
    other = Ledger(ledger_url, "live")
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1)], AT)
    assert ledger.windows(ASSET, DAY)[WINDOW].held == [held(1)]

    other.window_verified(ASSET, DAY, WINDOW, "w1", 4096, LATER)
    row = ledger.windows(ASSET, DAY)[WINDOW]
    assert (row.is_verified, row.size, row.stored_at) == (True, 4096, LATER)

    other.intend_window(ASSET, DAY, WINDOW, "other", [held(1), held(2)], LATER)
    assert ledger.windows(ASSET, DAY)[WINDOW].held == [held(1), held(2)]

    other.cleared(ASSET, DAY, [WINDOW], LATER)
    assert ledger.windows(ASSET, DAY) == {}
    other.close()


def test_only_verified_windows_hold_fetches(ledger: Ledger) -> None:
    other = WINDOW.replace("00001-00010", "00011-00020")
    assert ledger.in_windows(ASSET, DAY) == set()
    ledger.intend_window(ASSET, DAY, WINDOW, "sha", [held(1), held(3)], AT)
    assert ledger.in_windows(ASSET, DAY) == set()
    ledger.window_verified(ASSET, DAY, WINDOW, "w1", 4096, AT)
    ledger.intend_window(ASSET, DAY, other, "sha", [held(11)], AT)
    ledger.window_verified(ASSET, DAY, other, "w2", 4096, AT)
    assert ledger.in_windows(ASSET, DAY) == {1, 3, 11}

    ledger.intend_window(ASSET, DAY, WINDOW, "later", [held(1), held(2), held(3)], LATER)
    assert ledger.in_windows(ASSET, DAY) == {11}
    assert ledger.in_windows(ASSET, DAY.shifted(1)) == set()
    assert ledger.in_windows(ASSET, DAY) == {11}


def test_an_asset_is_part_of_a_day_since_a_minute_knew_it(ledger: Ledger) -> None:
    before, after = claim(700).ref, claim(701).ref
    feed = "football"
    assert ledger.since(ASSET, DAY) is None

    ledger.fetch_landed(before, Outcome.COMPLETE, None, AT, 0.0)
    ledger.assets_begin([ASSET], DAY)
    ledger.fetch_landed(after, Outcome.COMPLETE, None, AT, 0.0)
    since, changes = ledger.since(ASSET, DAY), ledger.changes(RAW, DAY)
    assert since is not None
    assert changes[before.number] < since < changes[after.number]

    version, other = ledger.version(ASSET, DAY), f"{ASSET}_too"
    ledger.assets_begin([ASSET, other], DAY)
    assert (ledger.since(ASSET, DAY), ledger.version(ASSET, DAY)) == (since, version)
    ledger.intend(claim(702))
    assert ledger.since(ASSET, DAY) == since
    assert ledger.since(other, DAY) == ledger.version(other, DAY)
    assert ledger.asset_days(feed) == {(ASSET, DAY), (other, DAY)}
    assert ledger.since(ASSET, DAY.shifted(-1)) is None
    assert ledger.since(ASSET, DAY.shifted(1)) == 0, "it goes on, whatever the ledger was told"


def test_an_asset_that_has_begun_a_day_is_part_of_all_of_it(ledger: Ledger) -> None:
    ledger.intend(claim(700))
    assert ledger.since(ASSET, DAY) is None, "a claim alone does not say so"
    ledger.assets_begin([ASSET], DAY)
    assert ledger.since(ASSET, DAY) == 0
