"""Which transitions the ledger forgets, and that its current rows stay as they are."""

from __future__ import annotations

from datetime import timedelta

from resources.ledger import Ledger
from tests.resources.ledger_samples import ASSET, AT, DAY, claim, ref

LATER = AT + timedelta(days=7)


def seal(ledger: Ledger) -> None:
    ledger.sealed(ASSET, DAY, number=1, fetches=4, emitted=4, files={}, at=AT)


def test_of_what_landed_as_first_claimed_the_current_row_stays(ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.intend(claim(number), AT)
        ledger.landed(claim(number), f"e{number}", 10, AT)
    assert ledger.routine_history(LATER) == {}, "the day is not sealed"
    seal(ledger)
    claims, version = ledger.claims(ASSET, DAY), ledger.version(ASSET, DAY)
    assert ledger.routine_history(AT) == {}, "nor has it been for long"

    assert ledger.routine_history(LATER) == {(ASSET, DAY): 4}
    assert ledger.forget_routine(ASSET, DAY) == 4

    assert ledger.history(ASSET, DAY, 1) == ledger.history(ASSET, DAY, 2) == []
    assert ledger.claims(ASSET, DAY) == claims
    assert ledger.version(ASSET, DAY) == version
    assert ledger.routine_history(LATER) == {}


def test_whatever_else_happened_is_told_for_good(ledger: Ledger) -> None:
    replaced, repaired, refused, pending, found = (claim(n) for n in range(1, 6))
    for each in (replaced, repaired):
        ledger.intend(each, AT)
        ledger.landed(each, "e", 10, AT)
    again = claim(1, "other")
    ledger.intend(again, AT)
    ledger.landed(again, "f", 10, AT)
    ledger.repairs(repaired, "deleted by hand", AT)
    ledger.failed(ASSET, ref(3), "no such column", "v1", AT)
    ledger.landed(refused, "e", 10, AT)
    ledger.intend(pending, AT)
    ledger.landed(found, "e", 10, AT)
    seal(ledger)
    before = [ledger.history(ASSET, DAY, n) for n in range(1, 6)]
    assert all(before)

    assert ledger.routine_history(LATER) == {}
    assert ledger.forget_routine(ASSET, DAY) == 0
    assert [ledger.history(ASSET, DAY, n) for n in range(1, 6)] == before


def test_another_prefix_is_left_alone(ledger: Ledger, ledger_url: str) -> None:
    ledger.intend(claim(1), AT)
    ledger.landed(claim(1), "e", 10, AT)
    seal(ledger)
    other = Ledger(ledger_url, "replay")
    assert other.routine_history(LATER) == {}
    assert other.forget_routine(ASSET, DAY) == 0
    other.close()
    assert len(ledger.history(ASSET, DAY, 1)) == 2
