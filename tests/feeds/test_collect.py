"""Test raw assets whose past can be fetched again: which slots are fetched, what is made of what
came, and `touchline collect`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

import dagster as dg
import pytest

from operations.commands.collect import as_dict, collect_from
from pipeline_assets import ledger_rebuild
from pipeline_assets.assets import assets_of
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import Kind
from pipeline_assets.day_state import read_day_state
from pipeline_assets.inbox import take_inbox
from pipeline_assets.io_manager import S3DayIOManager
from pipeline_assets.minute_state import MinuteState
from pipeline_assets.raw_step import collect_step, slot_now
from pipeline_assets.repair.losses import losses_of
from pipeline_assets.run import Run
from resources.ledger import AttemptRow
from resources.ledger.faulty import FaultyLedger, away
from resources.site import Site
from resources.watch_record import read_watch
from tests.feeds.conftest import TUESDAY, of_a_league
from tests.feeds.league import FEED, RESULTS, Fetched, League, box_scores, game_lines, league
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import FetchFate, RetryReason, RunState
from touchline.errors import Misuse
from touchline.fetch import Envelope, write_envelope
from touchline.plan import FeedPlan
from touchline.schedule import TimesOfDay
from touchline.slot import Slot

MORNING = TUESDAY.end + 10 * HOUR
"""After the games of Tuesday."""
EVENING = TUESDAY.start + 18 * HOUR
Games = list[dict[str, Any]]


def finals(*points: int) -> Games:
    """Games that are over, by the points of the home team."""
    return [
        {"id": f"game-{nth}", "team": "home", "final": True, "home": home, "away": 90, "price": 1.5}
        for nth, home in enumerate(points)
    ]


@dataclass
class Told(League):
    """A client that says of a date what a test has it say."""

    says: Games = field(default_factory=lambda: finals(100, 101, 102))
    fails: bool = False

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        fetched = super().fetch(slot, previous=previous, ask=ask)
        if not self.fails:
            return fetched
        ref, footer = Envelope(fetched.envelope).ref, {"outcome": "failed", "reason": "http_503"}
        return Fetched(write_envelope(ref, {}, footer, start_line=""))

    def _games(self, slot: Slot) -> Games:
        return self.says


def told(client: Told, plan: FeedPlan | None = None) -> Case:
    return replace(
        of_a_league(),
        plan=plan or league(client),
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
    )


@dataclass
class Collecting:
    """A day that nobody watched, asked for at times of a test's own."""

    watched: Watched
    client: Told

    @property
    def site(self) -> Site:
        return self.watched.site

    def ask(
        self, at: datetime, says: Games | None = None, forced: str | None = None
    ) -> dict[str, Any]:
        """Collect the day's box scores at this time, and return what the command says of them."""
        self.watched.clock.set(at)
        if says is not None:
            self.client.says = says
        plan = self.watched.plan.name
        return as_dict(collect_from(self.site, plan, TUESDAY, forced=forced))["sources"][
            "box_scores"
        ]

    @property
    def attempts(self) -> Sequence[AttemptRow]:
        return self.site.ledger.attempts(box_scores.name, TUESDAY)

    @property
    def newest(self) -> AttemptRow:
        return self.attempts[-1]

    @property
    def alarms(self) -> list[tuple[Kind, int | None]]:
        """What the checks of the raw day find, of which fetch."""
        reports = check_day(self.site, self.watched.plan, box_scores, TUESDAY)
        return [(each.kind, each.fetch_number) for report in reports for each in report.findings]

    @property
    def landed(self) -> list[int]:
        return sorted(self.site.days(FEED).index(box_scores.name, TUESDAY).numbers)


@pytest.fixture
def collecting(watch: Callable[[Case], Watched]) -> Collecting:
    client = Told()
    case = replace(told(client), opened=MORNING, closed=MORNING + HOUR)
    return Collecting(watch(case), client)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


# --- slots that are held -------------------------------------------------------------------------


