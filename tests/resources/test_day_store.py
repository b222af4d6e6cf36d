"""Landing: claimed first, written once, confirmed with what the store said."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.claim_book import ClaimBook
from resources.day_layout import number_of
from resources.day_store import Damaged, DayStore, Landing, WouldErase
from resources.fetch_object import FetchObject, UnreadableObject, unpack
from resources.ledger import ClaimRow
from resources.stage_codec import decode_stage
from resources.store import NotFound, StoreUnavailable
from resources.store.faulty import FaultyStore, Request, answer_lost, away, when
from tests.ledgers import sqlite_ledger
from tests.resources.stage_samples import DAY, RAW, STAGE, raw_object, stage_object
from tests.slots import asset_keys
from touchline.accounting import Account, ClaimState, Outcome
from touchline.fetch import Envelope

AT = datetime(2025, 5, 28, 17, 0, 3, tzinfo=UTC)
NAMES = STAGE.name


@pytest.fixture
def days(faulty: FaultyStore, tmp_path: Path) -> DayStore:
    ledger = sqlite_ledger(tmp_path / "ledger.sqlite")
    return DayStore("football", faulty, ClaimBook(ledger, tmp_path / "football.claims"))


def another(days: DayStore) -> DayStore:
    """Another process on the same prefix and ledger."""
    return DayStore(days.feed, days.store, days.claims)


def land(
    days: DayStore, made: FetchObject, run: str = "run-1", *, rebuild: bool = False
) -> Landing:
    return days.land(made, run_id=run, at=AT, rebuild=rebuild)


def row(days: DayStore, number: int = 7) -> ClaimRow:
    return days.claims.ledger.claims(NAMES, DAY)[number]  # type: ignore[index]


def stored(days: DayStore, number: int = 7) -> list[str]:
    opened = decode_stage(STAGE, another(days).read(NAMES, DAY, number).body)
    return [record.name for record in opened.records]


def test_an_object_lands_where_its_asset_day_and_number_say(days: DayStore) -> None:
    assert land(days, raw_object(881)) is Landing.LANDED
    assert land(days, stage_object(881)) is Landing.LANDED
    assert [item.key for item in days.store.list("")] == [
        "hot/football/date=2025-05-28/names/00881.parquet",
        "raw/football/date=2025-05-28/00881.json.zst",
    ]


def test_it_comes_back_as_it_was_made(days: DayStore) -> None:
    made = stage_object(7, outcome=Outcome.PARTIAL, code_version="v2")
    land(days, made)
    found = another(days).read(NAMES, DAY, 7)
    assert found == replace(made, etag=found.etag)
    listed = days.index(NAMES, DAY).singles
    assert {number: item.etag for number, item in listed.items()} == {7: found.etag}


def test_a_raw_fetch_comes_back_byte_for_byte(days: DayStore) -> None:
    made = raw_object(881)
    land(days, made)
    read = another(days).read(RAW, DAY, 881).envelope()
    assert isinstance(read, Envelope)
    assert read.data == unpack(made.body)


def test_the_claim_is_written_before_and_confirmed_after(
    days: DayStore, faulty: FaultyStore
) -> None:
    before: list[ClaimState] = []

    def look(request: Request) -> None:
        if request.writes:
            before.append(row(days).state)

    faulty.plan = look
    land(days, made := stage_object(7))
    assert before == [ClaimState.INTENDED]
    after = row(days)
    assert (after.state, after.landed, after.pending) == (
        ClaimState.LANDED,
        made.claim("run-1"),
        None,
    )
    assert after.etag == days.index(NAMES, DAY).singles[7].etag  # type: ignore[index]
    assert after.size == len(made.body)


def test_the_same_again_changes_nothing(days: DayStore) -> None:
    land(days, stage_object(7))
    etag = row(days).etag
    assert land(another(days), stage_object(7), "run-2") is Landing.ALREADY_THERE
    assert (row(days).etag, row(days).pending) == (etag, None)
    assert len(list(days.store.list(""))) == 1


def test_of_two_results_the_landed_one_counts_and_the_other_is_kept_beside(days: DayStore) -> None:
    land(days, stage_object(7, "ab", fetch_id="A" * 12))
    loser = another(days)
    late = stage_object(7, "abc", fetch_id="B" * 12)
    assert land(loser, late, "run-2") is Landing.CONFLICT
    assert stored(days) == ["a", "b"]
    [beside] = days.store.list("conflicts/")
    assert beside.key.startswith(f"conflicts/{late.key}.{'B' * 12}.")
    assert days.store.get(beside.key).body == late.body
    assert loser.read(NAMES, DAY, 7).ref.fetch_id == "A" * 12, "the loser goes on with the winner"
    landed = row(days).landed
    assert landed is not None
    assert (landed.ref.fetch_id, landed.account.emitted, row(days).pending) == ("A" * 12, 2, None)


def test_the_same_result_of_another_capture_is_another_result(days: DayStore) -> None:
    land(days, stage_object(7, "ab", fetch_id="A" * 12))
    assert land(another(days), stage_object(7, "ab", fetch_id="B" * 12)) is Landing.CONFLICT


PLACEHOLDERS = [outcome for outcome in Outcome if outcome.is_placeholder]


@pytest.mark.parametrize("outcome", PLACEHOLDERS)
def test_a_success_replaces_a_placeholder(days: DayStore, outcome: Outcome) -> None:
    land(days, stage_object(7, "", outcome=outcome))
    assert land(another(days), stage_object(7, "ab"), "run-2") is Landing.REPLACED
    assert stored(days) == ["a", "b"]
    landed = row(days).landed
    assert landed is not None
    assert landed.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("outcome", PLACEHOLDERS)
@pytest.mark.parametrize("rebuild", [False, True])
def test_a_placeholder_replaces_nothing_good(
    days: DayStore, outcome: Outcome, rebuild: bool
) -> None:
    land(days, stage_object(7, "ab"))
    later = another(days)
    placeholder = stage_object(7, "", outcome=outcome)
    if rebuild:
        with pytest.raises(WouldErase):
            land(later, placeholder, "run-2", rebuild=True)
    else:
        assert land(later, placeholder, "run-2") is Landing.CONFLICT
    assert stored(days) == ["a", "b"]
    assert later.read(NAMES, DAY, 7).outcome is Outcome.COMPLETE
    assert row(days).pending is None


def test_a_rebuild_replaces_what_differs(days: DayStore) -> None:
    land(days, stage_object(7, "ab"))
    fuller = stage_object(7, "abc", code_version="v2")
    assert land(another(days), fuller, "run-2", rebuild=True) is Landing.REPLACED
    assert stored(days) == ["a", "b", "c"]
    assert list(days.store.list("conflicts/")) == []
    landed = row(days).landed
    assert landed is not None
    assert (landed.code_version, landed.account.emitted) == ("v2", 3)


def test_a_rebuild_whose_account_does_not_add_up_replaces_nothing(days: DayStore) -> None:
    land(days, stage_object(7, "ab"))
    fewer = stage_object(7, "a", account=Account(received=2, emitted=1))
    with pytest.raises(WouldErase):
        land(another(days), fewer, "run-2", rebuild=True)
    assert stored(days) == ["a", "b"]


def test_a_rebuild_that_makes_the_same_replaces_nothing(days: DayStore) -> None:
    land(days, stage_object(7))
    etag, modified = row(days).etag, days.index(NAMES, DAY).singles[7].last_modified  # type: ignore[index]
    assert land(another(days), stage_object(7), rebuild=True) is Landing.ALREADY_THERE
    item = days.index(NAMES, DAY).singles[7]  # type: ignore[index]
    assert (item.etag, item.last_modified) == (etag, modified)


def test_a_put_whose_answer_was_lost_counts_once(days: DayStore, faulty: FaultyStore) -> None:
    faulty.plan = when(lambda request: request.writes, answer_lost)
    with pytest.raises(StoreUnavailable):
        land(days, stage_object(7))
    faulty.plan = None
    assert row(days).state is ClaimState.INTENDED
    assert land(another(days), stage_object(7), "run-2") is Landing.ALREADY_THERE
    assert (row(days).state, row(days).pending) == (ClaimState.LANDED, None)
    assert [item.key for item in days.store.list("")] == [asset_keys(NAMES).single(DAY, 7)]


def test_a_claim_whose_writer_died_is_confirmed_when_its_object_is_there(days: DayStore) -> None:
    made = stage_object(7)
    claim = made.claim("run-1")
    days.claims.intend(claim, AT)
    assert not days.promote(claim, at=AT)
    etag = days.store.put_new(made.key, made.body, made.metadata())
    assert days.promote(claim, at=AT)
    assert (row(days).landed, row(days).etag, row(days).pending) == (claim, etag, None)


def test_a_claim_is_not_confirmed_by_another_object(days: DayStore) -> None:
    land(days, stage_object(7, "ab"))
    claim = stage_object(7, "abc").claim("run-2")
    days.claims.intend(claim, AT)
    assert not days.promote(claim, at=AT)
    assert row(days).landed != claim


def test_what_the_store_did_not_take_stays_claimed_and_in_hand(
    days: DayStore, faulty: FaultyStore
) -> None:
    faulty.plan = away
    with pytest.raises(StoreUnavailable):
        land(days, made := stage_object(7))
    assert days.read(NAMES, DAY, 7) == made, "the next stage reads it from here"
    assert (row(days).state, row(days).pending) == (ClaimState.INTENDED, made.claim("run-1"))


def test_only_so_much_is_kept_in_hand(days: DayStore) -> None:
    days.keep_in_hand = 3
    for number in range(1, 6):
        land(days, stage_object(number))
    assert [made.ref.number for made in days.in_hand.values()] == [3, 4, 5]


def test_of_many_writers_one_lands_and_all_agree(days: DayStore) -> None:
    landings: list[Landing] = []
    barrier = threading.Barrier(4)

    def write(fetch_id: str) -> None:
        own = another(days)
        barrier.wait()
        landings.append(land(own, stage_object(7, fetch_id, fetch_id=fetch_id * 12), fetch_id))

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(landings) == [Landing.CONFLICT] * 3 + [Landing.LANDED]
    winner = another(days).read(NAMES, DAY, 7)
    landed = row(days).landed
    assert landed is not None
    assert (landed.sha256, landed.ref) == (winner.sha256, winner.ref)
    assert (row(days).etag, row(days).pending) == (winner.etag, None)
    assert len(list(days.store.list("conflicts/"))) == 3


# --- what is not what it should be ---------------------------------------------------------------


def overwrite(days: DayStore, body: bytes | None = None, **metadata: str) -> None:
    """Somebody writes over object 7, past all rules."""
    found = days.store.get(asset_keys(NAMES).single(DAY, 7))
    said = {**found.metadata, **{name.replace("_", "-"): v for name, v in metadata.items()}}
    days.store.replace(found.key, found.body if body is None else body, found.etag, said)


@pytest.mark.parametrize(
    ("body", "metadata", "why"),
    [
        (b"other bytes", {}, "sha256"),
        (None, {"sha256": "0" * 64}, "sha256"),
        (None, {"format": "9"}, "format 9"),
        (None, {"format": "x"}, "metadata is damaged"),
        (None, {"minute": "2025-05-28T04:07:00Z"}, "holds fetch 8 of 2025-05-28"),
        (None, {"minute": "2025-05-27T04:06:00Z"}, "holds fetch 7 of 2025-05-27"),
        (None, {"minute": "noon"}, "metadata is damaged"),
        (None, {"outcome": "splendid"}, "metadata is damaged"),
        (None, {"account": '{"received":2}'}, "metadata is damaged: it has no `emitted`"),
        (None, {"account": "{"}, "metadata is damaged"),
    ],
)
def test_what_contradicts_itself_is_not_read(
    days: DayStore, body: bytes | None, metadata: dict[str, str], why: str
) -> None:
    land(days, stage_object(7))
    overwrite(days, body, **metadata)
    with pytest.raises(UnreadableObject, match=why) as raised:
        another(days).read(NAMES, DAY, 7)
    assert asset_keys(NAMES).single(DAY, 7) in str(raised.value)


def test_an_object_without_metadata_is_not_read(days: DayStore) -> None:
    days.store.put_new(asset_keys(NAMES).single(DAY, 7), stage_object(7).body)
    with pytest.raises(UnreadableObject, match="metadata is damaged: it has no `format`"):
        days.read(NAMES, DAY, 7)


def test_a_damaged_object_is_left_to_reprocess(days: DayStore) -> None:
    land(days, stage_object(7, "ab"))
    overwrite(days, b"rot")
    with pytest.raises(Damaged, match="reprocess"):
        land(another(days), stage_object(7, "abc"), "run-2")
    assert days.store.get(asset_keys(NAMES).single(DAY, 7)).body == b"rot"
    assert row(days).pending is None


def test_a_rebuild_restores_a_damaged_object(days: DayStore) -> None:
    land(days, stage_object(7, "ab"))
    overwrite(days, b"rot", sha256="0" * 64)
    assert land(another(days), stage_object(7, "ab"), "run-2", rebuild=True) is Landing.REPLACED
    assert stored(days) == ["a", "b"]


def test_its_own_bytes_restore_an_object_that_was_damaged_on_its_way(days: DayStore) -> None:
    """The spool still holds them, since only a read back lets go of it."""
    land(days, raw := raw_object(7))
    found = days.store.get(raw.key)
    days.store.replace(raw.key, b"rot", found.etag, found.metadata)
    assert land(another(days), raw, "run-2") is Landing.REPLACED
    assert another(days).read(RAW, DAY, 7).body == raw.body


def test_a_missing_object_is_not_found(days: DayStore) -> None:
    with pytest.raises(NotFound):
        days.read(NAMES, DAY, 7)


@pytest.mark.parametrize("body", [b"", b"not zstd", raw_object(7).body[:-4]])
def test_half_a_frame_is_no_fetch(body: bytes) -> None:
    with pytest.raises(UnreadableObject, match="whole zstd frame"):
        unpack(body)


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("raw/football/date=2025-05-28/00881.json.zst", 881),
        ("hot/football/date=2025-05-28/merged/01500.parquet", 1500),
        ("raw/football/date=2025-05-28/00871-00880.json.zst", None),
        ("hot/football/date=2025-05-28/merged/notes.txt", None),
        ("hot/football/date=2025-05-28/merged/881.parquet", None),
    ],
)
def test_a_key_gives_its_number(key: str, number: int | None) -> None:
    assert number_of(key) == number
