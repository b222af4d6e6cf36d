"""The football vendor's client: what is asked for in a fetch, and in which order."""