def _with_a_slot_in_the_evening(client: Told) -> FeedPlan:
    plan = league(client)
    times = ((0, time(18)), (1, time(3, 5)), (1, time(9, 5)))
    early = replace(box_scores, schedule=TimesOfDay(times, box_scores.patience))
    return replace(plan, raws=(early, *plan.raws[1:]))


def test_a_slot_before_the_games_end_is_held_and_neither_missed_nor_expected(
    watch: Callable[[Case], Watched],
) -> None:
    client = Told()
    watched = watch(told(client, _with_a_slot_in_the_evening(client)))
    watched.live_until(watched.case.over)
    early = Slot.of(box_scores.name, TUESDAY, EVENING)
    assert early not in client.asked, "no request is made"
    ledger = watched.site.ledger
    row = ledger.fetches(early.raw, TUESDAY)[early.number]
    ends = TUESDAY.start + 21 * HOUR
    assert (row.fate, row.reason, row.until) == (FetchFate.HELD, RetryReason.NOT_YET, ends)
    assert watched.findings() == {}
    assert losses_of(watched.site, watched.plan, TUESDAY) == []
    state = read_day_state(watched.site, watched.plan, TUESDAY, deep=True)
    [cell] = [asset.cells[early.number - 1] for asset in state.assets if asset.name == early.raw]
    assert (cell.state, cell.what) == (MinuteState.NOT_EXPECTED, RetryReason.NOT_YET)
    assert watched.seal().waiting == []
    again = watched.run(early)
    assert (again.steps[early.raw].landed, early in client.asked) == ({}, False)


def test_a_ledger_made_anew_knows_what_was_held_and_what_came(
    watch: Callable[[Case], Watched],
) -> None:
    client = Told()
    watched = watch(told(client, _with_a_slot_in_the_evening(client)))
    watched.live_until(watched.case.over)
    site, raw = watched.site, box_scores.name
    fates = dict(site.ledger.fates(raw, TUESDAY))
    said = read_watch(site.store, FEED).missed[raw, TUESDAY]
    anew = replace(site, ledger=type(site.ledger)(site.settings.ledger_database, "feeds-anew"))
    ledger_rebuild.rebuild_day(anew, watched.plan, TUESDAY, {}, {raw: said})
    assert anew.ledger.fates(raw, TUESDAY) == fates
    assert FetchFate.HELD in fates.values()
    for _ in range(2):
        judged = [(row.number, row.state) for row in anew.ledger.attempts(raw, TUESDAY)]
        assert judged == [(1626, RunState.SUCCESS), (1986, RunState.SKIPPED)]
        ledger_rebuild.rebuild_day(anew, watched.plan, TUESDAY, {}, {raw: said})
    anew.close()


# --- what came, against what had landed ----------------------------------------------------------


def test_the_same_content_lands_in_its_slot_and_is_counted_as_unchanged(
    collecting: Collecting,
) -> None:
    first = collecting.ask(MORNING)
    assert (first["decision"], first["reason"], first["received"]) == ("run", "first_or_failed", 3)
    again = collecting.ask(MORNING + HOUR)
    assert (again["decision"], again["reason"]) == ("skip", "identical_content")
    assert again["blocked_by"] == collecting.attempts[0].run_id
    newest = collecting.newest
    assert (newest.state, newest.inserted, newest.unchanged) == (RunState.SKIPPED, 0, 3)
    assert collecting.landed == [first["fetch_number"], again["fetch_number"]]
    assert collecting.watched.findings() == {}


def test_fuller_content_supersedes_what_had_landed(collecting: Collecting) -> None:
    collecting.ask(MORNING, finals(100))
    fuller = collecting.ask(MORNING + HOUR, finals(100, 101))
    assert (fuller["decision"], fuller["reason"]) == ("run", "new_content")
    first, second = collecting.attempts
    assert (first.superseded_by, second.superseded_by) == (second.run_id, None)


