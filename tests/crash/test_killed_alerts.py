"""Alerts reach Telegram although it fails and the process is killed at any moment.

Real minutes of football, each a process of its own, on the real store and ledger. What must have
been told is read from the vendor's answers by an oracle; what was told, from Telegram's side. A
message may come twice where a kill fell between its delivery and the record of it, and only there.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins.telegram import NotifyTelegram

from pipeline_assets.delivery import deliver_alerts, notifier_of
from pipeline_assets.plans import PLANS
from pipeline_assets.slot_run import run_slot
from resources.embedded_s3 import S3Access
from simulator.server import serve
from tests.chain import FEED, NOON, RAW, SECRET, USER, Chain
from tests.channels import Away, posts, shown_by_telegram
from tests.crash.children import WasKilled, in_child
from tests.crash.effects import Edge, Effect, Kind, Observer
from tests.half_times import HalfTimes, Key, told_of
from tests.slots import slot_at
from tests.stores import s3_store
from touchline.delivery import DeliveryState

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]

FULL = os.environ.get("TOUCHLINE_CRASH") == "full"
MINUTES = int(os.environ.get("TOUCHLINE_CRASH_MINUTES", "240" if FULL else "24"))
SEED = int(os.environ.get("TOUCHLINE_CRASH_SEED", random.SystemRandom().randrange(10**6)))
FAILS = 0.3
"""Of what it is sent, Telegram refuses so much."""
KILLED = 0.7
"""Of the minutes; three of them in a row at the most, as an alert is news for ten minutes."""
KILLED_IN_A_ROW = 3
LOOKS_AFTER_SECONDS = 40
"""Of each minute, when the sensor looks for what is due."""
SENSOR_EDGES = 6
"""Those of one message: it is taken, sent and marked."""
MESSAGE_EDGES = [0, 1, 2, 2, 3, 4]
"""Before the first message, after it, before the second one, and so on; 0 is none of these."""
AFTERWARDS, LAST_TRIES = 4, 26
"""Minutes that nobody kills, until all that may still be at work has given up; and until each of
two targets has had its five tries."""
BOT = "tgram://123456789:abcdefghijklmnopqrstuvwxyz_0123456"
CHATS = f"{BOT}/77, {BOT}/78"
"""The second is for escalation."""


@dataclass
class DiesAt(Observer):
    """Kills the process at the edge of an effect that comes after so many others, or at that of a
    message after so many others of messages, whichever is first. 0 is never."""

    after: int = 0
    after_messages: int = 0

    def install(self) -> None:
        super().install()
        send = NotifyTelegram.send

        def observed(*given: Any, **options: Any) -> bool:
            with self.around(Kind.MESSAGE, "Telegram"):
                return send(*given, **options)

        NotifyTelegram.send = observed

    def dies(self, effect: Effect, edge: Edge) -> bool:
        self.after -= 1
        self.after_messages -= effect.kind is Kind.MESSAGE
        return self.after == 0 or (effect.kind is Kind.MESSAGE and self.after_messages == 0)


@dataclass
class Night:
    """Minutes and looks of the sensor, each a process of its own, and Telegram."""

    chain: Chain
    rng: random.Random
    observer: Observer | None = None
    taken: Counter[Key] = field(default_factory=Counter)
    """What Telegram has shown to people."""
    asked: Counter[Key] = field(default_factory=Counter)
    refused: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """By what was killed."""
    unrecorded: Counter[Key] = field(default_factory=Counter)
    """Messages that were delivered by a process that was killed before it could say so."""
    edges: dict[str, int] = field(default_factory=lambda: {"look": SENSOR_EDGES})
    """How many a step has, as far as is known."""

    def telegram(self, post: dict[str, Any]) -> str:
        text = shown_by_telegram(post)
        key = told_of(text)
        self.asked[key] += 1
        fails = random.Random(f"{SEED}/{key}/{self.asked[key]}").random() < FAILS
        if fails:
            self.refused += 1
            raise Away("Bad Gateway")
        self.taken[key] += 1
        return text

    def minute(self, passed: int, *, dies: bool) -> None:
        now = self.chain.start.later(passed)

        def work() -> None:
            with self._process() as site:
                run_slot(site, slot_at(now), run_id=f"run-{now.number}")

        self.chain.at(now)  # The vendor's clock is in this process.
        self._step("minute", work, dies=dies)

    def sensor(self, minutes: Iterable[int], *, dies: bool = False) -> None:
        """A look in each of these minutes, all of them in one process."""

        def work() -> None:
            for passed in minutes:
                self.chain.at(self.chain.start.later(passed), LOOKS_AFTER_SECONDS)
                with self._process() as site:
                    deliver_alerts(
                        site.outbox(FEED),
                        site.plans,
                        partial(notifier_of, site.settings, site.ledger),
                        site.clock.now(),
                        seconds=30,
                    )

        self._step("look", work, dies=dies)

    def _step(self, name: str, work: Callable[[], None], *, dies: bool) -> None:
        observer = DiesAt(self.chain.home)
        if dies:
            observer.after = self.rng.randint(1, self.edges[name])
            observer.after_messages = self.rng.choice(MESSAGE_EDGES)
        before, self.observer = self.taken.copy(), observer
        try:
            in_child(work, observer)
            self.edges[name] = max(2 * len(observer.effects), SENSOR_EDGES)
            return
        except WasKilled:
            self.kills[name] += 1
        finally:
            self.observer = None
        if told := self.taken - before:
            self.unrecorded.update({*told} & {*self.unsent()})

    def unsent(self) -> list[Key]:
        """What the ledger does not know to be told."""

        def look() -> list[Key]:
            with self._process() as site:
                rows = site.ledger.match_alerts(self.chain.day)
            return [(r.rule_id, r.subject_id) for r in rows if r.state is not DeliveryState.SENT]

        return in_child(look)

    def landed(self) -> list[int]:
        return in_child(lambda: self.chain.numbers(RAW))

    def _process(self) -> Any:
        chain = self.chain
        if self.observer is not None:
            chain = replace(chain, connected=self.observer.before(chain.connected))
            chain.clock.set(self.chain.clock.now())
        return chain.process(origin="live", notify_urls=CHATS)


def shown(counts: Counter[str]) -> str:
    return " and ".join(f"{count} {name}s" for name, count in sorted(counts.items(), reverse=True))


@pytest.fixture
def night(s3_server: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    # A busy machine takes longer than a run waits for what it sends.
    monkeypatch.setattr("pipeline_assets.run.SENDING_SECONDS", 30.0)
    prefix = f"crash-{uuid.uuid4().hex[:12]}"
    with serve(HalfTimes(SEED), user=USER, secret=SECRET) as vendor:
        store = s3_store(s3_server)
        _ = store.client  # Made now and connected to nothing yet: every fork may use it as its own.
        chain = Chain(s3_server, vendor, tmp_path, prefix, PLANS[FEED], NOON, store)
        night = Night(chain, random.Random(SEED))
        with posts(night.telegram) as (url, _):
            monkeypatch.setattr(NotifyTelegram, "notify_url", f"{url}/bot")
            yield night


def test_no_alert_is_missed_and_one_comes_twice_only_where_a_kill_fell_between(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = night.chain

    def watch() -> None:
        with chain.process() as site:
            site.ledger.open_interval(FEED, chain.start.utc, "live")

    in_child(watch)
    in_a_row = 0
    for passed in range(MINUTES):
        dies = passed > 0 and in_a_row < KILLED_IN_A_ROW and night.rng.random() < KILLED
        in_a_row = in_a_row + 1 if dies else 0
        night.minute(passed, dies=dies)
        night.sensor([passed], dies=dies)
    for passed in range(MINUTES, MINUTES + AFTERWARDS):
        night.minute(passed, dies=False)
    night.sensor(range(MINUTES + AFTERWARDS, MINUTES + LAST_TRIES))

    world = chain.vendor.source
    assert isinstance(world, HalfTimes)
    landed = night.landed()
    qualified = {
        (found.rule_id, found.match_id)
        for number in landed
        for found in world.qualifying(chain.day.minute(number))
    }
    repeats = night.taken - Counter(dict.fromkeys(night.taken, 1))
    with capsys.disabled():
        print(f"\n{MINUTES} minutes, seed {SEED}: {shown(night.kills)} of the sensor killed,")
        print(f"  {MINUTES + AFTERWARDS - len(landed)} of them before their fetch was durable, and")
        print(f"  {night.unrecorded.total()} between a delivery and its record.")
        print(f"Telegram took {night.taken.total()} messages and refused {night.refused}.")
        print(f"{len(qualified)} alerts, {len(qualified - night.taken.keys())} missed,", end=" ")
        print(f"{repeats.total()} repeated")
    assert {*night.taken} == qualified, f"TOUCHLINE_CRASH_SEED={SEED}"
    assert not repeats - night.unrecorded, "repeated without a kill in the window"
    assert night.unsent() == []
    assert night.refused
