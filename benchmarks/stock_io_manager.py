"""The same day in one object, as the stock IO manager of dagster-aws keeps a daily partition.

Each minute loads the day, appends its fetch and stores the day again. It is given the packed bytes
that are stored here too, the kindest it could be given; pickled as Python objects a fetch weighs
ten times as much.
"""

from __future__ import annotations

import logging
import statistics
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3PickleIOManager, S3Resource
from pydantic import PrivateAttr

from benchmarks.figures import Figure
from benchmarks.film import Film
from benchmarks.measured import Cost, MeteredS3, alone, costing
from benchmarks.watched_day import DAY
from resources.embedded_s3 import S3Access
from resources.fetch_object import pack

PART = "the stock S3PickleIOManager, raw fetches alone"
BUCKET, PREFIX = "touchline", "stock"
_KEY = dg.AssetKey(["football", "raw_fetches"])
_PARTITIONS = dg.DailyPartitionsDefinition(str(DAY))


class MeteredResource(S3Resource):
    """dagster-aws's S3 resource, with clients that tell a wire what they send and receive."""

    _s3: MeteredS3 = PrivateAttr()

    def __init__(self, s3: MeteredS3) -> None:
        super().__init__(endpoint_url=s3.endpoint_url)
        self._s3 = s3

    def get_client(self) -> Any:
        return self._s3.make_client()


def stock_io_manager(
    access: S3Access, film: Film, numbers: Iterable[int], repeated: int
) -> list[Figure]:
    """Measure a minute whose fetch has one of these numbers: the median of `repeated` runs."""
    figures = []
    for number in numbers:
        costs = []
        for _ in range(repeated):
            alone(_store_before, access, film, number)
            costs.append(alone(_minute, access, film, number))
        figures.append(_figure(number, costs))
    return figures


def _figure(number: int, costs: list[Cost]) -> Figure:
    wall, moved, peak = (
        statistics.median(map(attrgetter(name), costs))
        for name in ("wall_seconds", "bytes", "peak_mb")
    )
    shown = f"{wall:,.2f} s, {moved / 1e6:,.1f} MB moved, {peak:,.0f} MB peak memory"
    return Figure(PART, f"a minute at fetch {number}", shown, wall)


def _store_before(access: S3Access, film: Film, number: int) -> None:
    cuts = [pack(film.cut(position)) for position in range(min(number, len(film.cuts)))]
    # Each its own object: pickle keeps one that is met twice once.
    day = [bytes(bytearray(cuts[n % len(cuts)])) for n in range(number - 1)]
    _manager(access)[0].handle_output(_output(), day)


def _minute(access: S3Access, film: Film, number: int) -> Cost:
    manager, metered = _manager(access)
    fetched = pack(film.cut((number - 1) % len(film.cuts)))
    with costing(metered.wire) as cost:
        day = manager.load_input(_input())
        day.append(fetched)
        manager.handle_output(_output(), day)
    return cost


def _manager(access: S3Access) -> tuple[dg.IOManager, MeteredS3]:
    logging.disable(logging.INFO)  # It tells of every path.
    metered = MeteredS3(
        endpoint_url=access.endpoint_url,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        read_timeout_seconds=120,
    )
    resource = MeteredResource(metered)
    stock = S3PickleIOManager(s3_resource=resource, s3_bucket=BUCKET, s3_prefix=PREFIX)
    return stock.create_io_manager(dg.build_init_resource_context()), metered


def _input() -> dg.InputContext:
    return dg.build_input_context(
        asset_key=_KEY,
        partition_key=str(DAY),
        asset_partition_key_range=dg.PartitionKeyRange(str(DAY), str(DAY)),
        asset_partitions_def=_PARTITIONS,
    )


def _output() -> dg.OutputContext:
    return dg.build_output_context(
        asset_key=_KEY, partition_key=str(DAY), asset_partitions_def=_PARTITIONS
    )