def test_less_content_is_kept_set_aside_and_told_until_somebody_forces_it(
    collecting: Collecting,
) -> None:
    collecting.ask(MORNING, finals(100, 101, 102))
    less = collecting.ask(MORNING + HOUR, finals(100))
    assert (less["decision"], less["reason"]) == ("set_aside", "shrinking_content")
    assert less["fetch_number"] in collecting.landed, "nothing is thrown away"
    assert less["findings"] == [f"fetch {less['fetch_number']}: set_aside, shrinking_content"]
    assert collecting.alarms == [(Kind.SHRINKING_CONTENT, less["fetch_number"])]
    forced = collecting.ask(MORNING + 2 * HOUR, forced="two games were annulled")
    assert (forced["decision"], forced["reason"]) == ("run", "forced")
    assert collecting.newest.note is not None
    assert collecting.newest.note.endswith(": two games were annulled")
    assert collecting.attempts[0].superseded_by == collecting.newest.run_id
    assert collecting.watched.findings() == {}


def test_three_empty_answers_end_the_asking_for_a_day_with_one_alarm(
    collecting: Collecting,
) -> None:
    for after in (0, 4, 5, 34, 35, 60, 155, 300, 24 * 60 - 1):
        collecting.ask(MORNING + minutes(after), [])
    assert len(collecting.client.asked) == 3
    assert {row.state for row in collecting.attempts} == {RunState.NO_DATA, RunState.SKIPPED}
    assert collecting.alarms == [(Kind.RETRY_CAP, collecting.newest.number)]
    good = collecting.ask(MORNING + 25 * HOUR, finals(100, 101))
    assert (good["decision"], good["reason"]) == ("run", "zero_records")
    assert collecting.newest.state is RunState.SUCCESS
    assert collecting.watched.findings() == {}


def test_the_alarm_stands_while_what_is_let_through_brings_nothing(collecting: Collecting) -> None:
    for after in (0, 5, 35, 155):
        collecting.ask(MORNING + minutes(after), [])
    alarm = collecting.alarms
    assert alarm == [(Kind.RETRY_CAP, collecting.newest.number)]
    again = collecting.ask(MORNING + 25 * HOUR, [])
    assert (again["decision"], again["reason"]) == ("run", "zero_records")
    assert collecting.alarms == alarm, "it is over when data come, and not with an ask"
    collecting.ask(MORNING + 28 * HOUR, finals(100))
    assert collecting.alarms == []


def test_an_empty_answer_holds_for_its_back_off_and_never_blocks_a_good_one(
    collecting: Collecting,
) -> None:
    collecting.ask(MORNING, [])
    soon = collecting.ask(MORNING + minutes(4))
    assert (soon["decision"], soon["reason"], soon["fetch_number"]) == ("hold", "backoff", None)
    assert soon["until"] == "2026-01-07T15:05:00Z"
    assert len(collecting.client.asked) == 1
    good = collecting.ask(MORNING + minutes(5), finals(100))
    assert (good["decision"], good["reason"], good["received"]) == ("run", "zero_records", 1)
    assert collecting.watched.numbers(RESULTS.name) == [good["fetch_number"]]


def test_games_that_are_not_over_are_placeholders_and_block_nothing(
    collecting: Collecting,
) -> None:
    upcoming = [game | {"final": False} for game in finals(0, 0)]
    collecting.ask(MORNING, upcoming)
    row = collecting.newest
    assert (row.state, row.inserted, row.placeholder) == (RunState.NO_DATA, 2, 2)
    good = collecting.ask(MORNING + HOUR, finals(100))
    assert (good["decision"], good["reason"]) == ("run", "placeholder_only")


def test_content_that_nobody_can_compare_lands_with_unknown_counts(
    collecting: Collecting,
) -> None:
    strange = [{"id": "game-0", "home": 1, "away": 2, "price": 1.5}]
    said = collecting.ask(MORNING, strange)
    assert said["fetch_number"] in collecting.landed
    row = collecting.newest
    assert (row.inserted, row.content_hash) == (None, None)
    assert any("cannot be compared" in finding for finding in said["findings"])


# --- who asks ------------------------------------------------------------------------------------


