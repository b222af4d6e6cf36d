"""Zstandard under one name: Python's own `compression.zstd` from 3.14 on, its backport before.

Neither writes seekable files, which need pyzstd.
"""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["CHECKED", "zstd"]

CHECKED: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
"""Options of a frame that ends with a checksum of its content: by default it has none."""
