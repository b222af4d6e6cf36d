"""A feed's New York day as it stands, read once from both books: what a page or a script shows.

The plan of a repair has read everything already - what the checks say, what was claimed, what
stands where - so nothing is compared here a second time. From that, pure functions say of every
asset and minute how it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from pipeline_assets.checks.report import CheckReport, Found, Kind
from pipeline_assets.expired import has_expired
from pipeline_assets.landed_alerts import AlertShown, landed_alerts, with_states
from pipeline_assets.minute_state import MinuteState
from pipeline_assets.repair.classes import CLASS_OF
from pipeline_assets.repair.losses import Loss, losses_in
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.survey import SealState, Survey
from resources.appended import Remark
from resources.day_layout import first_of_window
from resources.ledger import ClaimRow, FetchRow
from resources.remarks import remarks_on
from resources.site import Site
from touchline.accounting import Account, FetchFate, LossClass, Verdict
from touchline.day import Day, FetchNumber, Window
from touchline.day_plan import POSTPONED, postponed
from touchline.outcomes import Tally, tally_by_rule
from touchline.plan import FeedPlan
from touchline.stage import ALERT, KIND, ODDS_ROWS, OUTCOME, RawAsset

_FROM_WORST = {state: place for place, state in enumerate(MinuteState)}
TO_LOOK_AT = tuple(MinuteState)[: _FROM_WORST[MinuteState.LANDED]]
"""The states that somebody may want to do something about."""
NONE: frozenset[FetchNumber] = frozenset()


@dataclass(frozen=True)
class Cell:
    """One asset's minute. `what` is a code (a kind of finding, a reason, an outcome) and `why` a
    sentence, both empty where nothing is to be said; `records` is None where nothing stands."""

    state: MinuteState
    records: int | None = None
    what: str = ""
    why: str = ""


@dataclass(frozen=True)
class Run:
    """Minutes in a row of which the same is to be said, with the first one's `why`."""

    first: FetchNumber
    last: FetchNumber
    state: MinuteState
    what: str
    why: str

    @property
    def minutes(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class AssetDay:
    """One asset's day. `cells` has one for each minute that it is open, the first of number 1;
    `account` sums what was claimed as landed; `counts` says in the plural what a record is."""

    name: str
    inputs: tuple[str, ...]
    counts: str
    kind: str | None
    """What its records are to people: `ALERT`, `ODDS_ROWS` or nothing of that."""
    cells: tuple[Cell, ...]
    account: Account
    reports: tuple[CheckReport, ...]
    singles: int
    """Fetch objects that stand in the store."""
    windows: int
    seal: SealState
    has_expired: bool
    is_part: bool = True
    """Whether the day has anything of it: a stage that was added later may have nothing."""

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(report.verdict for report in self.reports)

    @property
    def records(self) -> list[int | None]:
        """Records that stand, minute by minute."""
        return [cell.records for cell in self.cells]

    @property
    def lost(self) -> int | None:
        """Records that were claimed and did not land; None where that could not be checked."""
        first = self.reports[0]
        if first.recorded is None or first.landed is None:
            return None
        return max(0, first.recorded - first.landed)

    def runs(self) -> list[Run]:
        return runs_of(self.cells)


@dataclass(frozen=True)
class DayState:
    """See the module. `subject` is what the feed calls the id of what its records are about;
    `origin` is live, simulated or recorded, None before the first fetch; `read` when the day was
    read; `watched` has by raw asset the numbers of the slots that were expected by then."""

    feed: str
    subject: str
    day: Day
    read: datetime
    origin: str | None
    watched: Mapping[str, frozenset[FetchNumber]]
    assets: tuple[AssetDay, ...]
    losses: tuple[Loss, ...]
    alerts: tuple[AlertShown, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(asset.verdict for asset in self.assets)

    @property
    def expected(self) -> int:
        """How many slots were expected."""
        return sum(map(len, self.watched.values()))

    @property
    def sealed(self) -> int:
        """How many assets are sealed."""
        return sum(asset.seal is SealState.WHOLE for asset in self.assets)

    @property
    def parts(self) -> int:
        """How many assets the day has anything of; it is sealed when so many are."""
        return sum(asset.is_part for asset in self.assets)

    @property
    def odds(self) -> list[AssetDay]:
        """The stages whose records are odds rows."""
        return [asset for asset in self.assets if asset.kind == ODDS_ROWS]

    @property
    def tallies(self) -> dict[str, Tally]:
        """By rule, how the day's alerts turned out, as far as that can be told."""
        return tally_by_rule((alert.rule_id, alert.state) for alert in self.alerts)

    @property
    def worst(self) -> list[Cell]:
        """For each minute, how the worst of the assets stands with it."""
        return [worst_of(cells) for cells in zip(*(a.cells for a in self.assets), strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """JSON types; of minutes the runs, of records per minute those of odds alone."""
        return {
            "feed": self.feed,
            "day": str(self.day),
            "read": self.read,
            "verdict": self.verdict,
            "origin": self.origin,
            "minutes": len(self.assets[0].cells),
            "watched": self.expected,
            "sealed": self.sealed == self.parts,
            "assets": {
                asset.name: {
                    "verdict": asset.verdict,
                    "minutes": Counter(str(cell.state) for cell in asset.cells),
                    "runs": asset.runs(),
                    "account": asset.account.as_dict(),
                    "lost": asset.lost,
                    "windows": asset.windows,
                    "singles": asset.singles,
                    "seal": asset.seal,
                    "expired": asset.has_expired,
                    "checks": asset.reports,
                }
                for asset in self.assets
            },
            "losses": self.losses,
            "odds": {asset.name: asset.records for asset in self.odds},
            "alerts": [alert.as_dict(self.subject) for alert in self.alerts],
            "tallies": self.tallies,
            "remarks": self.remarks,
        }


def read_day_state(
    site: Site,
    feed: FeedPlan,
    day: Day,
    *,
    deep: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> DayState:
    """Of a day of which something is known. All checks run; a `deep` one reads every object back.

    Raises UnreadableObject, StoreError, LedgerUnavailable.
    """
    now = site.clock.now()
    plan = plan_repair(site, feed, day, deep=deep, progress=progress)
    fetches = {raw.name: site.ledger.fetches(raw.name, day) for raw in feed.raws}
    watched = {
        raw.name: frozenset(slot.number for slot in site.ledger.expected(raw, day, now))
        for raw in feed.raws
    }
    closed = {
        raw.name: frozenset(postponed(day, site.ledger.plans(raw.name, day)))
        for raw in feed.raws
        if raw.schedule.source
    }
    assets = [
        _asset_day(
            site, feed, found, watched[found.raw], fetches[found.raw], closed.get(found.raw, NONE)
        )
        for found in (plan.surveys[each.name] for each in feed.assets)
    ]
    alerts = [
        alert
        for stage, asset in zip(feed.stages, assets[len(feed.raws) :], strict=True)
        if asset.kind == ALERT
        for alert in landed_alerts(site, stage, day, asset.records)
    ]
    for stage in feed.stages:
        if stage.tags.get(KIND) == OUTCOME:
            alerts = with_states(site, stage, day, alerts)
    return DayState(
        feed.name,
        feed.subject,
        day,
        now,
        site.origin(feed.name),
        watched,
        tuple(assets),
        tuple(losses_in(plan, fetches)),
        tuple(sorted(alerts, key=lambda alert: alert.number)),
        tuple(remarks_on(site.store, feed.name, day)),
    )


def _asset_day(
    site: Site,
    feed: FeedPlan,
    found: Survey,
    watched: frozenset[FetchNumber],
    fetches: Mapping[FetchNumber, FetchRow],
    closed: frozenset[FetchNumber],
) -> AssetDay:
    asset, expired = found.asset, has_expired(site, found.asset.name, found.day)
    is_asked_for = isinstance(asset, RawAsset) or asset.takes_fetches
    watched = watched - found.unmade if is_asked_for else frozenset()
    accounts = (row.landed.account for row in found.claims.values() if row.landed)
    return AssetDay(
        asset.name,
        () if isinstance(asset, RawAsset) else asset.inputs_of_its_day,
        asset.counts,
        None if isinstance(asset, RawAsset) else asset.tags.get(KIND),
        tuple(
            cells_of(
                found.day,
                feed.length(found.day),
                watched,
                fetches,
                found.claims,
                found.index.numbers,
                found.findings,
                closed=closed,
                has_expired=expired,
            )
        ),
        sum(accounts, Account()),
        tuple(found.reports),
        len(found.index.singles),
        len(found.index.windows),
        found.seal,
        expired,
        bool(found.claims or found.index.numbers) or not found.unmade,
    )


def cells_of(
    day: Day,
    length: int,
    watched: frozenset[FetchNumber],
    fetches: Mapping[FetchNumber, FetchRow],
    claims: Mapping[FetchNumber, ClaimRow],
    standing: frozenset[FetchNumber],
    findings: Iterable[Found],
    *,
    closed: frozenset[FetchNumber] = NONE,
    has_expired: bool = False,
) -> Iterator[Cell]:
    """How one asset stands with each of the `length` minutes that its day is open, from what was
    expected, the fates of slots, the asset's claims, what stands in the store and what the checks
    found; `closed` are the slots that a plan had and a later one has not."""
    named = _by_number(day, claims, findings)
    for each in range(1, length + 1):
        number = FetchNumber(each)
        row, fetch, found = claims.get(number), fetches.get(number), named.get(number)
        landed = row.landed if row else None
        stands = number in standing
        records = landed.account.emitted if landed and stands else None
        if found is not None:
            blind = found.kind is Kind.UNCHECKED
            state = MinuteState.UNCHECKED if blind else MinuteState.BAD
            yield Cell(state, records, found.kind, found.detail)
        elif landed and not stands:
            state = MinuteState.EXPIRED if has_expired else MinuteState.PENDING
            yield Cell(state, None, "", "it had landed")
        elif landed and landed.outcome.is_placeholder:
            said = (row and row.last_error) or (fetch and fetch.reason) or ""
            yield Cell(MinuteState.PLACEHOLDER, records, landed.outcome, said)
        elif landed:
            yield Cell(MinuteState.LANDED if records else MinuteState.EMPTY, records)
        elif fetch is not None and fetch.fate is FetchFate.MISSED:
            yield Cell(MinuteState.MISSED, None, fetch.reason or "", "the minute was missed")
        elif fetch is not None and fetch.fate is FetchFate.HELD:
            yield Cell(MinuteState.NOT_EXPECTED, None, fetch.reason or "", "it was held")
        elif row is not None or number in watched:
            yield Cell(MinuteState.PENDING, None, "", (row and row.last_error) or "")
        elif number in closed:
            yield Cell(MinuteState.NOT_EXPECTED, None, POSTPONED, "a later plan has no such slot")
        else:
            yield Cell(MinuteState.NOT_EXPECTED)


def _by_number(
    day: Day, claims: Mapping[FetchNumber, ClaimRow], findings: Iterable[Found]
) -> dict[FetchNumber, Found]:
    """The finding that matters most of each minute that one is about: of a window, of every minute
    that was claimed of it. What is only late (a window, the spool) harms no minute."""
    named: dict[FetchNumber, Found] = {}
    for found in sorted(findings, key=lambda found: found.kind is Kind.UNCHECKED):
        if CLASS_OF.get(found.kind) is LossClass.NOT_YET:
            continue
        numbers: Iterable[FetchNumber] = ()
        if found.key and (first := first_of_window(found.key)) is not None:
            numbers = (number for number in claims if number in Window(day, first))
        elif found.fetch_number is not None:
            numbers = [FetchNumber(found.fetch_number)]
        for number in numbers:
            named.setdefault(number, found)
    return named


def runs_of(cells: Sequence[Cell]) -> list[Run]:
    """All of them in order, joined where state and code are the same."""
    runs, number = [], 1
    for (state, what), group in groupby(cells, key=lambda cell: (cell.state, cell.what)):
        together = list(group)
        last = number + len(together) - 1
        runs.append(Run(FetchNumber(number), FetchNumber(last), state, what, together[0].why))
        number = last + 1
    return runs


def worst_of(cells: Iterable[Cell]) -> Cell:
    return min(cells, key=lambda cell: _FROM_WORST[cell.state])
