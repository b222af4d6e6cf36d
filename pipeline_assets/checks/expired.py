"""What the store's record says of a day that was removed on purpose, against the claims."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_assets.checks.report import CheckReport, Kind
from resources.expired_days import ExpiredDay, digest_of
from resources.ledger import Ledger, Standing
from touchline.day import FetchNumber


def expired_matches_claimed(
    expired: ExpiredDay,
    claims: Mapping[FetchNumber, Standing],
    ledger: Ledger,
    report: CheckReport,
) -> None:
    """The day went with all that was claimed of it: so what is lost does not expire unseen. A deep
    check compares what each fetch was, too. Raises LedgerUnavailable."""
    report.landed = (report.landed or 0) + expired.emitted
    if not claims:
        report.recorded = None  # The ledger was made anew: nothing is left to compare with.
        return
    landed = [n for n in expired.numbers if (row := claims.get(n)) and row.has_landed]
    emitted = sum(claims[number].emitted or 0 for number in landed)
    if len(landed) != expired.fetches or emitted != expired.emitted:
        detail = (
            f"{expired.fetches} fetches with {expired.emitted} records expired, and the ledger "
            f"knows of {len(landed)} with {emitted}"
        )
        report.found(Kind.COUNT_DIFFERS, None, abs(emitted - expired.emitted), detail)
    elif report.deep and _claimed_digest(expired, ledger) != expired.digest:
        detail = "what expired was not what was claimed"
        report.found(Kind.DIGEST_DIFFERS, None, expired.emitted, detail)


def _claimed_digest(expired: ExpiredDay, ledger: Ledger) -> str:
    claims = ledger.claims(expired.asset, expired.day)
    landed = ((number, claims[number].landed) for number in sorted(expired.numbers))
    return digest_of((n, claim.ref.fetch_id, claim.digest) for n, claim in landed if claim)
