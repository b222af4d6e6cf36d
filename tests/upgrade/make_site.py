"""Makes the site that the next version must read: `python tests/upgrade/make_site.py`.

Run by the version that is released, it leaves beside itself `site.tar.xz`, a backup of a small
site: a sealed day, an open one with a window and fetch objects, a fetch that waits in the spool, a
notice that waits to be sent, a heartbeat. See docs/upgrade.md.
"""

from __future__ import annotations

import lzma
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from operations.site_backup import back_up
from pipeline_assets.plans import PLANS
from pipeline_assets.sealing import clear_replaced, seal_day
from resources.embedded_s3 import S3Access, running
from resources.site import Site
from resources.watch_record import record_watch
from sensors.heartbeat import write as write_heartbeats
from simulator.server import Served, serve
from tests.chain import FEED, SECRET, USER, Chain
from tests.crash.world import LASTS_MINUTES, RollingWorld
from tests.stores import s3_store
from touchline.alerting import Evaluation
from touchline.day import Minute

SITE = Path(__file__).with_name("site.tar.xz")
SEALED = Minute.parse("2025-05-26T17:48:00Z")
OPEN = Minute.parse("2025-05-28T17:48:00Z")
MINUTES = 3
"""Of each day that are run: the last two of a window and the first of the next."""
_NOWHERE = S3Access("http://127.0.0.1:2", "key", "secret", "us-east-1")


def world() -> RollingWorld:
    """Of both days and the hours after: small, and no two minutes the same."""
    made = RollingWorld(SEALED.later(-LASTS_MINUTES), 3 * 24 * 60)
    made.teams_named = True
    return made


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder, "s3")) as access,
        serve(world(), user=USER, secret=SECRET) as vendor,
    ):
        backup = Path(folder, "site.tar")
        _make(access, vendor, Path(folder, "home"), backup)
        SITE.write_bytes(lzma.compress(backup.read_bytes(), preset=9))
    print(f"{SITE}: {SITE.stat().st_size:,} B")


def _make(access: S3Access, vendor: Served, home: Path, backup: Path) -> None:
    chain = Chain(access, vendor, home, "", PLANS[FEED], SEALED, s3_store(access))
    chain.watch()
    chain.minutes(MINUTES)
    chain.rotate(MINUTES + 15)
    with chain.process() as site:
        site.ledger.close_interval(FEED, SEALED.later(MINUTES).utc)
        site.claim_origin(FEED, "simulated")
    with _later(chain, hours=24) as site:
        assert not seal_day(site, FEED, SEALED.day, run_id="seal").waiting
    with _later(chain, hours=24.5) as site:
        clear_replaced(site, FEED, run_id="clear")

    chain.start = OPEN
    chain.watch()
    chain.minutes(MINUTES)
    chain.rotate(MINUTES)
    chain.minute(MINUTES, access=_NOWHERE)
    now = OPEN.later(MINUTES).utc + timedelta(seconds=50)
    with chain.process() as site:
        found = Evaluation("landed_matches_claimed", "football/merged", OPEN.day, now, ("lost",))
        site.ledger.judge([found])
        site.ledger.tell(now + timedelta(seconds=30), 1)
        record_watch(site.store, site.ledger, FEED)
        os.environ.update(site.settings.environment() | access.environment())
        write_heartbeats(now)
        back_up(site, backup, lambda said: None)


@contextmanager
def _later(chain: Chain, hours: float) -> Iterator[Site]:
    chain.clock.set(chain.clock.now() + timedelta(hours=hours))
    with chain.process() as site:
        yield site


if __name__ == "__main__":
    main()
