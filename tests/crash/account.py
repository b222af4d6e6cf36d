"""What a day holds in the end, and what it must hold: worked out from the vendor's world alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline_assets.football.raw_fetches import match_keys
from pipeline_assets.load import load_envelopes, load_table
from tests.chain import FEED, RAW, Chain
from touchline.accounting import FetchFate
from touchline.watch import MAX_RUNTIME, expected_minutes

Rows = dict[str, list[tuple[int, str]]]
"""asset -> (fetch number, match id) of every record, in order."""

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
    conflicts: list[str]
    torn: list[str]
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
        chain.clock.set(now + 3 * MAX_RUNTIME)
        plan = site.plans[FEED]
        fates = site.ledger.fetches(FEED, day)
        expected = expected_minutes(day, site.ledger.intervals(FEED, day.start, day.end), now)
        rows: Rows = {
            RAW: [
                (envelope.ref.number, key)
                for envelope in load_envelopes(site, RAW, day)
                for key in match_keys(envelope)
            ]
        }
        for asset, key in key_columns.items():
            table = load_table(site, asset, day)
            columns = (table.column(name).to_pylist() for name in ("fetch_number", key))
            rows[asset] = list(zip(*columns, strict=True))
        pending = [
            str(row.pending)
            for asset in plan.assets
            for row in site.ledger.claims(asset.name, day).values()
            if row.pending
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
        rows=rows,
        findings=[
            f"{name} {check} {report.verdict}: {found}"
            for (name, check), report in checks.items()
            for found in report.findings or [report.verdict]
            if report.findings or report.verdict != "OK"
        ],
        pending=pending,
        conflicts=[key for key in keys if key.startswith("conflicts/")],
        torn=_files(spool / "torn"),
        left_behind=[
            name
            for name in _files(chain.home)
            if name not in LEDGER_FILES and "/torn/" not in name and not name.endswith(".lock")
        ],
    )


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def complaints(
    found: DayAccount, rows: Rows, *, landed: set[int], may_be_missed: set[int]
) -> list[str]:
    """What is wrong with this account. `rows` are those of what has landed, `landed` the numbers
    that must have, and of `may_be_missed` nobody had anything in hand that outlives a process."""
    wrong = []
    if lost := landed - found.landed:
        wrong.append(f"lost: {sorted(lost)}, of which missed {found.missed}")
    if unknown := found.landed - landed - may_be_missed:
        wrong.append(f"landed, and never fetched: {sorted(unknown)}")
    if unexplained := set(found.missed) - may_be_missed:
        wrong.append(f"missed without need: {sorted(unexplained)}")
    if found.silent:
        wrong.append(f"neither landed nor missed: {found.silent}")
    for asset, right in rows.items():
        if (there := found.rows[asset]) != right:
            less, more = Counter(right) - Counter(there), Counter(there) - Counter(right)
            wrong.append(f"{asset}: not read {sorted(less)}, too many {sorted(more)}")
    for what in ("findings", "pending", "conflicts", "left_behind"):
        if left := getattr(found, what):
            wrong.append(f"{what}: {left}")
    return wrong
