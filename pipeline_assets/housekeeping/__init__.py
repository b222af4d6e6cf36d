"""What keeps a state folder from growing with the year: Dagster's records, the ledger's history."""

from touchline.errors import Unavailable


class DagsterUnreadable(Unavailable):
    """Dagster's records cannot be read, or are kept where housekeeping cannot read them; the text
    says why, and `advice` what helps, where that is known."""

    kind = "dagster_unreadable"
