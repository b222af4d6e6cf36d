"""Figures against limits, on recorded data that is not part of the project."""
