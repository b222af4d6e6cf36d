"""Captured fetches from the inbox: their days end as if they had been fetched in their minutes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

import pipeline_assets.inbox
from pipeline_assets.inbox import InboxReport, take_inbox
from pipeline_assets.raw_step import raw_object
from pipeline_assets.repair.plan import Plan
from pipeline_assets.repair.work import Done, carry_out
from pipeline_assets.run import Batch, Run
from pipeline_assets.stage_step import stage_step
from resources.day_store import Landing
from resources.fetch_object import pack
from resources.inbox import Inbox, looked_at
from resources.site import Site
from simulator.faults import Fault
from tests.chain import FEED, RAW, Chain, all_ok
from tests.pipeline_assets.football.fetches import envelope
from tests.slots import slot_at
from touchline.accounting import MissedReason, RunKind, sha256_hex
from touchline.bookends import write_bookended
from touchline.day import Day, Minute
from touchline.fetch import Envelope

LIVE = 4
"""Minutes that ran before the feed was lost."""
FAILED = 3
"""Minutes that were asked for in vain after these."""
CAPTURED = 80
BEFORE_MIDNIGHT = Minute.parse("2025-05-29T03:15:00Z")
"""So long that half of all minutes are of the next New York day."""
NEWCOMERS = "football/newcomers"


@dataclass
class Drop:
    """An inbox, and who leaves files in it."""

    chain: Chain
    at: Minute

    @cached_property
    def folder(self) -> Path:
        with self.chain.process() as site:
            folder = site.inbox(FEED).folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def leave(self, name: str, content: bytes, *, ago: float = 3600) -> Path:
        """As it was last changed so many seconds before now."""
        path, then = self.folder / name, (self.at.utc - timedelta(seconds=ago)).timestamp()
        path.write_bytes(content)
        os.utime(path, (then, then))
        return path

    def take(self, **settings: Any) -> InboxReport:
        self.chain.at(self.at)
        with self.chain.process(**settings) as site, site.run("take", RunKind.INBOX, feed=FEED):
            return take_inbox(site, site.plans[FEED], run_id="take")

    def left(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )


def in_some_form(envelope: Envelope, which: int) -> bytes:
    """As `touchline fetch` writes it, as the store holds it, or as the spool does."""
    ref = envelope.ref
    spooled = write_bookended(ref.number, ref.fetch_id, ref.nyc_timestamp, envelope.data)
    return (envelope.data, pack(envelope.data), spooled)[which % 3]


def claimed(chain: Chain, day: Day) -> dict[tuple[str, int], tuple[object, ...]]:
    """Every fetch of every asset, by what it is and the bytes that it was made as."""
    with chain.process() as site:
        return {
            (asset.name, number): (made.ref, made.outcome, made.account, made.digest, made.sha256)
            for asset in chain.plan.assets
            for number, row in site.ledger.claims(asset.name, day).items()
            if (made := row.landed) is not None
        }


@dataclass
class Two:
    """A feed that was fetched over midnight, and one that was lost after its first minutes."""

    live: Chain
    lost: Chain
    captured: dict[int, Envelope]
    """What the second one lacks, by how many minutes after the first."""


@pytest.fixture
def two(chain_of: Callable[..., Chain], tmp_path: Path) -> Two:
    live = chain_of(BEFORE_MIDNIGHT)
    live.minutes(LIVE)
    lost = live.copy(tmp_path / "lost", f"{live.prefix}-lost")
    gap = range(LIVE, LIVE + CAPTURED)
    captured = {passed: fetched(live.start.later(passed)) for passed in gap}
    take_live(live, captured.values())
    lost.faults(Fault("error_body"))
    for passed in gap[:FAILED]:
        lost.minute(passed)
    lost.faults()
    end = live.start.later(gap.stop)
    for chain in (live, lost):
        with chain.process() as site:
            site.ledger.close_interval(FEED, end.utc)
    with lost.process() as site:
        for passed in gap[FAILED:]:
            minute = lost.start.later(passed)
            site.ledger.slot_missed(slot_at(minute), MissedReason.NOT_REQUESTED, end.utc)
    return Two(live, lost, captured)


def fetched(minute: Minute, fetch_id: str | None = None) -> Envelope:
    """Three matches, of which one is new every seven minutes."""
    first = minute.number // 7
    live = [{"id": f"m{first + i:014d}", "score": [], "text": "x" * 500} for i in range(3)]
    return envelope(live, minute=minute, fetch_id=fetch_id or f"capture{minute.number:05d}")


def take_live(chain: Chain, fetches: Iterable[Envelope]) -> None:
    """Take these through every stage in order, as runs of their days do."""
    with chain.process() as site:
        for day, of_day in groupby(fetches, key=lambda fetch: fetch.ref.day):
            run = Run(site, chain.plan, day, f"live-{day}")
            made = (raw_object(chain.plan.raws[0], fetch) for fetch in of_day)
            run.land(Batch(run, RAW, False, made, []))
            for stage in chain.plan.stages:
                assert run.land(stage_step(run, stage)).failures == []


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_200_captures_in_any_order_make_the_days_as_if_fetched_live(two: Two) -> None:
    live, lost = two.live, two.lost
    later = live.start.later(2 * 24 * 60)
    first, second = live.day, live.day.shifted(1)
    drop = Drop(lost, later)
    two_days = 2 * 24 * 60
    assert lost.seal(two_days, first).waiting == []

    draw = random.Random(7)
    contents = {passed: in_some_form(each, passed) for passed, each in two.captured.items()}
    halves = draw.sample(sorted(contents), 10)
    files = [(f"{draw.random()}", content) for p, content in contents.items() if p not in halves]
    files += [(f"again-{p}", contents[p]) for p in draw.sample(sorted(contents), 60)]
    corrupt = [f"corrupt-{p}" for p in draw.sample(sorted(contents), 60)]
    files += [(name, spoiled(two.captured[int(name[8:])], int(name[8:]))) for name in corrupt]
    draw.shuffle(files)
    for name, content in files:
        drop.leave(name, content)
    for p in halves:
        drop.leave(f"half-{p}", contents[p][: draw.randrange(1, len(contents[p]))], ago=5)

    taken = drop.take()
    assert sorted(name.rpartition(".")[0] for name in taken.aside) == sorted(corrupt)
    assert all((drop.folder / "aside" / f"{name}.reason").read_text() for name in taken.aside)
    assert [waits.partition(":")[0] for waits in taken.waiting] == sorted(
        f"half-{p}" for p in halves
    )
    for p in halves:
        drop.leave(f"half-{p}", contents[p], ago=1)
    finished = drop.take()
    assert (finished.aside, finished.waiting) == ({}, [])
    landed = taken.landed + finished.landed
    assert landed[Landing.REPLACED] == FAILED
    assert landed[Landing.LANDED] == CAPTURED - FAILED, "doubles are one"
    assert landed[Landing.CONFLICT] == 0
    assert len(drop.left()) == 2 * len(corrupt), "each with its reason, and nothing else"

    for day in (first, second):
        assert claimed(lost, day) == claimed(live, day)
        assert lost.seal(two_days, day).waiting == []
        assert all_ok(lost.checks(day, deep=True))
    before = lost.objects()
    drop.leave("once-more", contents[LIVE])
    assert drop.take().landed == {Landing.ALREADY_THERE: 1}
    assert lost.objects() == before


def spoiled(fetch: Envelope, which: int) -> bytes:
    """In one of its forms, with one byte of its longest answer another."""
    at = max(fetch.index, key=lambda entry: entry.length)
    place = at.offset + at.length // 2
    content = in_some_form(fetch, which)
    place = content.find(fetch.data[place : place + 20]) if which % 3 != 1 else len(content) // 2
    return content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :]


@pytest.fixture
def short(chain: Chain) -> Chain:
    """Two minutes, the second of them the tenth, and nobody watched any longer."""
    for passed in (0, 9):
        take_live(chain, [fetched(chain.start.later(passed))])
    chain.unwatch(0)
    return chain


def test_a_second_capture_of_a_minute_is_kept_and_does_not_count(short: Chain) -> None:
    drop = Drop(short, short.start.later(60))
    other = fetched(short.start, "anotherCapt0")
    drop.leave("other", other.data)
    before = claimed(short, short.day)

    assert drop.take().landed == {Landing.CONFLICT: 1}

    assert claimed(short, short.day) == before
    kept = [key for key in short.objects() if key.startswith("conflicts/")]
    assert len(kept) == 1
    assert "anotherCapt0" in kept[0]
    assert all_ok(short.checks())
    assert drop.take() == InboxReport()


def test_what_can_be_no_fetch_of_this_feed_lies_aside_with_its_reason(short: Chain) -> None:
    drop = Drop(short, short.start.later(60))
    good = fetched(short.start.later(3))
    wrong = {
        "empty": (b"", "empty"),
        "future": (fetched(short.start.later(61)).data, "has not begun"),
        "sport": (good.data.replace(b'"football"', b'"handball"', 1), "inbox of football"),
        "minute": (good.data.replace(b"T16:03:00Z", b"T16:04:00Z", 1), "agree with itself"),
        "ancient": (good.data.replace(b"2025-05-28T16:03", b"0001-01-01T00:00"), "no day"),
        "indented": (msgspec.json.format(good.data, indent=2), "indented"),
        "two": (2 * in_some_form(good, 2), "start line to its end line"),
    }
    for name, (content, _) in wrong.items():
        drop.leave(name, content)
    drop.leave(".copying", b"{")

    taken = drop.take()

    assert taken.aside.keys() == {f"{n}.{sha256_hex(c)[:12]}" for n, (c, _) in wrong.items()}
    for name, (content, why) in wrong.items():
        aside = drop.folder / "aside" / f"{name}.{sha256_hex(content)[:12]}"
        assert aside.read_bytes() == content
        assert why in aside.with_name(f"{aside.name}.reason").read_text()
    assert short.numbers(RAW) == [short.number, short.number + 9]
    assert (drop.folder / ".copying").exists()


def test_what_a_link_leads_to_is_taken_and_left_where_it_is(short: Chain, tmp_path: Path) -> None:
    drop = Drop(short, short.start.later(60))
    kept = drop.leave("kept", fetched(short.start.later(3)).data).rename(tmp_path / "kept")
    (drop.folder / "linked").symlink_to(os.path.relpath(kept, drop.folder))

    assert drop.take().landed == {Landing.LANDED: 1}

    assert kept.exists()
    assert drop.left() == []


def test_a_link_that_leads_nowhere_is_named_until_it_does(short: Chain, tmp_path: Path) -> None:
    drop = Drop(short, short.start.later(60))
    (drop.folder / "linked").symlink_to(tmp_path / "kept")

    assert drop.take() == InboxReport(waiting=["linked is a link that leads nowhere"])

    drop.leave("kept", fetched(short.start.later(3)).data).rename(tmp_path / "kept")
    assert drop.take().landed == {Landing.LANDED: 1}


@pytest.mark.parametrize(
    ("to", "why"), [("linked", "Too many levels of symbolic links"), ("x" * 300, "too long")]
)
def test_what_may_not_be_looked_at_does_not_hold_up_the_rest(
    short: Chain, to: str, why: str
) -> None:
    drop = Drop(short, short.start.later(60))
    (drop.folder / "linked").symlink_to(to)
    drop.leave("whole", fetched(short.start.later(3)).data)
    assert looked_at(Inbox(drop.folder).left())

    taken = drop.take()

    assert taken.landed == {Landing.LANDED: 1}
    (waiting,) = taken.waiting
    assert "linked cannot be read: " in waiting
    assert why in waiting


def test_a_file_may_have_any_name(short: Chain) -> None:
    drop = Drop(short, short.start.later(60))
    drop.leave(os.fsdecode(b"sp\xe4t"), fetched(short.start.later(3)).data)
    drop.leave(os.fsdecode(b"\xe4" + 250 * b"x"), b"no fetch")
    assert looked_at(Inbox(drop.folder).left())

    taken = drop.take()

    assert taken.landed == {Landing.LANDED: 1}
    (aside,) = taken.aside
    assert aside.encode().startswith("\N{REPLACEMENT CHARACTER}xxx".encode())
    assert (drop.folder / "aside" / aside).read_bytes() == b"no fetch"


def test_who_dies_on_the_way_is_followed_by_one_who_does_the_rest(
    short: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the day of the captures, and in the one behind it, which goes on from another state."""
    drop = Drop(short, short.start.later(24 * 60 + 60))
    take_live(short, [fetched(short.start.later(24 * 60))])
    drop.leave("late", fetched(short.start.later(20)).data)
    before = claimed(short, short.day.shifted(1))
    monkeypatch.setattr(pipeline_assets.inbox, "carry_out", dies_at(2))
    with pytest.raises(Killed):
        drop.take()
    assert len(drop.left()) == 3, "the capture, and what each day had carried over midnight"
    monkeypatch.undo()

    assert drop.take().landed == {Landing.ALREADY_THERE: 1}

    tomorrow = short.day.shifted(1)
    assert claimed(short, tomorrow).keys() == before.keys()
    again = {name for name, made in claimed(short, tomorrow).items() if made != before[name]}
    assert {name for name, _ in again} == {NEWCOMERS}
    assert all_ok(short.checks())
    assert all_ok(short.checks(tomorrow))
    assert drop.take() == InboxReport()


