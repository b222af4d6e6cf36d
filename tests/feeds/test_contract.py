"""The contract of every feed, run over a feed of minutes and one of few slots a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from operations.commands.report import render
from pipeline_assets import ledger_rebuild
from pipeline_assets.assets import assets_of, checks_of
from pipeline_assets.day_state import read_day_state
from pipeline_assets.health import Books, book_signals
from pipeline_assets.inbox import take_inbox
from pipeline_assets.jobs import checks_job, slot_job
from pipeline_assets.rotation import rotate
from pipeline_assets.slot_run import rebuild_day
from resources.ledger import Ledger
from resources.origins import read_origins
from resources.site import Site, WrongOrigin
from resources.watch_record import read_watch
from tests.feeds.conftest import of_a_cup, of_a_league, of_minutes
from tests.feeds.watched import HOUR, Case, Watched
from tests.ledgers import put_ledger
from touchline.accounting import FetchFate, Verdict
from touchline.fetch import FetchRef, write_envelope
from touchline.health import Health
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import Span

CASES = pytest.mark.parametrize(
    "case", [of_minutes, of_a_league, pytest.param(of_a_cup, marks=pytest.mark.stack)]
)
Watch = Callable[[Case], Watched]


@CASES
def test_a_job_takes_the_slots_of_each_raw_asset(case: Callable[[], Case]) -> None:
    plan = case().plan
    defs = dg.Definitions(
        assets=assets_of(plan),
        asset_checks=[checks_of(plan)],
        jobs=[*(slot_job(plan, raw) for raw in plan.raws), checks_job(plan)],
        resources={"site": dg.ResourceDefinition.none_resource(), "s3_day": dg.mem_io_manager},
    )
    dg.Definitions.validate_loadable(defs)
    for raw in plan.raws:
        keys = defs.resolve_job_def(raw.job).asset_layer.selected_asset_keys
        made = {"/".join(key.path) for key in keys}
        assert made == {raw.name, *(stage.name for stage in plan.stages_after(raw))}


@CASES
def test_every_stage_conserves_and_the_same_replay_adds_nothing(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    over = watched.case.over
    reports = watched.live_until(over)
    steps = [step for report in reports for step in report.steps.values()]
    assert all(step.account.conserved and not step.failures for step in steps)
    for report in reports:
        for asset in (report.slot.raw, *(stage.name for stage in watched.taking(report.slot))):
            assert len(report.steps[asset].added) == 1
    before = watched.digests()
    again = watched.live_until(over)
    assert [step.asset for report in again for step in report.steps.values() if step.added] == []
    assert watched.digests() == before
    assert watched.findings() == {}


@CASES
def test_what_is_made_again_and_sealed_is_what_was_made(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    watched.live_until(watched.case.over)
    assets = [stage.name for stage in watched.plan.stages]
    before, rows = watched.digests(), {asset: watched.numbers(asset) for asset in assets}
    day = watched.case.day
    rebuilt = rebuild_day(watched.site, watched.plan.name, day, run_id="rebuild")
    assert [failure for step in rebuilt.values() for failure in step.failures] == []
    sealed = watched.seal()
    assert (sealed.waiting, sealed.sealed) == ([], [asset.name for asset in watched.plan.assets])
    assert watched.digests() == before
    assert {asset: watched.numbers(asset) for asset in assets} == rows
    assert watched.findings() == {}


def _slot_of_the_day(watched: Watched) -> Slot:
    case, raw = watched.case, watched.plan.raws[0].name
    slots = watched.slots(case.over)
    return next(slot for slot in slots if (slot.raw, slot.day) == (raw, case.day))


@CASES
def test_a_slot_that_nobody_asked_for_is_named_and_its_capture_lands_in_its_day(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    slot = _slot_of_the_day(watched)
    watched.live_until(watched.case.over, but=slot)
    fates = dict(watched.site.ledger.fates(slot.raw, slot.day))
    assert fates.pop(slot.number) is FetchFate.MISSED
    assert set(fates.values()) == {FetchFate.LANDED}
    assert watched.findings() == {}
    inbox = watched.site.inbox(slot.feed)
    inbox.folder.mkdir(parents=True)
    (inbox.folder / "capture").write_bytes(watched.case.capture(slot).data)
    taken = take_inbox(watched.site, watched.plan, run_id="inbox")
    assert (taken.aside, taken.waiting) == ({}, [])
    for stage in watched.taking(slot):
        assert (stage.name, slot.number) in watched.digests()
    assert watched.findings() == {}


@CASES
def test_two_origins_of_the_feed_never_mix_and_another_feeds_origin_is_its_own(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    site, plan = watched.site, watched.plan
    site.claim_origin("another", "live")
    first, second, *_ = watched.slots(watched.case.over)
    watched.run(first)
    assert read_origins(site.store) == {plan.name: "simulated", "another": "live"}
    before = [item.key for item in site.store.list("")]
    site.settings = site.settings.model_copy(update={"origin": "live"})
    with pytest.raises(WrongOrigin, match=f"simulated data of {plan.name}, which is live now"):
        watched.run(second)
    assert [item.key for item in site.store.list("")] == before


@CASES
def test_a_capture_of_no_slot_of_the_feed_is_set_aside(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    raw, day = watched.plan.raws[0], watched.case.day
    watched.clock.set(raw.ends(day) + HOUR)
    last = raw.newest_number(day, watched.clock.now())
    inbox = watched.site.inbox(raw.feed)
    inbox.folder.mkdir(parents=True)
    for slot in (
        raw.slot(day, last + 1),
        Slot.of(f"{raw.feed}/other", day, day.start),
    ):
        ref = FetchRef.of(slot, "captured")
        (inbox.folder / slot.raw.replace("/", "-")).write_bytes(
            write_envelope(ref, {}, {"outcome": "complete"}, start_line="")
        )
    taken = take_inbox(watched.site, watched.plan, run_id="inbox")
    assert (dict(taken.landed), taken.waiting) == ({}, [])
    other, beyond = sorted(taken.aside.values(), reverse=True)
    assert beyond == f"{day} has minutes 1 to {last}, not {last + 1}"
    assert other.startswith(f"it is a fetch of {raw.feed}/other, and {raw.feed} has {raw.name}")


def test_a_stage_that_its_raw_assets_cannot_carry_is_refused() -> None:
    plan = of_a_league().plan
    first, *_, second = plan.stages
    both = replace(first, inputs=(*first.inputs, *second.inputs))
    with pytest.raises(ValueError, match="a stage that spans no day has those of one raw"):
        FeedPlan(plan.raws, (both,), plan.client)
    with pytest.raises(ValueError, match="brings fetches of a day after those of the next"):
        FeedPlan(plan.raws, (replace(first, ordered=True),), plan.client)
    whole = replace(first, inputs=(of_minutes().plan.raws[0].name,), span=Span.DAY)
    with pytest.raises(ValueError, match="each would bring another version of the whole day"):
        FeedPlan(of_minutes().plan.raws, (replace(whole, name="football/whole"),), plan.client)
    tells = replace(first, span=Span.DAY, tells=lambda record: None)
    with pytest.raises(ValueError, match="cannot be ordered or make alerts"):
        FeedPlan(plan.raws, (tells,), plan.client)
    with pytest.raises(ValueError, match="nothing before it makes"):
        FeedPlan(plan.raws[1:], plan.stages, plan.client)


@CASES
def test_a_day_is_shown_whole_and_nothing_is_said_to_hang(
    case: Callable[[], Case], watch: Watch
) -> None:
    watched = watch(case())
    watched.live_until(watched.case.over)
    site, plan, day = watched.site, watched.plan, watched.case.day
    assert rotate(site, plan.name).findings == []
    state = read_day_state(site, plan, day, deep=True)
    of_the_day = [slot for slot in watched.slots(watched.case.over) if slot.day == day]
    assert (state.verdict, state.losses, state.expected) == (Verdict.OK, (), len(of_the_day))
    landed = [cell for asset in state.assets for cell in asset.cells if cell.records is not None]
    assert len(landed) == len(watched.digests())
    page = render(state)
    for asset in plan.assets:
        assert asset.short_name in page
    spools = {plan.name: site.spool(plan.name)}
    books = Books(site.settings, site.plans, site.ledger, site.store, spools, watched.clock.now())
    assert [each for each in book_signals(books) if each.state is Health.BAD] == []


@CASES
def test_a_ledger_that_is_lost_is_made_anew_from_the_store(
    case: Callable[[], Case], watch: Watch, tmp_path: Path
) -> None:
    watched = watch(case())
    watched.live_until(watched.case.over)
    site, plan, day = watched.site, watched.plan, watched.case.day
    assert rotate(site, plan.name).findings == []
    before = watched.digests()
    fates = {raw.name: dict(site.ledger.fates(raw.name, day)) for raw in plan.raws}
    site.ledger.close()
    anew = tmp_path / "anew.sqlite"
    put_ledger(anew)
    site = watched.site = Site(
        site.settings, site.plans, site.clock, site.store, Ledger(f"sqlite:///{anew}", "feeds")
    )
    told = read_watch(site.store, plan.name)
    ledger_rebuild.rebuild_watch(site, plan.name, told)
    missed = {raw: said for (raw, of), said in told.missed.items() if of == day}
    ledger_rebuild.rebuild_day(site, plan, day, {}, missed)
    assert watched.digests() == before
    assert {raw.name: site.ledger.fates(raw.name, day) for raw in plan.raws} == fates
    for said in watched.findings().values():  # Of the last assets of the chain.
        assert [each for each in said if "nobody else vouches" not in each] == []
    site.close()
