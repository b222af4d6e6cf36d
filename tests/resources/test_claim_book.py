"""Claims outlive a ledger that is away: they wait in a file and are brought in, none lost."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import resources.ledger.database
from resources.claim_book import ClaimBook
from resources.ledger import Ledger, LedgerUnavailable
from resources.ledger.faulty import FaultyLedger, away
from tests.resources.ledger_samples import ASSET, AT, DAY, claim, only
from touchline.accounting import ClaimState


@pytest.fixture
def book(faulty_ledger: FaultyLedger, tmp_path: Path) -> ClaimBook:
    return ClaimBook(faulty_ledger, tmp_path / "spool" / "football.claims")


def test_a_claim_goes_to_the_ledger_while_it_answers(book: ClaimBook) -> None:
    book.intend(claim(7), AT)
    book.landed(claim(7), "e1", 10, AT)
    assert only(book.ledger).etag == "e1"
    assert (book.waiting, book.file.exists()) == (0, False)


def test_claims_wait_in_the_file_and_are_brought_in(
    book: ClaimBook, faulty_ledger: FaultyLedger
) -> None:
    faulty_ledger.plan = away
    book.intend(claim(7), AT)
    book.intend(claim(8), AT)
    assert book.waiting == 2
    with pytest.raises(LedgerUnavailable):
        book.bring_in(AT)
    assert book.waiting == 2
    faulty_ledger.plan = None
    assert book.ledger.claims(ASSET, DAY) == {}

    assert book.bring_in(AT) == [claim(7), claim(8)]

    rows = book.ledger.claims(ASSET, DAY)
    assert {number: row.pending for number, row in rows.items()} == {7: claim(7), 8: claim(8)}
    assert all(row.state is ClaimState.INTENDED for row in rows.values())
    assert (book.waiting, book.bring_in(AT)) == (0, [])


def test_a_landing_of_which_the_ledger_was_not_told_waits_to_be_confirmed(
    book: ClaimBook, faulty_ledger: FaultyLedger
) -> None:
    book.intend(claim(7), AT)
    faulty_ledger.plan = away
    book.landed(claim(7), "e1", 10, AT)
    faulty_ledger.plan = None
    assert book.bring_in(AT) == [claim(7)]
    assert only(book.ledger).landed is None


def test_a_database_that_cannot_be_opened_is_one_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ledger = Ledger(f"sqlite:///{tmp_path / 'folder'}", "live")
    book = ClaimBook(ledger, tmp_path / "football.claims")
    book.intend(claim(7), AT)
    book.withdraw(claim(7), "another had landed", AT)
    assert book.waiting == 1


def test_a_line_that_a_crash_cut_short_costs_no_other(
    book: ClaimBook, faulty_ledger: FaultyLedger
) -> None:
    faulty_ledger.plan = away
    book.intend(claim(7), AT)
    whole = book.file.read_bytes()
    book.file.write_bytes(whole + whole[: len(whole) // 2])
    book.intend(claim(8), AT)
    faulty_ledger.plan = None
    assert book.bring_in(AT) == [claim(7), claim(8)]


@given(tail=st.binary(max_size=200))
@example(tail=b'{"asset": "sp\xe4t"}')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_torn_tail_leaves_the_claims_before_it(tmp_path: Path, tail: bytes) -> None:
    """Whatever a crash left behind the last claim that was called written."""
    file = tmp_path / "football.claims"
    file.write_bytes(b"\n" + msgspec.json.encode(claim(7)) + b"\n" + tail)
    book = ClaimBook(Ledger(f"sqlite:///{tmp_path}", "live"), file)
    assert book.waiting == 1


@pytest.mark.stack
def test_two_processes_that_bring_in_at_once_lose_no_claim(
    book: ClaimBook, faulty_ledger: FaultyLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.ledger.database, "LOCK_TIMEOUT_SECONDS", 0.05)
    numbers = range(1, 21)
    faulty_ledger.plan = away
    for number in numbers:
        book.intend(claim(number), AT)
    faulty_ledger.plan = None
    brought: list[object] = []
    barrier = threading.Barrier(4)

    def bring_in() -> None:
        own = ClaimBook(book.ledger, book.file)
        barrier.wait()
        try:
            brought.append(len(own.bring_in(AT)))
        except LedgerUnavailable as error:  # Others hold the database: the file stays.
            brought.append(error)

    threads = [threading.Thread(target=bring_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.bring_in(AT)
    assert set(book.ledger.claims(ASSET, DAY)) == set(numbers)
    assert len(brought) == 4