def test_a_second_ask_within_a_minute_adds_nothing(collecting: Collecting) -> None:
    collecting.ask(MORNING)
    before = collecting.watched.digests()
    second = collecting.ask(MORNING + timedelta(seconds=59), forced="to be sure")
    assert (second["decision"], second["reason"]) == ("skip", "in_progress")
    assert len(collecting.client.asked) == 1
    assert collecting.watched.digests() == before


def test_a_run_at_work_is_waited_for_and_a_silent_one_is_not(collecting: Collecting) -> None:
    ledger = collecting.site.ledger
    slot = Slot.of(box_scores.name, TUESDAY, MORNING)
    run = Run(collecting.site, collecting.watched.plan, TUESDAY, "other")
    attempt = run.attempt(slot, [])
    assert attempt
    collecting.watched.clock.set(MORNING)
    attempt.begin()
    waits = collecting.ask(MORNING + minutes(15))
    assert (waits["reason"], waits["blocked_by"]) == ("in_progress", "other")
    assert collecting.client.asked == []
    said = collecting.ask(MORNING + minutes(16))
    assert (said["decision"], said["received"]) == ("run", 3)
    [other] = [row for row in ledger.attempts(slot.raw, TUESDAY) if row.run_id == "other"]
    assert (other.state, other.heartbeat_at) == (RunState.ABANDONED, MORNING)


def test_while_the_ledger_is_away_a_slot_is_fetched_and_says_so(
    watch: Callable[[Case], Watched],
) -> None:
    client = Told()
    watched = watch(told(client))
    ledger = FaultyLedger(watched.site.settings.ledger_database, "feeds")
    watched.site.ledger.close()
    watched.site.ledger = ledger
    slot = Slot.of(box_scores.name, TUESDAY, TUESDAY.end + HOUR * 3 + minutes(5))
    watched.live_until(slot.at, but=slot)
    ledger.plan = away
    step = watched.run(slot).steps[slot.raw]
    ledger.plan = None
    assert slot in client.asked
    assert any("whether it was fetched before could not be read" in each for each in step.findings)
    assert watched.site.store.head(f"raw/{FEED}/box_scores/date={TUESDAY}/00001626.json.zst")


def test_a_vendor_that_fails_is_an_attempt_that_failed(collecting: Collecting) -> None:
    collecting.client.fails = True
    said = collecting.ask(MORNING)
    assert said["received"] in (0, None)
    assert collecting.newest.state is RunState.FAILED
    collecting.client.fails = False
    held = collecting.ask(MORNING + minutes(1))
    assert held["reason"] == "backoff"
    good = collecting.ask(MORNING + minutes(5))
    assert (good["decision"], good["reason"]) == ("run", "first_or_failed")


# --- a day long past -----------------------------------------------------------------------------


def test_a_day_sealed_long_ago_takes_in_what_is_collected_and_is_sealed_again(
    watch: Callable[[Case], Watched],
) -> None:
    client = Told()
    watched = watch(told(client))
    watched.live_until(watched.case.over)
    assert watched.seal().waiting == []
    sealed = watched.site.ledger.seal(box_scores.name, TUESDAY)
    assert sealed
    collecting = Collecting(watched, client)
    march = TUESDAY.start + timedelta(days=60)
    said = collecting.ask(march, finals(100, 101, 102, 103))
    assert said["fetch_number"] == 60 * 1440 + 1
    assert watched.numbers(RESULTS.name)[-4:] == [said["fetch_number"]] * 4
    again = watched.site.ledger.seal(box_scores.name, TUESDAY)
    assert again
    assert (again.number, again.fetches) == (sealed.number + 1, sealed.fetches + 1)
    assert watched.findings() == {}
    before = watched.digests()
    collecting.ask(march + timedelta(seconds=30))
    assert watched.digests() == before


def test_a_day_that_nobody_watched_is_collected(collecting: Collecting) -> None:
    """Its lines are lost: the past of those cannot be fetched."""
    whole = as_dict(collect_from(_at(collecting, MORNING), FEED, TUESDAY))
    assert whole == {
        "date": str(TUESDAY),
        "sources": {
            "box_scores": {
                "decision": "run",
                "reason": "first_or_failed",
                "fetch_number": 2041,
                "received": 3,
                "blocked_by": None,
                "until": None,
                "findings": [],
            }
        },
        "stages": whole["stages"],
    }
    assert {name: said["emitted"] for name, said in whole["stages"].items()} == {
        "box_scores": 3,
        "results": 3,
        "finals": 3,
        "form": 0,
    }
    assert collecting.watched.findings() == {}


