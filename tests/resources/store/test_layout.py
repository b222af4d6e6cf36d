"""How keys lie, on which a promise of the store rests: no key is the folder of another, and what is
listed from a key on lies in one flat folder."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from pipeline_assets.sealing import clear_replaced, seal_day
from resources.store.faulty import FaultyStore, Request
from simulator.server import serve
from tests.chain import FEED, SECRET, USER, Chain
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.pipeline_assets.small_plan import small_plan
from tests.stores import below, memory
from touchline.day import Minute

NOON = Minute.parse("2025-05-28T16:00:00Z")
A_DAY = 24 * 60


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """What a day's life asked of its store: minutes, checks, windows, the seal, and what it
    replaced taken away."""
    access, connected = memory(tmp_path_factory.mktemp("store"))
    store = FaultyStore(below(connected, "lived"))
    with serve(
        SmallWorld({"m1": 2, "m2": 3}, teams_named=False), user=USER, secret=SECRET
    ) as vendor:
        home = tmp_path_factory.mktemp("home")
        chain = Chain(access, vendor, home, "lived", small_plan(), NOON, store)
        chain.watch()
        chain.minutes(12)
        chain.checks(deep=True)
        chain.rotate(25)
        chain.rotate(40)
        with chain.process() as site:
            for asset in chain.plan.assets:  # As who shows the last hour asks.
                site.days(FEED).index(asset.name, chain.day, after=725)
            site.ledger.close_interval(FEED, NOON.later(12).utc)
        for passed in (A_DAY, 3 * A_DAY):
            chain.at(NOON.later(passed))
            with chain.process() as site:
                assert seal_day(site, FEED, chain.day, run_id=f"seal-{passed}").waiting == []
                clear_replaced(site, FEED, run_id=f"clear-{passed}")
        chain.checks(deep=True)
    for item in store.list(""):  # Delta's commits go past the plan.
        store.passed.append(Request("put_new", item.key))
    return store.passed


@pytest.fixture(scope="module")
def keys(lived: list[Request]) -> set[str]:
    """Every key that an object ever had."""
    return {request.key for request in lived if request.operation in ("put_new", "replace")}


def test_a_day_has_lived_through_all_its_forms(keys: set[str]) -> None:
    for form in (
        f"raw/football/date={NOON.day}/00721.json.zst",
        f"raw/football/date={NOON.day}/00721-00730.json.zst",
        f"hot/football/date={NOON.day}/heads/00721-00730.parquet",
        f"hot/football/date={NOON.day}/heads/sealed-00001",
        "lake/football/heads/_delta_log/00000000000000000001.json",
    ):
        assert form in keys, sorted(keys)


def test_no_key_is_the_folder_of_another(keys: set[str]) -> None:
    folders = {str(folder) for key in keys for folder in PurePosixPath(key).parents}
    assert folders & keys == set()


def test_what_is_listed_from_a_key_on_lies_in_one_flat_folder(
    lived: list[Request], keys: set[str]
) -> None:
    begun = {request.key for request in lived if request.start_after is not None}
    assert len(begun) == len(small_plan().assets)
    for folder in begun:
        assert folder.endswith("/")
        below = [key.removeprefix(folder) for key in keys if key.startswith(folder)]
        assert [name for name in below if "/" in name] == []
