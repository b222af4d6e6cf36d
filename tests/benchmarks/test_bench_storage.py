"""What the storage benchmark measures with, on a small world; `make bench-storage` is the rest."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Figure, all_hold
from benchmarks.measured import MeteredS3, costing
from benchmarks.synthetic_past import fill_windows_before
from benchmarks.watched_day import DAY, FEED, PLAN, VENDOR_SECRET, VENDOR_USER, Watched
from pipeline_assets.checks.factory import check_day
from resources.embedded_s3 import S3Access
from resources.store.s3 import S3Store
from simulator.server import serve
from tests.pipeline_assets.football.client.conftest import SmallWorld
from touchline.accounting import Verdict

FIRST = 31


def test_a_copied_past_is_one_that_every_check_believes(
    s3_server: S3Access, s3_prefix: str, tmp_path: Path
) -> None:
    world = SmallWorld({"match-a": 2, "match-b": 3}, teams_named=False)
    with serve(world, user=VENDOR_USER, secret=VENDOR_SECRET) as vendor:
        watched = Watched(s3_server, tmp_path, s3_prefix, vendor.url)
        with watched.at(DAY.minute(FIRST)) as (site, _):
            site.ledger.open_interval(FEED, DAY.minute(FIRST).utc, "recorded")
        for number in range(FIRST, FIRST + 10):
            vendor.clock.set(DAY.minute(number).utc)
            watched.minute(DAY.minute(number))
        watched.rotated(DAY.minute(FIRST + 9))
        assert fill_windows_before(watched, FIRST) == FIRST - 1
        vendor.clock.set(DAY.minute(FIRST + 10).utc)
        watched.minute(DAY.minute(FIRST + 10))  # Raises where a check finds anything.
    with watched.at(DAY.minute(FIRST + 10)) as (site, _):
        for asset in PLAN.assets:
            index = site.days(FEED).index(asset.name, DAY)
            assert sorted(index.numbers) == [*range(1, FIRST + 11)], asset.name
            assert len(index.windows) == 4
            for report in check_day(site, PLAN, asset, DAY):
                assert (report.verdict, report.findings) == (Verdict.OK, [])


def test_what_crosses_the_wire_is_counted_listings_included(
    s3_server: S3Access, s3_prefix: str
) -> None:
    s3 = MeteredS3(
        endpoint_url=s3_server.endpoint_url,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key_id,
        aws_secret_access_key=s3_server.secret_access_key,
    )
    store = S3Store(s3, "touchline", s3_prefix)
    with costing(s3.wire) as cost:
        store.put_new("a", bytes(1000))
        store.get("a")
        assert [item.key for item in store.list("")] == ["a"]
    assert (cost.requests, cost.listing_requests) == (3, 1)
    assert cost.bytes - cost.listing_bytes == 2000
    assert cost.listing_bytes > 100


def test_a_figure_beyond_its_limit_does_not_hold() -> None:
    at, beyond = (Figure.at_most("part", "what", "", value, 2.0) for value in (2.0, 2.1))
    beside = Figure("part", "what", "", 9.0)
    assert all_hold([at, beside])
    assert not all_hold([at, beyond, beside])
