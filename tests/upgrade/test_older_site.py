"""What the version before this one left is read, and goes on."""

from __future__ import annotations

import importlib
import lzma
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.site_backup import restore
from pipeline_assets.load import load_table
from pipeline_assets.plans import PLANS
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out
from pipeline_assets.sealing import seal_day
from resources.embedded_s3 import S3Access
from resources.heartbeat import heartbeat_key, written_at
from resources.settings import Settings
from simulator.server import serve
from tests.chain import FEED, SECRET, USER, Chain, all_ok
from tests.stores import s3_store
from tests.upgrade.make_site import MINUTES, OPEN, SEALED, SITE, world
from touchline.delivery import DeliveryState

FORMS = (
    "touchline.fetch",
    "resources.fetch_object",
    "resources.stage_codec",
    "resources.raw_window",
    "resources.stage_window",
    "resources.manifest",
    "operations.site_backup",
)
"""Where a stored form has its format."""
A_DAY = 24 * 60


@pytest.fixture
def chain(s3_server: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """The older site, restored just after the minute that its store was away in."""
    bucket = {"TOUCHLINE_S3_BUCKET": f"older-{uuid.uuid4().hex[:12]}", "TOUCHLINE_S3_PREFIX": ""}
    for name, value in (s3_server.environment() | bucket).items():
        monkeypatch.setenv(name, value)
    home, backup = tmp_path / "home", tmp_path / "site.tar"
    backup.write_bytes(lzma.decompress(SITE.read_bytes()))
    settings = Settings.load(_env_file=None, home=home)
    restore(settings, backup, OPEN.later(MINUTES + 1).utc, lambda said: None)
    with serve(world(), user=USER, secret=SECRET) as vendor:
        chain = Chain(s3_server, vendor, home, "", PLANS[FEED], OPEN, s3_store(s3_server))
        chain.at(OPEN.later(MINUTES + 1))
        yield chain


def seal(chain: Chain) -> None:
    with chain.process() as site:
        assert seal_day(site, FEED, chain.day, run_id="seal").waiting == []


def test_an_open_day_goes_on(chain: Chain) -> None:
    """The fetch that waited lands, old and new ones share a window, and the day is sealed into the
    tables that the older version made."""
    assert chain.waiting() == [OPEN.number + MINUTES]
    report = chain.minute(MINUTES + 1)
    assert not [step.failures for step in report.steps.values() if step.failures]
    assert chain.waiting() == []
    numbers = [OPEN.number + passed for passed in range(MINUTES + 2)]
    assert {asset.name: chain.numbers(asset.name) for asset in chain.plan.assets} == dict.fromkeys(
        (asset.name for asset in chain.plan.assets), numbers
    )
    assert all_ok(chain.checks(deep=True))

    with chain.process() as site:
        site.ledger.close_interval(FEED, OPEN.later(MINUTES + 2).utc)
    assert chain.rotate(MINUTES + 20).findings == []
    assert all_ok(chain.checks(deep=True))
    chain.at(OPEN.later(A_DAY))
    seal(chain)
    assert all_ok(chain.checks(deep=True))
    with chain.process() as site:
        for stage in chain.plan.stages:
            rows = load_table(site, stage.name, OPEN.day).to_pylist()
            assert {row["fetch_number"] for row in rows} <= set(numbers), stage.name
            assert load_table(site, stage.name, SEALED.day).num_rows >= 0


def test_a_sealed_day_is_verified_and_what_came_with_us_is_made_of_it(chain: Chain) -> None:
    chain.start = SEALED
    with chain.process() as site:
        known = {seal.asset for seal in site.ledger.seals(FEED)}
    added = {asset.name for asset in chain.plan.assets} - known
    assert len(known) > 5
    for (asset, check), report in chain.checks(deep=True).items():
        if f"{FEED}/{asset}" in known:
            assert report.findings == [], f"{asset} {check}"
    with chain.process() as site:
        plan = plan_repair(site, chain.plan, SEALED.day)
        assert added <= {item.asset for item in plan.items}
        carry_out(site, plan, run_id="repair", reason="a new version")
    assert all_ok(chain.checks(deep=True))
    seal(chain)
    assert all_ok(chain.checks(deep=True))


def test_what_waited_to_be_told_and_the_sign_of_life_are_read(chain: Chain) -> None:
    with chain.process() as site:
        [notice] = site.ledger.notices(DeliveryState.PENDING)
        beaten = written_at(site.store.get(heartbeat_key(FEED)).body)
    assert "touchline verify --date 2025-05-28" in notice.body
    assert OPEN.later(MINUTES).utc < beaten < OPEN.later(MINUTES + 1).utc


@pytest.mark.parametrize("form", FORMS)
def test_a_format_is_raised_with_a_reader_of_the_one_before(form: str) -> None:
    found = importlib.import_module(form)
    assert {found.FORMAT, max(found.FORMAT - 1, 1)} <= set(found.READABLE_FORMATS)


def test_every_format_is_looked_at() -> None:
    root = Path(__file__).parents[2]
    having = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for folder in ("touchline", "resources", "pipeline_assets", "operations")
        for path in (root / folder).rglob("*.py")
        if "\nFORMAT = " in path.read_text()
    }
    # A cache of answers is filled anew.
    assert having - {"resources.vendor.reference_cache"} == set(FORMS)
