"""What people append to an inbox: each line is dealt with once, and gets an answer."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import pipeline_assets.asked
from pipeline_assets.inbox import InboxReport
from resources.appended import ANSWERS, REMARKS, REQUESTS, Answered, Appended
from resources.remarks import remarks_on
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.test_inbox import NEWCOMERS, Drop, Killed, dies_at, fetched, take_live
from tests.slots import asset_keys

HEADS = "football/heads"


@pytest.fixture
def drop(chain: Chain) -> Drop:
    """The inbox of three minutes that nobody watches any longer."""
    take_live(chain, [fetched(chain.start.later(passed)) for passed in range(3)])
    chain.unwatch(0)
    return Drop(chain, chain.start.later(60))


def append(drop: Drop, file: str, *lines: dict[str, Any] | bytes, ago: float = 3600) -> None:
    path, then = drop.folder / file, (drop.at.utc - timedelta(seconds=ago)).timestamp()
    with path.open("ab") as appended:
        for line in lines:
            appended.write(line if isinstance(line, bytes) else msgspec.json.encode(line) + b"\n")
    os.utime(path, (then, then))


def answered(report: InboxReport) -> list[tuple[str | None, Answered]]:
    return [(given.id, given.answer) for given in report.answers]


def request(drop: Drop, id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "date": str(drop.chain.day), "reason": "a test", **more}


def remark(drop: Drop, id: str, says: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "date": str(drop.chain.day), "by": "Ada", "says": says, **more}


def test_a_request_of_what_cannot_be_had_has_failed(drop: Drop) -> None:
    chain = drop.chain
    with chain.process() as site:
        for entry in list(site.spool(FEED).entries()):
            site.spool(FEED).clear(entry)
        site.store.delete(asset_keys(RAW).single(chain.day, chain.number + 1))
    append(drop, REQUESTS, request(drop, "raw-gone"))

    taken = drop.take()

    assert answered(taken) == [("raw-gone", Answered.FAILED)]
    assert "cannot 1" in taken.answers[0].says
    assert taken.wrong


def test_a_request_puts_its_day_right_once(drop: Drop) -> None:
    chain = drop.chain
    chain.delete(HEADS, 1)
    append(drop, REQUESTS, request(drop, "heads-gone"))

    taken = drop.take()

    assert answered(taken) == [("heads-gone", Answered.DONE)]
    assert taken.answers[0].says.startswith("do 1, skip 0, cannot 0, as reprocess-")
    assert all_ok(chain.checks())
    before = chain.objects()
    append(drop, REQUESTS, request(drop, "heads-gone"))
    assert drop.take() == InboxReport(), "the same line again"
    assert chain.objects() == before


def test_a_named_asset_is_made_anew_for_the_reason_given(drop: Drop) -> None:
    append(drop, REQUESTS, request(drop, "anew", asset="newcomers"))
    assert drop.take().answers[0].says.startswith("do 6, skip 0, cannot 0")
    with drop.chain.process() as site:
        history = site.ledger.history(NEWCOMERS, drop.chain.day, drop.chain.number)
    assert any("request anew: a test" in (row.error or "") for row in history)


def test_a_file_that_cannot_be_read_keeps_nobody_else_waiting(drop: Drop) -> None:
    (drop.folder / REQUESTS).mkdir()
    append(drop, REMARKS, remark(drop, "seen", "a long day"))
    with drop.chain.process() as site:
        assert {path.name for path in site.inbox(FEED).left()} == {REQUESTS, REMARKS}
    taken = drop.take()
    assert taken.waiting == [f"{REQUESTS} cannot be read: Is a directory"]
    assert answered(taken) == [("seen", Answered.DONE)]


def test_what_makes_no_sense_is_refused_and_said_once(drop: Drop) -> None:
    append(
        drop,
        REQUESTS,
        b"once upon a time\n",
        '{"id": "latin", "says": "sp\xe4t"}\n'.encode("latin-1"),
        request(drop, "no asset", asset="heads"),
        request(drop, "unknown", asset="tails"),
        {**request(drop, "another-day"), "date": "2024-01-01"},
        {**request(drop, "no-day"), "date": "yesterday"},
        {**request(drop, "more"), "when": "now"},
        request(drop, "fine"),
        request(drop, "fine", asset="heads"),
    )

    taken = drop.take()

    assert answered(taken) == [
        (None, Answered.REFUSED),
        (None, Answered.REFUSED),
        (None, Answered.REFUSED),
        ("unknown", Answered.REFUSED),
        ("another-day", Answered.REFUSED),
        ("no-day", Answered.REFUSED),
        (None, Answered.REFUSED),
        ("fine", Answered.DONE),
        ("fine", Answered.REFUSED),
    ]
    says = [given.says for given in taken.answers]
    assert "not one of" in says[3]
    assert "nothing is known of 2024-01-01" in says[4]
    assert "`when`" in says[6]
    assert "was used before" in says[8]
    assert len(taken.wrong) == 8
    assert drop.take() == InboxReport()


def test_a_line_that_is_being_written_waits(drop: Drop) -> None:
    line = msgspec.json.encode(request(drop, "slow"))
    append(drop, REQUESTS, line[:20], ago=5)
    waits = drop.take()
    assert (waits.answers, waits.waiting) == ([], [f"{REQUESTS}: its last line is being written"])
    append(drop, REQUESTS, line[20:], ago=5)
    assert answered(drop.take()) == [("slow", Answered.DONE)], "its end says that it is whole"
    append(drop, REQUESTS, b"\n", ago=1)
    assert drop.take() == InboxReport()
    append(drop, REQUESTS, line[:20])
    assert answered(drop.take()) == [(None, Answered.REFUSED)], "nobody writes it any longer"


def test_who_dies_before_the_answer_is_followed_by_one_who_gives_it(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(drop, REQUESTS, request(drop, "anew", asset="heads"))
    monkeypatch.setattr(pipeline_assets.asked, "carry_out", dies_at(1))
    with pytest.raises(Killed):
        drop.take()
    monkeypatch.undo()
    (drop.folder / ANSWERS).write_bytes(b'{"file": "requests.jsonl", "id": "an')
    assert answered(drop.take()) == [("anew", Answered.DONE)]
    (given,) = Appended(drop.folder).answers()
    assert given.id == "anew"


def test_a_remark_stands_beside_its_day(drop: Drop) -> None:
    late = remark(drop, "late-goal", "the goal came late", match="m1")
    other = remark(drop, "late-goal", "something else")
    append(drop, REMARKS, remark(drop, "quiet", "a quiet day: é"), late, late)
    assert answered(drop.take()) == [("quiet", Answered.DONE), ("late-goal", Answered.DONE)]
    (drop.folder / ANSWERS).unlink()
    append(drop, REMARKS, other)

    assert answered(drop.take()) == [
        ("quiet", Answered.DONE),
        ("late-goal", Answered.DONE),
        ("late-goal", Answered.REFUSED),
    ], "who forgot what was answered does it again, and nothing changes"

    with drop.chain.process() as site:
        found = remarks_on(site.store, FEED, drop.chain.day)
    assert [(each.id, each.says, each.match) for each in found] == [
        ("late-goal", "the goal came late", "m1"),
        ("quiet", "a quiet day: é", None),
    ]
    assert all_ok(drop.chain.checks())
