"""What keeps a state folder from growing with the year: Dagster's records, the ledger's history."""


class DagsterUnreadable(Exception):
    """Dagster's records cannot be read, or are kept where housekeeping cannot read them; the text
    says why."""
