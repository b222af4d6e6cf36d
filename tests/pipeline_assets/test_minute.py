"""Minutes during outages: nothing that was fetched is lost, and nobody says OK without looking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline_assets.plans import PLANS
from pipeline_assets.slot_run import run_slot
from resources.day_store import Landing
from resources.ledger import ClaimRow, faulty
from resources.store.faulty import FaultyStore, answer_lost, away, refused, when
from simulator.faults import Fault
from simulator.server import serve
from simulator.world import World
from tests.chain import FEED, RAW, SECRET, USER, Chain, all_ok, verdicts
from tests.pipeline_assets.conftest import ChainOf
from tests.slots import slot_at
from touchline.accounting import ClaimState, FetchFate, Outcome, Verdict
from touchline.day import Minute

LANDED = "landed_matches_claimed"
HEADS, NEWCOMERS, ECHOES = "football/heads", "football/newcomers", "football/echoes"


def claims(chain: Chain, asset: str) -> dict[int, ClaimRow]:
    with chain.process() as site:
        return {int(n): row for n, row in site.ledger.claims(asset, chain.day).items()}


def all_landed(chain: Chain, minutes: int) -> bool:
    """Every asset has every fetch, the ordered one in order, and all books agree."""
    numbers = [chain.number + passed for passed in range(minutes)]
    for asset in chain.plan.assets:
        assert chain.numbers(asset.name) == numbers, asset.name
        assert all(row.pending is None for row in claims(chain, asset.name).values())
    new = [len(chain.opened(NEWCOMERS, number).records) for number in numbers]
    assert new == [3, *[0] * (minutes - 1)]
    with chain.process() as site:
        fates = site.ledger.fetches(RAW, chain.day)
        assert {row.fate for row in fates.values()} == {FetchFate.LANDED}
        assert site.days(FEED).claims.waiting == 0
    assert [key for key in chain.objects() if key.startswith("conflicts/")] == []
    assert chain.waiting() == []
    return all_ok(chain.checks(deep=True))


def asked(chain: Chain) -> int:
    calls, _ = chain.vendor.log.since(0)
    return sum(call.endpoint == "match/detail_live" for call in calls)


# --- the object store is away --------------------------------------------------------------------


def test_a_minute_without_the_store_waits_in_the_spool_and_lands_in_the_next(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minute(0)
    gate.plan = away
    report = chain.minute(1, store=gate)

    assert verdicts(report) == {Verdict.COULD_NOT_CHECK}
    assert chain.waiting() == [chain.number + 1]
    for asset in (RAW, HEADS, ECHOES):
        [failure] = report.steps[asset].failures
        assert failure.number == chain.number + 1
        claim = claims(chain, asset)[chain.number + 1].pending
        assert claim is not None, "the stages behind it worked from what is in hand"
        assert claim.account.emitted == 3

    report = chain.minute(2)
    assert list(report.steps[RAW].landed) == [chain.number + 2, chain.number + 1]
    assert list(report.steps[NEWCOMERS].landed) == [chain.number + 1, chain.number + 2]
    assert verdicts(report) == {Verdict.OK}
    assert asked(chain) == 3
    assert all_landed(chain, 3)


def test_a_store_that_goes_and_comes_back_under_one_process(
    chain: Chain, gate: FaultyStore
) -> None:
    """As a replay is one: what it believes to have made is not what has landed."""
    with chain.process(store=gate) as site:
        for passed in range(5):
            chain.at(chain.start.later(passed))
            gate.plan = away if passed in (1, 2) else None
            report = run_slot(site, slot_at(chain.start.later(passed)), run_id=f"run-{passed}")
            expected = Verdict.COULD_NOT_CHECK if gate.plan else Verdict.OK
            assert verdicts(report) == {expected}
    assert all_landed(chain, 5)


@pytest.mark.parametrize("asset", [RAW, HEADS, NEWCOMERS])
def test_a_store_that_refuses_one_object_costs_one_minute(
    chain: Chain, gate: FaultyStore, asset: str
) -> None:
    name = "raw/football" if asset == RAW else asset.rpartition("/")[2]
    gate.plan = when(lambda request: request.puts() and f"{name}/" in request.key, refused())
    report = chain.minute(0, store=gate)
    assert [failure.number for failure in report.steps[asset].failures] == [chain.number]
    assert chain.numbers(asset) == []
    gate.plan = None
    chain.minute(1)
    assert all_landed(chain, 2)


def test_answers_that_are_lost_count_once(
    chain: Chain,
    gate: FaultyStore,
) -> None:
    gate.plan = when(lambda request: request.puts(), answer_lost)
    report = chain.minute(0, store=gate)
    assert not any(step.landed for step in report.steps.values())
    assert chain.numbers(RAW) == chain.numbers(HEADS) == [chain.number]
    assert claims(chain, RAW)[chain.number].state is ClaimState.INTENDED
    report = chain.minute(1)
    assert report.steps[RAW].landed[chain.number] is Landing.ALREADY_THERE
    assert verdicts(report) == {Verdict.OK}
    assert all_landed(chain, 2)


# --- the ledger is away --------------------------------------------------------------------------


def test_a_minute_without_the_ledger_lands_and_its_claims_wait(chain: Chain) -> None:
    chain.minute(0)
    report = chain.minute(1, ledger=faulty.away)

    assert verdicts(report) == {Verdict.COULD_NOT_CHECK}
    for asset in (RAW, HEADS, ECHOES):
        assert report.steps[asset].added == [chain.number + 1], "what is fetched lands all the same"
    assert report.steps[NEWCOMERS].landed == {}, "no order without the ledger"
    assert set(claims(chain, HEADS)) == {chain.number}
    with chain.process() as site:
        assert site.days(FEED).claims.waiting > 0
    heads = chain.checks()["heads", LANDED]
    assert heads.verdict is Verdict.COULD_NOT_CHECK, "back, and not yet told"
    assert "wait to be told" in heads.findings[0].detail

    report = chain.minute(2)
    assert any("is confirmed now" in finding for finding in report.steps[RAW].findings)
    assert verdicts(report) == {Verdict.OK}
    assert all_landed(chain, 3)


def test_claims_that_waited_for_days_are_confirmed_in_their_own_day(chain: Chain) -> None:
    chain.minute(0, ledger=faulty.away)
    chain.unwatch(1)
    chain.minute(3 * 24 * 60)
    for asset in (RAW, HEADS, ECHOES):
        row = claims(chain, asset)[chain.number]
        assert row.landed is not None
        assert row.landed.account.emitted == 3


def test_a_minute_with_a_locked_ledger_lands_and_its_claims_wait(chain: Chain) -> None:
    chain.minute(0)
    report = chain.minute(1, ledger=faulty.locked)
    assert {check.verdict for check in report.checks if check.check == LANDED} == {
        Verdict.COULD_NOT_CHECK
    }
    assert report.steps[RAW].added == [chain.number + 1]
    report = chain.minute(2)
    assert verdicts(report) == {Verdict.OK}
    assert all_landed(chain, 3)


def test_a_ledger_that_hangs_is_waited_for_once(chain: Chain) -> None:
    """Each use of a locked database takes its whole time-out; a minute has dozens of them."""
    waits: list[faulty.Operation] = []

    def hangs(operation: faulty.Operation) -> faulty.Failure:
        waits.append(operation)
        return faulty.LOCKED

    chain.minute(0)
    report = chain.minute(1, ledger=hangs)
    assert report.steps[RAW].added == [chain.number + 1]
    assert len(waits) == 1
    chain.minute(2)
    assert all_landed(chain, 3)


def test_without_store_and_ledger_the_fetch_is_in_the_spool(
    chain: Chain, gate: FaultyStore
) -> None:
    chain.minute(0)
    gate.plan = away
    for passed in (1, 2):
        report = chain.minute(passed, store=gate, ledger=faulty.away)
        assert verdicts(report) == {Verdict.COULD_NOT_CHECK}
    assert chain.waiting() == [chain.number + 1, chain.number + 2]
    chain.minute(3)
    assert all_landed(chain, 4)


# --- the whole chain on a vendor's bad day -------------------------------------------------------


@pytest.fixture
def football(chain_of: ChainOf) -> Iterator[Chain]:
    with serve(World(seed=1, matches=3), user=USER, secret=SECRET) as served:
        yield chain_of(Minute.parse("2025-05-28T18:00:00Z"), PLANS[FEED], served)


def test_a_list_that_is_none_fails_every_stage_for_its_minute_alone(football: Chain) -> None:
    football.faults(Fault("html", endpoint="match/detail_live"))
    failed = football.minute(0)
    football.faults()
    good = football.minute(1)
    assert verdicts(failed) == verdicts(good) == {Verdict.OK}
    for stage in football.plan.stages:
        for passed, expected in enumerate((Outcome.UPSTREAM_FAILED, Outcome.COMPLETE)):
            found = football.landed(stage.name, passed)
            if stage.short_name != "quarantine":
                assert found.outcome is expected, stage.name
            assert found.account.conserved
    assert good.steps["football/monitor_central"].account.emitted == 3


@pytest.mark.parametrize(
    ("endpoint", "missing"),
    [("match/recent/list", "match_details"), ("odds/history", "odds")],
)
def test_a_failed_call_costs_one_part_of_one_match(
    football: Chain, endpoint: str, missing: str
) -> None:
    football.at(football.start)
    unlucky = football.vendor.source.live(int(football.start.utc.timestamp()))[1]
    football.faults(Fault("error_body", endpoint=endpoint, uuid=unlucky))
    report = football.minute(0)

    assert verdicts(report) == {Verdict.OK}
    raw = football.landed(RAW)
    assert raw.outcome is Outcome.PARTIAL
    [failed] = [entry for entry in raw.envelope().entries(endpoint) if entry.error]
    assert (failed.uuid, failed.error) == (unlucky, "vendor_error")
    assert b"temporarily unavailable" in (raw.envelope().body(failed) or b"")

    merged = {
        match.match_id: {part.part for part in match.missing}
        for match in football.opened("football/merged", football.number).records
    }
    assert len(merged) == 3
    assert missing in merged[unlucky]
    assert all(missing not in parts for m, parts in merged.items() if m != unlucky)
    assert report.steps["football/monitor_central"].account.emitted == 3