def test_a_day_waits_while_live_runs_are_at_work_on_it(short: Chain) -> None:
    drop = Drop(short, short.start.later(25))
    drop.leave("late", fetched(short.start.later(4)).data)

    taken = drop.take()
    assert taken.landed == {Landing.LANDED: 1}, "the fetch itself waits for nothing"
    assert "live runs are at work" in taken.waiting[0]
    assert short.number + 4 not in short.numbers(NEWCOMERS)
    drop.at = short.start.later(30)

    assert drop.take().waiting == []
    assert short.numbers(NEWCOMERS) == [short.number + passed for passed in (0, 4, 9)]
    assert all_ok(short.checks())


def test_days_behind_are_made_anew_once_while_one_behind_them_waits(
    short: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third day is live: until it has ended, it is looked at every five minutes."""
    made = list[Day]()

    def counted(site: Site, plan: Plan, **named: Any) -> Done:
        made.append(plan.day)
        return carry_out(site, plan, **named)

    monkeypatch.setattr(pipeline_assets.inbox, "carry_out", counted)
    live = short.start.later(2 * 24 * 60)
    take_live(short, [fetched(short.start.later(24 * 60)), fetched(live)])
    drop = Drop(short, live.later(10))
    drop.leave("late", fetched(short.start.later(20)).data)

    for _ in range(3):
        assert "live runs are at work" in drop.take().waiting[0]
    assert made == [short.day, short.day.shifted(1)]
    drop.at = live.later(60)

    assert drop.take().waiting == []
    assert made == [short.day, short.day.shifted(1), short.day.shifted(2)]
    assert drop.left() == []
    for days in range(3):
        assert all_ok(short.checks(short.day.shifted(days)))


def test_a_store_that_is_away_costs_nothing(short: Chain) -> None:
    drop = Drop(short, short.start.later(60))
    drop.leave("late", fetched(short.start.later(4)).data)
    away = drop.take(s3_bucket="not-there")
    assert away.landed == {}
    assert away.waiting
    assert drop.take().landed == {Landing.LANDED: 1}


class Killed(BaseException):
    """The process is gone."""


def dies_at(call: int) -> Callable[..., Done]:
    """`carry_out`, which kills before its work is done the so-manieth time it is called."""
    calls = iter(range(1, call + 1))

    def made(*arguments: Any, **named: Any) -> Done:
        if next(calls) == call:
            raise Killed
        return carry_out(*arguments, **named)

    return made
