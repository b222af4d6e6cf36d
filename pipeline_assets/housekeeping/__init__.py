"""What keeps a state folder from growing with the year: Dagster's records, the ledger's history."""


class DagsterUnreadable(Exception):
    """Dagster keeps its records where housekeeping cannot read them; the text says why."""
