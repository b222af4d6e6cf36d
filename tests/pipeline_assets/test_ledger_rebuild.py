"""A ledger that is lost, made anew from a real object store and a real Dagster instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from operations.commands.ledger import RebuildReport, rebuild_ledger
from pipeline_assets.alerting import SILENT_TODAY, silences
from pipeline_assets.checks.report import Found, Kind
from resources.ledger import ClaimRow
from resources.manifest import Held
from resources.site import Site
from resources.watch_record import record_watch
from simulator.faults import Fault
from tests.chain import FEED, RAW, SPOOL, Chain
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.in_dagster import materialized
from tests.pipeline_assets.spoiling import heads_object, put
from tests.slots import asset_keys
from touchline.accounting import FetchFate, Verdict
from touchline.day import Day

HEADS = "football/heads"
LAST = "football/quarantine"
"""The one asset of which no other stage makes anything."""
LANDING = "landed_matches_claimed"


LIST_FAILS = [Fault("error_body", endpoint="match/detail_live")]


def rebuilt(chain: Chain, first: Day | None = None) -> RebuildReport:
    with chain.process() as site:
        return rebuild_ledger(site, first, None, lambda text: None)


def stop_watching(chain: Chain, passed: int) -> None:
    chain.unwatch(passed)
    with chain.process() as site:
        record_watch(site.store, site.ledger, FEED)


def found(chain: Chain, *, deep: bool = False) -> dict[tuple[str, str], list[Found]]:
    """What the checks find, by asset's last part and check; the spool's left out."""
    checks = chain.checks(deep=deep)
    return {key: c.findings for key, c in checks.items() if c.findings and key[1] != SPOOL}


def lose_one_of_each(chain: Chain) -> dict[str, int]:
    """A different fetch of each asset, and the ledger; the numbers of these fetches."""
    for place, asset in enumerate(chain.plan.assets):
        chain.delete(asset.name, place)
    chain.lose_ledger()
    return {asset.name: chain.number + place for place, asset in enumerate(chain.plan.assets)}


def bad(findings: dict[tuple[str, str], list[Found]]) -> dict[str, set[int | None]]:
    """The fetches of which an asset's own object is found to be bad, by asset."""
    said: dict[str, set[int | None]] = {}
    for (asset, check), of_check in findings.items():
        if check not in (LANDING, "cadence"):
            continue
        numbers = {each.fetch_number for each in of_check if each.kind is not Kind.UNCHECKED}
        if numbers:
            said.setdefault(f"football/{asset}", set()).update(numbers)
    return said


@pytest.fixture
def instance(chain: Chain) -> Iterator[dg.DagsterInstance]:
    with chain.process() as site:
        home = site.settings.dagster_home
    home.mkdir(parents=True)
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield instance


@pytest.fixture(scope="module")
def six(chain_apart: Callable[[], Chain]) -> Chain:
    """Six minutes of which Dagster knows nothing."""
    chain = chain_apart()
    chain.minutes(6)
    stop_watching(chain, 6)
    return chain


@pytest.fixture
def past(six: Chain, tmp_path_factory: pytest.TempPathFactory, s3_prefix: str) -> Chain:
    chain = six.copy(tmp_path_factory.mktemp("past"), s3_prefix)
    chain.at(chain.start.later(10))
    return chain


@pytest.mark.stack
def test_with_ledger_and_objects_gone_dagster_names_exactly_what_is_lost(
    chain: Chain, instance: dg.DagsterInstance
) -> None:
    for passed in range(6):
        assert materialized(chain, instance, passed).success
    stop_watching(chain, 6)
    chain.at(chain.start.later(10))
    lost = lose_one_of_each(chain)

    report = rebuilt(chain)

    assert {each.asset: each.gone for each in report.assets} == {
        asset: [number] for asset, number in lost.items()
    }
    assert report.verdict is Verdict.BAD
    findings = found(chain)
    assert bad(findings) == {asset: {number} for asset, number in lost.items()}
    for asset, number in lost.items():
        [loss] = findings[asset.rpartition("/")[2], LANDING]
        assert (loss.kind, loss.fetch_number) == (Kind.REAL_LOSS, number)


