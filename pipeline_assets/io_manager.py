"""The S3 IO manager: daily partitions of one object a fetch, landed one at a time.

What a step makes is landed as it is made, under a condition and with its claim written first; a day
is loaded as pandas, Arrow or typed records, by annotation.
"""

from __future__ import annotations

import contextlib
from typing import Any

import dagster as dg

from pipeline_assets.load import load_day
from pipeline_assets.run import Batch, StepReport
from pipeline_assets.statements import LANDED, statement
from resources.ledger import LedgerUnavailable
from resources.site import Site
from touchline.day import Day
from touchline.plan import about, subject_word


class S3DayIOManager(dg.IOManager):
    """Lands the batches of steps and loads days."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def handle_output(self, context: dg.OutputContext, obj: Batch) -> None:
        """Never raises for data or store: what did not land is in the metadata and the checks."""
        report = obj.run.land(obj)
        metadata = metadata_of(report)
        with contextlib.suppress(LedgerUnavailable):
            claims = self._site.ledger.standing(obj.asset, obj.run.day).values()
            rows = sum(row.emitted or 0 for row in claims)
            metadata["dagster/partition_row_count"] = rows
            if report.account.emitted and obj.asset in self._alert_assets:
                metadata["alerts"] = dg.MetadataValue.json(self._deliveries(obj, report))
        if report.claims:  # Last: the pages show metadata in this order, and this is long.
            said = statement(self._site.store.prefix, report.claims)
            metadata[LANDED] = dg.MetadataValue.json(said)
        context.add_output_metadata(metadata)

    @property
    def _alert_assets(self) -> set[str]:
        return {stage.name for stage in self._site.stages.values() if stage.tells_people}

    def _deliveries(self, batch: Batch, report: StepReport) -> list[dict[str, str | None]]:
        """How the delivery stands of what this step has added."""
        rows = self._site.ledger.match_alerts(batch.run.day, batch.asset)
        word = subject_word(batch.run.plan.subject)
        return [
            about(word, row.subject_id)
            | {"delivery": row.state, "message": row.body}
            | ({"error": row.last_error} if row.last_error else {})
            for row in rows
            if row.number in report.landed
        ]

    def load_input(self, context: dg.InputContext) -> Any:
        """The partition's records, as the annotation of the input says."""
        asset = "/".join(context.asset_key.path)
        days = [Day.parse(key) for key in context.asset_partition_keys]
        return load_day(self._site, asset, days, context.dagster_type.typing_type)


def metadata_of(report: StepReport) -> dict[str, Any]:
    """What the UI shows of a step; the plots over time are made of the numbers."""
    account = report.account
    metadata: dict[str, Any] = {
        "fetches_added": len(report.added),
        "received": account.received,
        "emitted": account.emitted,
        "dropped": sum(account.dropped.values()),
        "quarantined": sum(account.quarantined.values()),
        "seconds": round(report.seconds, 3),
    }
    if report.lateness_seconds is not None:
        metadata["lateness_seconds"] = round(report.lateness_seconds, 3)
    if account.dropped or account.quarantined:
        metadata["reasons"] = dg.MetadataValue.json(
            {"dropped": dict(account.dropped), "quarantined": dict(account.quarantined)}
        )
    if report.failures:
        metadata["failures"] = dg.MetadataValue.json(
            {str(failure.number or "step"): failure.error for failure in report.failures}
        )
    if report.findings:
        metadata["findings"] = dg.MetadataValue.md("\n".join(f"- {f}" for f in report.findings))
    return metadata
