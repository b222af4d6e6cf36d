"""Windows: what is due, what is compared, what is removed and when, on a real object store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline_assets.checks.report import Kind
from pipeline_assets.load import load_table
from resources.ledger import WindowRow, faulty
from resources.store.faulty import FaultyStore, away, body_changed, refused, when
from tests.chain import FEED, RAW, Chain, all_ok
from tests.slots import asset_keys
from touchline.day import Window

HEADS = "football/heads"
NEWCOMERS = "football/newcomers"


@pytest.fixture(scope="module")
def clean_day(chain_apart: Callable[[], Chain]) -> Chain:
    """Ten minutes and one more."""
    chain = chain_apart()
    chain.minutes(11)
    return chain


def window_of(chain: Chain) -> Window:
    return Window.of(chain.day, chain.number)


def singles(chain: Chain, asset: str) -> list[int]:
    with chain.process() as site:
        return sorted(site.days(FEED).index(asset, chain.day).singles)


def windows(chain: Chain, asset: str) -> dict[str, WindowRow]:
    with chain.process() as site:
        return site.ledger.windows(asset, chain.day)


def test_ten_minutes_with_fates_become_one_window_in_every_asset(day: Chain) -> None:
    before = {asset.name: day.numbers(asset.name) for asset in day.plan.assets}
    report = day.rotate(11)
    assert report.findings == []
    assert sorted(report.stored) == sorted(
        asset_keys(asset.name).window(window_of(day)) for asset in day.plan.assets
    )
    assert set(report.stored) <= day.objects().keys()
    for asset in day.plan.assets:
        [row] = windows(day, asset.name).values()
        assert row.is_verified
        assert [held.number for held in row.held] == before[asset.name][:10]
        assert day.numbers(asset.name) == before[asset.name]
    assert all_ok(day.checks())
    assert day.rotate(12).stored == [], "once is enough"


def test_fetch_objects_outlive_their_window_by_ten_minutes(day: Chain) -> None:
    day.unwatch(11)
    day.rotate(11)
    assert day.rotate(20).removed == 0
    assert len(singles(day, RAW)) == 11
    before = day.checks(deep=True)
    report = day.rotate(21)
    assert report.removed == 10 * len(day.plan.assets)
    assert [singles(day, asset.name) for asset in day.plan.assets] == [[day.number + 10]] * 5
    after = day.checks(deep=True)
    assert all_ok(after)
    assert {key: report.landed for key, report in after.items()} == {
        key: report.landed for key, report in before.items()
    }


def test_rows_are_read_once_wherever_they_stand(day: Chain) -> None:
    with day.process() as site:
        before = load_table(site, NEWCOMERS, day.day)
    day.rotate(11)
    with day.process() as site:
        assert load_table(site, NEWCOMERS, day.day).equals(before), "beside their window"
    day.rotate(21)
    with day.process() as site:
        assert load_table(site, NEWCOMERS, day.day).equals(before), "in it alone"
        one = load_table(site, HEADS, day.day, [day.number])
    assert one.column("fetch_number").unique().to_pylist() == [day.number]


def test_minutes_go_on_from_what_stands_in_a_window(day: Chain) -> None:
    """The ordered stage finds its state there, and nobody is new twice."""
    day.rotate(11)
    day.rotate(21)
    report = day.minute(22)
    assert report.steps[NEWCOMERS].account.dropped == {"seen_before": 3}
    assert day.opened(NEWCOMERS, day.number).table.num_rows == 3
    day.unwatch(11)
    assert all_ok({k: r for k, r in day.checks().items() if k[1] != "cadence"})


def test_a_window_that_lacks_minutes_is_stored_a_quarter_of_an_hour_later(chain: Chain) -> None:
    chain.minutes(3)
    assert chain.rotate(10).stored == []
    assert chain.rotate(24, 59).stored == []
    assert len(chain.rotate(25).stored) == len(chain.plan.assets)
    assert [held.number for held in next(iter(windows(chain, RAW).values())).held] == [
        chain.number,
        chain.number + 1,
        chain.number + 2,
    ]


def test_minutes_that_nobody_expects_are_not_waited_for(chain: Chain) -> None:
    chain.minutes(3)
    chain.unwatch(3)
    assert len(chain.rotate(10).stored) == len(chain.plan.assets)
    assert all_ok(chain.checks())


def test_the_spool_keeps_a_fetch_until_its_window_was_compared_with_it(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minutes(3)
    assert chain.waiting() == []
    assert len(chain.spooled()) == 3
    spoiled = body_changed(lambda body: body[:-1] + b"x")
    gate.plan = when(lambda request: "-00730" in request.key and not request.writes, spoiled)
    report = chain.rotate(25, store=gate)
    assert len(report.findings) >= len(chain.plan.assets)
    assert len(chain.spooled()) == 3, "what came back was not what was stored"
    report = chain.rotate(26)
    assert report.findings == []
    assert report.cleared == 3
    assert chain.spooled() == []


def test_a_fetch_that_comes_after_its_window_stays_an_object_of_its_own(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minutes(2)
    gate.plan = away
    chain.minute(2, store=gate)
    gate.plan = None
    chain.rotate(25)
    assert chain.spooled() == [chain.number + 2]
    report = chain.minute(30)
    assert chain.number + 2 in report.steps[RAW].landed
    with chain.process() as site:
        place = site.days(FEED).index(RAW, chain.day).place(chain.start.later(2).number)
    assert place is not None
    assert place.held is None
    assert chain.rotate(31).cleared == 1
    assert chain.waiting() == []


def test_a_fetch_that_is_not_the_one_claimed_gets_into_no_window(day: Chain) -> None:
    """Swapped for another, with metadata that fits it: the claim tells."""
    key = asset_keys(HEADS).single(day.day, day.number)
    with day.process() as site:
        other = site.store.get(asset_keys(HEADS).single(day.day, day.number + 1))
        site.store.replace(key, other.body, site.store.head(key).etag, other.metadata)
    assert asset_keys(HEADS).window(window_of(day)) not in day.rotate(11).stored
    report = day.rotate(25)
    assert f"fetch {day.number} is not the object that was claimed" in str(report.findings)
    [row] = windows(day, HEADS).values()
    assert [held.number for held in row.held] == list(range(day.number + 1, day.number + 10))


def test_what_is_wrong_with_a_window_is_named(day: Chain) -> None:
    day.rotate(11)
    day.rotate(21)
    whole = day.objects()
    key = asset_keys(HEADS).window(window_of(day))

    def kinds(deep: bool = False) -> list[tuple[Kind, int | None]]:
        found = day.checks(deep=deep)["heads", "landed_matches_claimed"].findings
        return [(each.kind, each.fetch_number) for each in found]

    with day.process() as site:
        good = site.store.get(key)
        raw = site.store.get(asset_keys(RAW).window(window_of(day))).body

        def put(body: bytes) -> None:
            site.store.replace(key, body, site.store.head(key).etag, good.metadata)

        half = len(good.body) // 2
        flipped = good.body[:half] + bytes([good.body[half] ^ 1]) + good.body[half + 1 :]
        for spoilt in (good.body[:-100], flipped, raw):
            put(spoilt)
            assert kinds() == [(Kind.DAMAGED, day.number)]
        put(good.body)
        assert kinds() == [(Kind.OVERWRITTEN, day.number)] or kinds() == []
        site.store.delete(key)
        assert kinds() == [(Kind.REAL_LOSS, day.number + n) for n in range(10)]
        assert kinds(deep=True) == kinds()
    assert whole.keys() - day.objects().keys() == {key}, "nothing else has changed"


def test_a_window_whose_writer_died_before_it_was_compared_is_compared(
    day: Chain, gate: FaultyStore
) -> None:
    gate.plan = when(lambda request: "-00730" in request.key and not request.writes, refused())
    assert day.rotate(11, store=gate).stored == []
    assert not any(row.is_verified for row in windows(day, RAW).values())
    assert len(day.rotate(12).stored) == len(day.plan.assets)
    assert all(row.is_verified for row in windows(day, RAW).values())


def test_a_window_that_a_dead_writer_left_torn_is_written_again(day: Chain) -> None:
    key = asset_keys(RAW).window(window_of(day))
    day.store.put_new(key, b"half a window")
    assert "is made again" in str(day.rotate(11).findings)
    [row] = windows(day, RAW).values()
    assert row.is_verified
    assert all_ok(day.checks(deep=True))


def test_without_the_ledger_nothing_is_removed_and_nothing_is_stored(day: Chain) -> None:
    before = day.objects()
    report = day.rotate(30, ledger=faulty.away)
    assert report.findings
    assert day.objects() == before