def test_an_object_that_dagster_says_was_another_is_named(
    chain: Chain, instance: dg.DagsterInstance
) -> None:
    """It is whole, and says of itself that it is right."""
    for passed in range(3):
        assert materialized(chain, instance, passed).success
    # What was made of it goes too: nobody but Dagster knows what it was.
    chain.delete("football/echoes", 2)
    chain.delete(LAST, 2)
    with chain.process() as site:
        other = heads_object(chain, ["somebody"])
        put(site, other)
    chain.lose_ledger()
    chain.at(chain.start.later(10))

    rebuilt(chain)

    assert Kind.OVERWRITTEN in {f.kind for f in found(chain)["heads", LANDING]}
    assert bad(found(chain))[HEADS] == {chain.number + 2}


def test_without_dagster_other_stages_name_what_is_lost(past: Chain) -> None:
    lost = lose_one_of_each(past)
    report = rebuilt(past)
    assert report.verdict is Verdict.BAD
    assert bad(found(past)) == {asset: {number} for asset, number in lost.items()}


def test_a_claim_read_from_its_own_object_does_not_vouch_for_it(past: Chain) -> None:
    past.lose_ledger()
    report = rebuilt(past)

    assert {each.asset: each.alone for each in report.assets if each.alone} == {LAST: 6}
    assert report.verdict is Verdict.COULD_NOT_CHECK
    [alone] = found(past)["quarantine", LANDING]
    assert (alone.kind, alone.fetch_number) == (Kind.UNCHECKED, None)
    assert set(found(past)) == {("quarantine", LANDING)}, "of the others, what was made of them"

    past.at(past.start.later(60))
    past.rebuild()
    with past.process() as site:
        rows = site.ledger.standing(LAST, past.day).values()
    assert {row.rebuilt for row in rows} == {None}, "made again, it is the same"
    assert found(past) == {}


def test_silence_begins_with_the_ledger_that_was_made_anew(past: Chain) -> None:
    """When a check spoke last is lost with it, and no reason for an alarm."""
    plans = {FEED: past.plan}
    with past.process() as site:
        site.ledger.open_interval(FEED, past.start.later(6).utc, "simulated")
        record_watch(site.store, site.ledger, FEED)
        now = site.clock.now()
        assert silences(site.ledger, plans, now)
    past.lose_ledger()
    rebuilt(past)
    with past.process() as site:
        assert silences(site.ledger, plans, now) == {}
        later = silences(site.ledger, plans, now + 2 * SILENT_TODAY)
    assert set(later.values()) == {now}


def test_what_the_ledger_says_itself_is_kept(past: Chain) -> None:
    def said(site: Site) -> list[ClaimRow]:
        """All but the number of the transaction, which the mark of a check raises."""
        rows = [site.ledger.claims(asset.name, past.day) for asset in past.plan.assets]
        return [replace(row, sequence=0) for each in rows for row in each.values()]

    with past.process() as site:
        before = said(site)
        report = rebuild_ledger(site, None, None, lambda text: None)
        assert said(site) == before
    assert sum(each.claims + each.alone for each in report.assets) == 0
    assert report.verdict is Verdict.OK


def test_all_that_is_known_of_a_day_comes_back(chain_of: ChainOf) -> None:
    """Windows, a fetch after its window, missed minutes, watching; then the sealed day."""
    chain = chain_of()
    for passed in (*range(9), 10, 11):
        chain.faults(*(LIST_FAILS if passed == 4 else ()))
        chain.minute(passed)
    chain.rotate(12)
    chain.rotate(24)
    chain.unwatch(12)
    chain.minute(25)

    before = known(chain)
    assert before["windows"]
    assert FetchFate.MISSED in before["fates"].values()
    assert "vendor_error" in before["reasons"].values()
    chain.lose_ledger()
    rebuilt(chain)
    assert known(chain) == before
    assert set(found(chain, deep=True)) <= {("quarantine", LANDING)}

    assert chain.seal(24 * 60).waiting == []
    sealed = known(chain)
    assert sealed["seals"]
    chain.lose_ledger()
    assert {each.sealed for each in rebuilt(chain).assets} == {True}
    assert known(chain) == sealed
    assert set(found(chain, deep=True)) <= {("quarantine", LANDING)}
    assert chain.seal(24 * 60).sealed == [], "nothing new"


