"""The vocabulary: pure Python, no I/O, no Dagster."""
