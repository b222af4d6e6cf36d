"""Accounts, verdicts and digests: the arithmetic on which every check rests."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.accounting import Account, Outcome, Verdict, key_digest

counts = st.dictionaries(st.sampled_from(["not_live", "goals", "bad_score"]), st.integers(0, 9))
accounts = st.builds(Account, st.integers(0, 99), st.integers(0, 99), counts, counts)
keys = st.lists(st.text(max_size=8), max_size=12)


@pytest.mark.parametrize(
    ("account", "conserved"),
    [
        (Account(), True),
        (Account(102, 99, {"not_live": 2}, {"bad_odds": 1}), True),
        (Account(102, 99, {"not_live": 2}), False),
        (Account(102, 99, {"not_live": 2}, {"bad_odds": 2}), False),
        (Account(0, 1), False),
        (Account(1), False),
    ],
)
def test_an_account_is_conserved_when_every_record_has_one_fate(
    account: Account, conserved: bool
) -> None:
    assert account.conserved is conserved


@given(accounts, accounts)
def test_accounts_add_up_reason_by_reason(a: Account, b: Account) -> None:
    both = a + b
    assert both.received == a.received + b.received
    assert both.explained == a.explained + b.explained
    assert set(both.dropped) == {*a.dropped, *b.dropped}
    assert all(n == a.dropped.get(r, 0) + b.dropped.get(r, 0) for r, n in both.dropped.items())


@given(accounts)
def test_an_account_survives_its_dict(account: Account) -> None:
    assert Account.from_dict(account.as_dict()) == account


@pytest.mark.parametrize("missing", ["received", "emitted", "dropped", "quarantined"])
def test_an_unknown_count_is_never_read_as_zero(missing: str) -> None:
    said = Account(1, 1).as_dict()
    del said[missing]
    with pytest.raises(KeyError):
        Account.from_dict(said)


@given(keys, st.randoms())
def test_a_digest_does_not_depend_on_the_order(keys: list[str], random: Random) -> None:
    shuffled = random.sample(keys, len(keys))
    assert key_digest(shuffled) == key_digest(keys)
    assert len(key_digest(keys)) == 32


@given(keys, keys)
def test_a_digest_tells_other_keys_and_other_multiplicities(a: list[str], b: list[str]) -> None:
    assert (key_digest(a) == key_digest(b)) == (sorted(a) == sorted(b))


def test_a_record_stored_twice_for_one_lost_changes_the_digest() -> None:
    assert key_digest(["a", "b", "c"]) != key_digest(["a", "b", "b"])
    assert key_digest(["a", "a"]) != key_digest([])
    assert key_digest(["ab", "c"]) != key_digest(["a", "bc"])


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ("OK", "OK"),
        ("OK COULD_NOT_CHECK OK", "COULD_NOT_CHECK"),
        ("COULD_NOT_CHECK BAD OK", "BAD"),
        ("OK BAD", "BAD"),
    ],
)
def test_the_worst_verdict_speaks_for_all(verdicts: str, worst: str) -> None:
    assert Verdict.worst(map(Verdict, verdicts.split())) is Verdict(worst)


def test_silence_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="no verdicts"):
        Verdict.worst([])


def test_only_what_came_good_is_no_placeholder() -> None:
    good = {outcome for outcome in Outcome if not outcome.is_placeholder}
    assert good == {Outcome.COMPLETE, Outcome.PARTIAL, Outcome.UNCHANGED}
    assert {outcome for outcome in good if outcome.holds_records} == good - {Outcome.UNCHANGED}