def test_what_a_collection_that_died_has_landed_is_made_by_the_next(
    collecting: Collecting,
) -> None:
    site, plan = _at(collecting, MORNING), collecting.watched.plan
    died = Run(site, plan, TUESDAY, "died")
    died.land(collect_step(died, box_scores, slot_now(died, box_scores)))
    assert collecting.landed == [2041]
    collecting.ask(MORNING + HOUR)
    assert collecting.watched.numbers(RESULTS.name) == [2041] * 3 + [2101] * 3
    assert collecting.watched.findings() == {}


def _at(collecting: Collecting, at: datetime) -> Site:
    collecting.watched.clock.set(at)
    return collecting.site


def test_a_capture_of_any_minute_since_the_day_began_is_taken(collecting: Collecting) -> None:
    slot = Slot.numbered(box_scores.name, TUESDAY, 5000)
    site = _at(collecting, slot.at + 2 * HOUR)
    inbox = site.inbox(FEED)
    inbox.folder.mkdir(parents=True)
    (inbox.folder / "capture").write_bytes(collecting.watched.case.capture(slot).data)
    taken = take_inbox(site, collecting.watched.plan, run_id="inbox")
    assert (taken.aside, taken.waiting) == ({}, [])
    assert collecting.watched.numbers(RESULTS.name) == [5000] * 3
    assert (collecting.newest.number, collecting.newest.state) == (5000, RunState.SUCCESS)


def test_a_capture_lands_though_nobody_can_tell_what_is_in_it(collecting: Collecting) -> None:
    slot = Slot.numbered(box_scores.name, TUESDAY, 5000)
    site = _at(collecting, slot.at + 2 * HOUR)
    inbox = site.inbox(FEED)
    inbox.folder.mkdir(parents=True)
    collecting.client.says = [{"id": "game-0", "home": 1, "away": 2, "price": 1.5}]
    (inbox.folder / "capture").write_bytes(collecting.watched.case.capture(slot).data)
    taken = take_inbox(site, collecting.watched.plan, run_id="inbox")
    assert (taken.aside, taken.waiting) == ({}, [])
    assert collecting.landed == [5000]


def test_a_day_that_is_materialized_is_collected_and_made_anew(collecting: Collecting) -> None:
    site, plan = _at(collecting, MORNING), collecting.watched.plan
    resources = {"site": site, "s3_day": S3DayIOManager(site)}

    def materialize() -> None:
        site.days(FEED).refresh()
        assets = assets_of(plan)
        assert dg.materialize(assets, partition_key=str(TUESDAY), resources=resources).success

    materialize()
    assert collecting.watched.numbers(RESULTS.name) == [2041] * 3
    collecting.client.says = []
    collecting.watched.clock.set(MORNING + HOUR)
    materialize()
    assert collecting.newest.reason is RetryReason.SHRINKING_CONTENT
    assert [slot.raw for slot in collecting.client.asked] == [box_scores.name] * 2
    assert collecting.watched.numbers(RESULTS.name) == [2041] * 3


@pytest.mark.parametrize(
    ("feed", "asset", "said"),
    [
        (FEED, game_lines.short_name, "game_lines of league cannot be fetched again; these can: "),
        ("chess", None, "'chess' is not a feed"),
    ],
)
def test_what_cannot_be_collected_is_a_misuse(
    collecting: Collecting, feed: str, asset: str | None, said: str
) -> None:
    with pytest.raises(Misuse, match=said):
        collect_from(collecting.site, feed, TUESDAY, asset)


def test_a_day_that_has_not_begun_is_a_misuse(collecting: Collecting) -> None:
    with pytest.raises(Misuse, match="has not begun"):
        collect_from(collecting.site, FEED, TUESDAY.shifted(30))