def known(chain: Chain) -> dict[str, Any]:
    """What the ledger says of a day, whoever says it."""
    day, assets = chain.day, [asset.name for asset in chain.plan.assets]
    with chain.process() as site:
        ledger = site.ledger
        return {
            "claims": {
                (asset, number): row._replace(rebuilt=None, verified_etag=None)
                for asset in assets
                for number, row in ledger.standing(asset, day).items()
            },
            "fates": ledger.fates(RAW, day),
            "ids": {n: row.fetch_id for n, row in ledger.fetches(RAW, day).items()},
            "reasons": {n: row.reason for n, row in ledger.fetches(RAW, day).items()},
            "intervals": ledger.intervals(FEED, day.start, day.end),
            "windows": {
                row.key: (row.etag, row.is_verified, _brief(row.held))
                for asset in assets
                for row in ledger.windows(asset, day).values()
            },
            "seals": {
                s.asset: (s.number, s.fetches, s.emitted, s.files) for s in ledger.seals(FEED)
            },
        }


def _brief(held: list[Held]) -> list[tuple[int, str]]:
    return [(each.number, each.etag) for each in held]


def test_a_window_that_is_gone_with_the_ledger_is_named_fetch_by_fetch(chain: Chain) -> None:
    chain.minutes(12)
    chain.rotate(12)
    chain.rotate(24)
    with chain.process() as site:
        [window] = site.ledger.windows(RAW, chain.day)
        site.store.delete(window)
        held = set(range(chain.number, chain.number + 10)) & set(chain.numbers(HEADS))
        gone = held - set(chain.numbers(RAW))
    assert gone
    chain.lose_ledger()
    chain.at(chain.start.later(30))
    rebuilt(chain)
    assert bad(found(chain))[RAW] >= gone


def test_minutes_go_on_after_a_rebuild(past: Chain) -> None:
    past.lose_ledger()
    rebuilt(past)
    with past.process() as site:
        site.ledger.open_interval(FEED, past.start.later(11).utc, "simulated")
    report = past.minute(11)
    assert {name: step.added for name, step in report.steps.items()} == {
        asset.name: [past.number + 11] for asset in past.plan.assets
    }
    assert set(found(past)) == {("quarantine", LANDING)}


@pytest.mark.parametrize("alone", [False, True])
def test_an_asset_of_which_a_whole_later_day_is_gone_is_named(chain: Chain, alone: bool) -> None:
    """Nothing of that day speaks of it any more; that it was there before does, also where that
    day alone is rebuilt."""
    a_day = 24 * 60
    chain.minute(0)
    stop_watching(chain, 1)
    with chain.process() as site:
        site.ledger.open_interval(FEED, chain.start.later(a_day).utc, "simulated")
    chain.minute(a_day)
    stop_watching(chain, a_day + 1)
    later = chain.day.shifted(1)
    chain.store.delete(asset_keys(LAST).single(later, chain.number))
    chain.lose_ledger()
    chain.at(chain.start.later(a_day + 10))
    assert rebuilt(chain, later if alone else None).verdict is Verdict.BAD
    [finding] = chain.checks(later)["quarantine", LANDING].findings
    assert finding.kind is Kind.NOT_LANDED


def test_what_a_rebuild_found_lost_today_stays_lost_when_minutes_go_on(chain: Chain) -> None:
    """An ordered stage takes nothing before what it has taken: no minute makes it again."""
    chain.minutes(3)
    with chain.process() as site:
        record_watch(site.store, site.ledger, FEED)
    chain.delete("football/newcomers", 1)
    chain.lose_ledger()
    chain.at(chain.start.later(6))
    assert rebuilt(chain).verdict is Verdict.BAD
    lost = found(chain)["newcomers", LANDING]
    assert [each.fetch_number for each in lost] == [chain.number + 1]
    chain.minute(6)
    assert found(chain)["newcomers", LANDING] == lost
