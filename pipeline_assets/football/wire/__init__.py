"""The football vendor's vocabulary: its codes, and named fields for everything in its arrays."""

from pipeline_assets.football.wire.codes import (
    HALF_TIME,
    IN_PLAY,
    STATUS_NAMES,
    UNKNOWN_STATUS,
    status_breakdown,
)

__all__ = [
    "HALF_TIME",
    "IN_PLAY",
    "STATUS_NAMES",
    "UNKNOWN_STATUS",
    "status_breakdown",
]
