"""What each finding of a check is a case of. A new kind of finding gets its class here."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_assets.checks.report import Kind
from touchline.accounting import LossClass

CLASS_OF: Mapping[Kind, LossClass] = {
    Kind.REAL_LOSS: LossClass.REAL_LOSS,
    Kind.OVERWRITTEN: LossClass.REAL_LOSS,
    Kind.DAMAGED: LossClass.REAL_LOSS,
    Kind.NOT_LANDED: LossClass.REAL_LOSS,
    Kind.NO_FATE: LossClass.REAL_LOSS,
    Kind.NOT_CONSERVED: LossClass.REAL_LOSS,
    Kind.OTHER_FETCH: LossClass.REAL_LOSS,
    Kind.INCOMPLETE: LossClass.REAL_LOSS,
    Kind.TRACKING_ERROR: LossClass.TRACKING_ERROR,
    Kind.COUNT_DIFFERS: LossClass.TRACKING_ERROR,
    Kind.DIGEST_DIFFERS: LossClass.TRACKING_ERROR,
    Kind.WINDOW_OVERDUE: LossClass.NOT_YET,
    Kind.SPOOL_FILLS_UP: LossClass.NOT_YET,
    Kind.UNEXPLAINED_ZERO: LossClass.UNKNOWN,
    Kind.CONTRADICTED: LossClass.UNKNOWN,
    Kind.SCHEMA_DIFFERS: LossClass.UNKNOWN,
    Kind.UNCHECKED: LossClass.UNKNOWN,
}
"""Of findings about records. See `NO_LOSS` for the others."""

NO_LOSS = frozenset(
    {
        Kind.SCHEMA_DRIFTS,
        Kind.FEED_FAILS,
        Kind.FEED_FROZEN,
        Kind.FEED_OUTDATED,
        Kind.CLOCK_SKEW,
        Kind.SHRINKING_CONTENT,
        Kind.RETRY_CAP,
    }
)
"""Findings about the vendor or a clock: what was fetched is stored as it came."""

REPAIRED = frozenset({LossClass.REAL_LOSS, LossClass.TRACKING_ERROR})
"""What `reprocess` acts on without being told to; of the rest nobody knows that it is wrong."""
CLAIM_IN_DOUBT = frozenset(
    {Kind.COUNT_DIFFERS, Kind.DIGEST_DIFFERS, Kind.NOT_CONSERVED, Kind.OTHER_FETCH}
)
"""What the claim says is no measure of what is made anew."""
