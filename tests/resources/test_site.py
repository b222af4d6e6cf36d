"""A site: one prefix and what belongs to it, put together from settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.plans import PLANS
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access
from resources.ledger import LedgerUnavailable
from resources.origins import read_origins
from resources.settings import SettingsError
from resources.site import Site, StoreBlob, WrongOrigin
from resources.store import StoreUnavailable
from resources.store.faulty import FaultyStore, away
from resources.store.memory import MemoryStore
from tests.resources.stage_samples import RAW, ref
from touchline.day import Day


def settings_for(home: Path, prefix: str, **more: Any) -> AllSettings:
    return AllSettings.load(_env_file=None, home=home, s3_prefix=prefix, **more)


@pytest.fixture
def access(store: MemoryStore) -> S3Access:
    return S3Access(store.endpoint)


@pytest.fixture
def site(access: S3Access, tmp_path: Path) -> Iterator[Site]:
    with closing(Site.open(settings_for(tmp_path, "test"), PLANS, access)) as site:
        yield site


@pytest.mark.parametrize(("feed", "other"), [("football", "league"), ("league", "football")])
def test_a_prefix_holds_data_of_one_origin_of_each_feed(site: Site, feed: str, other: str) -> None:
    assert site.origin(feed) is None
    site.claim_origin(feed, "simulated")
    site.claim_origin(feed, "simulated")
    assert site.origin(other) is None
    site.claim_origin(other, "live")
    with pytest.raises(WrongOrigin, match=rf"simulated data of {feed}.*TOUCHLINE_S3_PREFIX"):
        site.claim_origin(feed, "live")
    assert (site.origin(feed), site.origin(other)) == ("simulated", "live")


def test_the_markers_stand_where_older_releases_and_copies_look_for_them(site: Site) -> None:
    site.store.put_new("origin.json", b'{"origin":"live"}')
    assert site.origin("football") == "live"
    site.claim_origin("football", "live")
    site.claim_origin("league", "recorded")
    assert site.store.get("origins/league.json").body == b'{"origin":"recorded"}'
    assert read_origins(site.store) == {"football": "live", "league": "recorded"}


def test_an_origin_that_cannot_be_read_is_not_an_unclaimed_one(site: Site) -> None:
    site.store = FaultyStore(site.store, away)
    with pytest.raises(StoreUnavailable):
        site.origin("football")
    with pytest.raises(StoreUnavailable):
        site.claim_origin("football", "live")


def test_what_waits_for_one_prefix_is_not_seen_from_another(
    access: S3Access, tmp_path: Path
) -> None:
    for prefix in ("", "a", "a/b", "b"):
        with closing(Site.open(settings_for(tmp_path, prefix), PLANS, access)) as site:
            assert list(site.spool("football").entries()) == [], prefix
            site.spool("football").write(ref(7), b"{}")


def test_a_ledger_that_is_away_does_not_keep_a_site_from_opening(
    access: S3Access, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    settings = settings_for(tmp_path, "test", ledger_url=f"sqlite:///{tmp_path / 'folder'}")
    with closing(Site.open(settings, PLANS, access)) as site:
        site.claim_origin("football", "live")
        with pytest.raises(LedgerUnavailable):
            site.ledger.claims(RAW, Day.parse("2025-05-28"))


def test_a_feed_without_credentials_says_which_setting_is_missing(site: Site) -> None:
    with pytest.raises(SettingsError, match="TOUCHLINE_FEED_URL"):
        site.feed("football")


def test_every_stage_is_found_by_its_name(site: Site) -> None:
    assert set(site.stages) == {s.name for plan in PLANS.values() for s in plan.stages}
    assert all(stage.name == name for name, stage in site.stages.items())


def test_a_blob_is_replaced_as_it_was_read(site: Site) -> None:
    blob = StoreBlob(site.store, "reference/cache")
    assert blob.read() is None
    assert blob.replace(b"first", None)
    assert not blob.replace(b"other", None), "somebody made it meanwhile"
    found = blob.read()
    assert found is not None
    body, etag = found
    assert body == b"first"
    assert blob.replace(b"second", etag)
    assert not blob.replace(b"third", etag), "somebody replaced it meanwhile"
    assert blob.read() == (b"second", site.store.head("reference/cache").etag)
