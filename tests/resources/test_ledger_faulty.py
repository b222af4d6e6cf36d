"""The ledger behind a plan gives callers what a database that fails gives them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import resources.ledger.database
from resources.ledger import Ledger, LedgerUnavailable
from resources.ledger.faulty import FaultyLedger, answer_lost, away, locked
from tests.resources.ledger_samples import ASSET, AT, DAY, claim, only
from touchline.accounting import ClaimState


def said(call: Callable[[], Any]) -> str:
    with pytest.raises(LedgerUnavailable) as raised:
        call()
    return str(raised.value)


def test_one_that_is_away_does_nothing_and_nothing_is_left_of_it(
    faulty_ledger: FaultyLedger,
) -> None:
    faulty_ledger.plan = away
    for call in (lambda: faulty_ledger.intend(claim(1)), faulty_ledger.migrate):
        assert "unable to open database file" in said(call)
    said(lambda: faulty_ledger.claims(ASSET, DAY))
    faulty_ledger.plan = None
    assert faulty_ledger.claims(ASSET, DAY) == {}


def test_a_locked_one_says_what_a_real_lock_does_and_can_be_read(
    faulty_ledger: FaultyLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.ledger.database, "LOCK_TIMEOUT_SECONDS", 0.05)
    faulty_ledger.intend(claim(1))
    with (
        closing(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "live")) as other,
        faulty_ledger._database.write(),
    ):
        really = said(lambda: other.landed(claim(1), "e1", 10, AT))
    faulty_ledger.plan = locked
    assert said(lambda: faulty_ledger.landed(claim(1), "e1", 10, AT)) == really
    assert only(faulty_ledger).state is ClaimState.INTENDED


def test_one_whose_answer_was_lost_has_written_and_hears_it_again(
    faulty_ledger: FaultyLedger,
) -> None:
    faulty_ledger.plan = answer_lost
    said(lambda: faulty_ledger.intend(claim(1), AT))
    assert only(faulty_ledger).state is ClaimState.INTENDED
    said(lambda: faulty_ledger.landed(claim(1), "e1", 10, AT))
    assert only(faulty_ledger).etag == "e1"
    faulty_ledger.plan = None
    faulty_ledger.intend(claim(1), AT)
    faulty_ledger.landed(claim(1), "e1", 10, AT)
    row = only(faulty_ledger)
    assert (row.etag, row.pending) == ("e1", None)
