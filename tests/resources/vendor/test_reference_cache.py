"""What the reference cache keeps, merges and forgets."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.vendor.reference_cache import Entry, MemoryBlob, ReferenceCache

NOW = datetime(2025, 5, 28, 17, 0, tzinfo=UTC)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def team(name: str, fetched_at: datetime = NOW) -> Entry:
    return Entry(name, fetched_at, "Qx7LmA20bTzK", 200, None, seen_at=fetched_at)


def test_what_was_stored_is_loaded_by_the_next_process() -> None:
    blob = MemoryBlob()
    assert ReferenceCache(blob).load() == {}
    ReferenceCache(blob).store({"team": {"t1": team('{"name":"Ñandú"}')}}, now=NOW)
    ReferenceCache(blob).store({"team": {"t2": team("{}")}, "country": {"": team("[]")}}, now=NOW)

    assert ReferenceCache(blob).load() == {
        "team": {"t1": team('{"name":"Ñandú"}'), "t2": team("{}")},
        "country": {"": team("[]")},
    }


def test_nothing_new_is_not_written() -> None:
    blob = MemoryBlob()
    ReferenceCache(blob).store({"team": {}}, now=NOW)

    assert blob.read() is None


def test_of_two_writers_at_once_both_are_kept() -> None:
    class Both(MemoryBlob):
        """The other writer writes between our read and our first write."""

        written = False

        def replace(self, data: bytes, etag: str | None) -> bool:
            if not self.written:
                self.written = True
                theirs = {"t1": team("theirs"), "t2": team("old", ago(hours=1))}
                ReferenceCache(self).store({"team": theirs}, now=NOW)
            return super().replace(data, etag)

    blob = Both()
    ReferenceCache(blob).store({"team": {"t2": team("new"), "t3": team("ours")}}, now=NOW)

    kept = ReferenceCache(blob).load()["team"]
    assert {key: entry.body for key, entry in kept.items()} == {
        "t1": "theirs",
        "t2": "new",
        "t3": "ours",
    }


def test_a_cache_that_is_always_being_written_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(MemoryBlob):
        def replace(self, data: bytes, etag: str | None) -> bool:
            return False

    with caplog.at_level(logging.WARNING):
        ReferenceCache(Refusing(), name="cache/references.zst").store(
            {"team": {"t1": team("{}")}}, now=NOW
        )

    assert "cache/references.zst" in caplog.text


def test_what_nobody_referred_to_for_a_week_is_forgotten() -> None:
    cache = ReferenceCache(MemoryBlob())
    entries = {
        "unseen": team("{}", ago(days=7, minutes=1)),
        "seen": Entry("{}", ago(days=9), "Qx7LmA20bTzK", seen_at=ago(days=6)),
        "failed": Entry(failed_at=ago(days=8), failure="timeout"),
    }
    cache.store({"team": entries}, now=NOW)

    assert set(cache.load()["team"]) == {"seen"}


def test_a_success_ends_the_memory_of_an_earlier_failure() -> None:
    cache = ReferenceCache(MemoryBlob())
    failed = Entry(failed_at=ago(minutes=1), failure="timeout")
    cache.store({"team": {"t1": failed, "t2": team("{}", ago(hours=30))}}, now=NOW)
    cache.store({"team": {"t1": team("{}")}}, now=NOW)
    cache.store({"team": {"t2": Entry(failed_at=NOW, failure="html")}}, now=NOW)

    kept = cache.load()["team"]
    assert (kept["t1"].body, kept["t1"].failure) == ("{}", None)
    assert (kept["t2"].body, kept["t2"].failure) == ("{}", "html")


@given(st.binary(max_size=200))
def test_no_bytes_make_loading_fail(data: bytes) -> None:
    assert ReferenceCache(MemoryBlob(data)).load() == {}
