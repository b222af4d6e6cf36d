"""What keeps a state folder from growing with the year: Dagster's records, the ledger's history."""


class DagsterUnreadable(Exception):
    """Dagster's records cannot be read, or are kept where housekeeping cannot read them; the text
    says why, and `do` what helps, where that is known."""

    def __init__(self, message: str, do: str | None = None) -> None:
        super().__init__(message)
        self.do = do
