"""What a day holds in the end, and what it must hold: worked out from the vendor's world alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from pipeline_assets.rotation import rotate
from tests.chain import FEED, Chain, Rows, rows
from tests.slots import RAW
from touchline.accounting import FetchFate
from touchline.day import ONE_MINUTE, WINDOW_MINUTES
from touchline.day_plan import no_plans
from touchline.schedule import expected_slots
from touchline.watch import WINDOW_OVERDUE

_BESIDE = re.compile(r"conflicts/.*/(\d{5})\.")
LEDGER_FILES = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm")


@dataclass(frozen=True)
class DayAccount:
    """A day as its readers, its checks and its folders show it."""

    landed: frozenset[int]
    missed: dict[int, str]
    """By number, with the reason."""
    silent: list[int]
    """Expected minutes without either."""
    rows: Rows
    findings: list[str]
    pending: list[str]
    """Claims on fetches, and windows, of which nobody knows whether they stand there."""
    kept_beside: list[int]
    """Numbers of fetches of which another capture counts."""
    torn: list[int]
    """Numbers of fetches whose spool files were cut short and lie aside."""
    left_behind: list[str]
    """Files of the state folder that nobody needs any more, those of the spool among them."""


def account_of(chain: Chain, key_columns: Mapping[str, str]) -> DayAccount:
    """Look at everything that there is of the chain's day, long after it was watched last.

    `key_columns` are the assets whose rows are read, with the column that has a record's key.
    """
    day = chain.day
    with chain.process() as site:
        now = chain.clock.now()
        site.ledger.close_interval(FEED, now)
        chain.clock.set(now + WINDOW_OVERDUE + WINDOW_MINUTES * ONE_MINUTE)
        rotation = rotate(site, FEED, [day])
        plan = site.plans[FEED]
        fates = site.ledger.fetches(RAW, day)
        expected = expected_slots(
            plan.raws[0].slots(day, no_plans), site.ledger.intervals(FEED, day.start, day.end), now
        )
        found = rows(site, day, key_columns)
        pending = [
            str(row.pending)
            for asset in plan.assets
            for row in site.ledger.claims(asset.name, day).values()
            if row.pending
        ] + [
            key
            for asset in plan.assets
            for key, row in site.ledger.windows(asset.name, day).items()
            if not row.is_verified
        ]
        keys = [item.key for item in site.store.list("")]
        spool = site.spool(FEED).folder
    checks = chain.checks(deep=True)
    return DayAccount(
        landed=frozenset(n for n, row in fates.items() if row.fate is FetchFate.LANDED),
        missed={n: row.reason or "" for n, row in fates.items() if row.fate is FetchFate.MISSED},
        silent=[
            minute.number
            for minute in expected
            if (row := fates.get(minute.number)) is None
            or row.fate not in (FetchFate.LANDED, FetchFate.MISSED)
        ],
        rows=found,
        findings=rotation.findings
        + [
            f"{name} {check} {report.verdict}: {found}"
            for (name, check), report in checks.items()
            for found in report.findings or [report.verdict]
            if report.findings or report.verdict != "OK"
        ],
        pending=pending,
        kept_beside=[int(found[1]) for key in keys if (found := _BESIDE.match(key))],
        torn=[int(name.split(".")[1]) for name in _files(spool / "torn")],
        left_behind=[
            name
            for name in _files(chain.home)
            if name not in LEDGER_FILES and "/torn/" not in name and not name.endswith(".lock")
        ],
    )


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def complaints(
    found: DayAccount,
    right: Rows,
    *,
    landed: Set[int],
    may_be_missed: Set[int] = frozenset(),
    captured_twice: Set[int] = frozenset(),
    may_be_torn: Set[int] = frozenset(),
) -> list[str]:
    """What is wrong with this account. `right` are the rows of what has landed, `landed` the
    numbers that must have, and of `may_be_missed` nobody had anything in hand that outlives a
    process."""
    wrong = []
    if lost := landed - found.landed:
        wrong.append(f"lost: {sorted(lost)}, of which missed {found.missed}")
    if unknown := found.landed - landed - may_be_missed:
        wrong.append(f"landed, and never fetched: {sorted(unknown)}")
    if unexplained := set(found.missed) - may_be_missed:
        wrong.append(f"missed without need: {sorted(unexplained)}")
    if double := set(found.kept_beside) - captured_twice:
        wrong.append(f"captured twice: {sorted(double)}")
    if torn := set(found.torn) - may_be_torn:
        wrong.append(f"torn, though they had been fsynced: {sorted(torn)}")
    if found.silent:
        wrong.append(f"neither landed nor missed: {found.silent}")
    for asset, asked in right.items():
        if (there := found.rows[asset]) != asked:
            less, more = Counter(asked) - Counter(there), Counter(there) - Counter(asked)
            wrong.append(f"{asset}: not read {sorted(less)}, too many {sorted(more)}")
    for what in ("findings", "pending", "left_behind"):
        if left := getattr(found, what):
            wrong.append(f"{what}: {left}")
    return wrong
