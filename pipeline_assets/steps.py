"""The steps as Dagster runs them: what an asset makes, and check verdicts as Dagster shows them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport, Found
from pipeline_assets.checks.specs import CHECKS, shown
from pipeline_assets.partitions import scheduled_minute
from pipeline_assets.raw_step import raw_step
from pipeline_assets.retention import expire
from pipeline_assets.rotation import rotate
from pipeline_assets.run import Batch, Run
from pipeline_assets.sealing import clear_replaced, days_to_seal, seal_day, tidy_lake
from pipeline_assets.stage_step import stage_step
from touchline.accounting import Verdict
from touchline.day import Day
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage

FINDINGS_SHOWN = 20
FETCHES_SHOWN = 200
SHOWN_IN = {check.name: shown(check) for check in CHECKS}


def step_of(
    context: dg.AssetExecutionContext, plan: FeedPlan, asset: RawAsset | Stage[Any]
) -> Batch:
    """A live run, by its tag alone, fetches its minute; any other rebuilds its partition."""
    minute = scheduled_minute(context.run.tags)
    run = Run(
        context.resources.site,
        plan,
        Day.parse(context.partition_key),
        context.run.run_id,
        minute,
        rebuild=minute is None,
    )
    return raw_step(run) if isinstance(asset, RawAsset) else stage_step(run, asset)


def check_results(
    context: dg.AssetCheckExecutionContext, plan: FeedPlan
) -> Iterator[dg.AssetCheckResult]:
    """The verdicts of the checks that this run selected."""
    selected = context.selected_asset_check_keys
    day = Day.parse(context.partition_key)
    known: KnownClaims = {}
    for asset in plan.assets:
        key = dg.AssetKey(asset.name.split("/"))
        if all(check.asset_key != key for check in selected):
            continue
        reports = check_day(context.resources.site, plan, asset, day, known=known)
        for name, told in itertools.groupby(reports, lambda report: SHOWN_IN[report.check]):
            if dg.AssetCheckKey(key, name) in selected:
                yield check_result(name, list(told))


def check_result(name: str, reports: Sequence[CheckReport]) -> dg.AssetCheckResult:
    """One verdict, the worst, of the reports that this check of Dagster tells. BAD fails as an
    error, COULD_NOT_CHECK as a warning."""
    verdict = Verdict.worst(report.verdict for report in reports)
    metadata: dict[str, Any] = {"verdict": str(verdict)}
    if len(reports) > 1:
        metadata |= {report.check: str(report.verdict) for report in reports}
    for number in ("recorded", "landed", "fetches_expected", "fetches_present"):
        said = (getattr(report, number) for report in reports)
        value = next((each for each in said if each is not None), None)
        if value is not None:
            metadata[number] = value
    for report in reports:
        metadata |= report.details
    named = sorted({number for report in reports for number in report.fetch_numbers})
    if named:
        metadata["fetch_numbers"] = dg.MetadataValue.json(named[:FETCHES_SHOWN])
    findings = [found for report in reports for found in report.findings]
    if findings:
        metadata["findings"] = dg.MetadataValue.md(_as_table(findings))
    blind = verdict is Verdict.COULD_NOT_CHECK
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(reports[0].asset.split("/")),
        check_name=name,
        passed=verdict is Verdict.OK,
        severity=dg.AssetCheckSeverity.WARN if blind else dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
        description=findings[0].detail if findings else None,
    )


def rotation(context: dg.OpExecutionContext, feed: str) -> None:
    """Windows that are due; what could not be done is done by the next rotation."""
    report = rotate(context.resources.site, feed)
    context.resources.site.record.note(added=len(report.stored), failures=report.findings)
    for finding in report.findings:
        context.log.warning(finding)
    context.log.info(
        f"{len(report.stored)} windows stored, {report.removed} fetch objects removed, "
        f"{report.cleared} fetches cleared from the spool"
    )


def sealing(context: dg.OpExecutionContext, plan: FeedPlan) -> None:
    """Every day that is to be sealed, then what earlier seals replaced. Fails when a day, or an
    asset of it, is not sealed: the run says why."""
    site, run_id = context.resources.site, context.run_id
    waiting: list[str] = []
    for day in days_to_seal(site.ledger, plan, site.clock.now()):
        report = seal_day(site, plan.name, day, run_id=run_id)
        context.log.info(f"{day}: {len(report.sealed)} sealed, {len(report.unchanged)} unchanged")
        waiting += [f"{day}: {reason}" for reason in report.waiting]
        if report.sealed:
            tidy_lake(site, plan.name)
    removed = clear_replaced(site, plan.name, run_id=run_id)
    context.log.info(f"{removed} objects that a seal replaced were removed")
    for finding in expire(site, plan.name, run_id).findings:
        context.log.warning(finding)
    site.record.note(failures=waiting)
    if waiting:
        raise dg.Failure("; ".join(waiting), allow_retries=False)


def _as_table(findings: Sequence[Found]) -> str:
    shown = findings[:FINDINGS_SHOWN]
    rows = [
        f"| {found.kind} | {_cell(found.fetch_number)} | {_cell(found.records)} | {found.detail} |"
        for found in shown
    ]
    more = len(findings) - len(shown)
    rows += [f"| and {more} more | | | |"] if more else []
    return "\n".join(["| kind | fetch | records | what |", "|---|---|---|---|", *rows])


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)
