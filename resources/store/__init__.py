"""The object store: one protocol, `Store`, and its twins on S3, in memory, and with failures.

`resources.store.s3`, `resources.store.memory` and `resources.store.faulty` are imported where one
of them is made, since the S3 client alone takes a tenth of a second.
"""

from resources.store.protocol import (
    AccessRefused,
    Conflicting,
    Corrupted,
    NoCredentials,
    NoSuchBucket,
    NotFound,
    NotSupported,
    ObjectInfo,
    PreconditionFailed,
    Requests,
    Store,
    StoredObject,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

__all__ = [
    "AccessRefused",
    "Conflicting",
    "Corrupted",
    "NoCredentials",
    "NoSuchBucket",
    "NotFound",
    "NotSupported",
    "ObjectInfo",
    "PreconditionFailed",
    "Requests",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "StoredObject",
]
