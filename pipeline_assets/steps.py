"""The steps as Dagster runs them: what an asset makes, and check verdicts as Dagster shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import CheckReport
from pipeline_assets.inbox import take_inbox
from pipeline_assets.minute_state import picture, states_at_once
from pipeline_assets.partitions import one_day, refuse_part_of_backfill, slot_of_run
from pipeline_assets.raw_step import raw_step
from pipeline_assets.retention import expire
from pipeline_assets.rotation import rotate
from pipeline_assets.run import Batch, Run
from pipeline_assets.sealing import clear_replaced, seal_day, tidy_lake
from pipeline_assets.seals_due import days_to_seal
from pipeline_assets.stage_step import stage_step
from pipeline_assets.stale_days import make_stale_days
from resources.ledger import LedgerUnavailable
from resources.site import Site
from touchline.accounting import Verdict
from touchline.day import Day
from touchline.plan import FeedPlan
from touchline.stage import RawAsset, Stage

FINDINGS_SHOWN = 20
FETCHES_SHOWN = 200
_WITH_PICTURE = "cadence"
"""The check whose result shows the day minute by minute."""


def step_of(
    context: dg.AssetExecutionContext, plan: FeedPlan, asset: RawAsset | Stage[Any]
) -> Batch:
    """A live run, by its tag alone, fetches its slot; any other rebuilds its partition.

    Raises dagster.Failure for a run that is not one of one day, or of a part of its backfill.
    """
    refuse_part_of_backfill(context.run.tags, context.instance)
    slot = slot_of_run(context.run.tags)
    run = Run(
        context.resources.site,
        plan,
        one_day(context.run.tags),
        context.run.run_id,
        slot,
        rebuild=slot is None,
    )
    return raw_step(run, asset) if isinstance(asset, RawAsset) else stage_step(run, asset)


def check_results(
    context: dg.AssetCheckExecutionContext, plan: FeedPlan
) -> Iterator[dg.AssetCheckResult]:
    """The verdicts of the checks that this run selected.

    Raises dagster.Failure for a run that is not one of one day.
    """
    selected = context.selected_asset_check_keys
    day = one_day(context.run.tags)
    known: KnownClaims = {}
    for asset in plan.assets:
        key = dg.AssetKey(asset.name.split("/"))
        if all(check.asset_key != key for check in selected):
            continue
        reports = check_day(context.resources.site, plan, asset, day, known=known)
        for report in reports:
            if dg.AssetCheckKey(key, report.check) in selected:
                shown = None
                if report.check == _WITH_PICTURE and isinstance(asset, RawAsset):
                    shown = _picture(context.resources.site, asset, day, known, reports)
                yield check_result(report, shown)


def _picture(
    site: Site, raw: RawAsset, day: Day, known: KnownClaims, reports: Iterable[CheckReport]
) -> str | None:
    """Of the raw day, from what its checks have just read; None where they could not."""
    claims = known.get(raw.name)
    if claims is None:
        return None
    try:
        fates = site.ledger.fates(raw.name, day)
    except LedgerUnavailable:
        return None
    return picture(day, states_at_once(raw.length(day), fates, claims, reports))


def check_result(report: CheckReport, shown: str | None = None) -> dg.AssetCheckResult:
    """BAD fails as an error, COULD_NOT_CHECK as a warning. `shown` is a picture of the day."""
    blind = report.verdict is Verdict.COULD_NOT_CHECK
    metadata: dict[str, Any] = {"verdict": str(report.verdict)}
    for name in ("recorded", "landed", "fetches_expected", "fetches_present"):
        value = getattr(report, name)
        if value is not None:
            metadata[name] = value
    metadata |= report.details
    if named := report.fetch_numbers:
        metadata["fetch_numbers"] = dg.MetadataValue.json(named[:FETCHES_SHOWN])
    if shown is not None:
        metadata["day"] = dg.MetadataValue.md(shown)
    if report.findings:
        metadata["causes"] = dg.MetadataValue.json([str(kind) for kind in report.kinds])
        metadata["findings"] = dg.MetadataValue.md(_as_table(report))
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(report.asset.split("/")),
        check_name=report.check,
        passed=report.verdict is Verdict.OK,
        severity=dg.AssetCheckSeverity.WARN if blind else dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
        description=f"{report.verdict}: {report.findings[0].detail}" if report.findings else None,
    )


def rotation(context: dg.OpExecutionContext, feed: str) -> None:
    """Windows that are due; what could not be done is done by the next rotation."""
    report = rotate(context.resources.site, feed)
    for finding in report.findings:
        context.log.warning(finding)
    context.log.info(
        f"{len(report.stored)} windows stored, {report.removed} fetch objects removed, "
        f"{report.cleared} fetches cleared from the spool"
    )


def sealing(context: dg.OpExecutionContext, plan: FeedPlan) -> None:
    """Every day that is to be made again, then every day that is to be sealed, then what earlier
    seals replaced. Fails when a day, or an asset of it, is not sealed: the run says why."""
    site, run_id = context.resources.site, context.run_id
    waiting = make_stale_days(site, plan.name, run_id=run_id)
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
    if waiting:
        raise dg.Failure("; ".join(waiting), allow_retries=False)


def inbox(context: dg.OpExecutionContext, plan: FeedPlan) -> None:
    """What was left in the inbox. Fails when something of it was set aside, refused or not done:
    the run says what, and why."""
    site = context.resources.site
    report = take_inbox(site, plan, run_id=context.run_id, progress=context.log.info)
    for waits in report.waiting:
        context.log.warning(waits)
    counts = ", ".join(f"{count} {how}" for how, count in report.landed.items())
    context.log.info(f"captures: {counts or 'none'}; {len(report.answers)} lines answered")
    if report.wrong:
        raise dg.Failure("; ".join(report.wrong), allow_retries=False)


def housekeeping(context: dg.OpExecutionContext) -> None:
    """What may go goes, of Dagster's records and the ledger's history; what could not, with the
    next housekeeping."""
    # Only this job pays for the import of Dagster's storages.
    from pipeline_assets.housekeeping.work import plan_of, tidy

    site = context.resources.site
    now = site.clock.now()
    plan = plan_of(context.instance, site.ledger, site.settings, now)
    report = tidy(context.instance, site.ledger, plan, now)
    for finding in report.findings:
        context.log.warning(finding)
    context.log.info(
        f"{len(plan.gone)} runs removed, {plan.kept.total()} kept, {plan.ticks} ticks and "
        f"{plan.history} transitions of claims removed"
    )


def _as_table(report: CheckReport) -> str:
    shown = report.findings[:FINDINGS_SHOWN]
    rows = [
        f"| {found.kind} | {_cell(found.fetch_number)} | {_cell(found.records)} | {found.detail} |"
        for found in shown
    ]
    more = len(report.findings) - len(shown)
    rows += [f"| and {more} more | | | |"] if more else []
    return "\n".join(["| kind | fetch | records | what |", "|---|---|---|---|", *rows])


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)
