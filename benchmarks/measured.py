"""What a piece of work costs, in a process of its own: CPU, peak memory, what crosses the wire."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from resources.store.s3 import S3Connection

T = TypeVar("T")

LISTING = "ListObjectsV2"
_IMPORTED = ("benchmarks.watched_day", "resources.lake", "resources.sealed_days")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def alone(call: Callable[..., T], *arguments: Any) -> T:
    """The result of a call in a process of its own.

    It is forked from one that has imported what the call needs and done nothing else, so that no
    two of them differ in that.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *_IMPORTED])
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(call, *arguments).result()


def peak_mb() -> float:
    """The most memory that this process has had, or has had since `forget_peak`."""
    if _STATUS.exists():
        # Not ru_maxrss: it counts what the parent had when it began this process.
        (line,) = (text for text in _STATUS.read_text().splitlines() if text.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def forget_peak() -> None:
    """Measure from here on. Where the system cannot, the peak of before stays."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


@dataclass
class Wire:
    """Requests sent and bytes of bodies, both ways, by operation (`GetObject`, ...)."""

    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)

    def attach(self, client: Any) -> None:
        client.meta.events.register("before-send.s3", self._on_request)
        client.meta.events.register("response-received.s3", self._on_answer)

    def bytes_of(self, operation: str) -> int:
        return self.sent[operation] + self.received[operation]

    @property
    def bytes(self) -> int:
        return self.sent.total() + self.received.total()

    def _on_request(self, event_name: str, request: Any, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        self.requests[operation] += 1
        self.sent[operation] += int(request.headers.get("Content-Length") or 0)

    def _on_answer(self, event_name: str, response_dict: Any, **_: Any) -> None:
        if response_dict is None:
            return  # No answer came.
        body = response_dict["body"]
        # What is read as it arrives says how long it is; a listing comes in chunks and does not.
        size = len(body) if isinstance(body, bytes) else response_dict["headers"]["content-length"]
        self.received[event_name.rpartition(".")[2]] += int(size)


@dataclass(frozen=True)
class MeteredS3(S3Connection):
    """Clients that tell a wire what they send and receive."""

    wire: Wire = field(default_factory=Wire)

    def make_client(self) -> Any:
        client = super().make_client()
        self.wire.attach(client)
        return client


@dataclass
class Cost:
    """Of one piece of work, imports left out; memory is the whole process's. Requests and bytes of
    bodies are the object store's, but for those that are named the feed's."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    requests: int = 0
    bytes: int = 0
    listing_requests: int = 0
    listing_bytes: int = 0
    feed_requests: int = 0
    feed_bytes: int = 0

    @property
    def all_requests(self) -> int:
        return self.requests + self.feed_requests

    @property
    def all_bytes(self) -> int:
        return self.bytes + self.feed_bytes


@contextmanager
def costing(wire: Wire | None = None) -> Iterator[Cost]:
    """Filled in at the end of the block."""
    cost = Cost()
    wall, cpu = time.perf_counter(), time.process_time()
    yield cost
    cost.wall_seconds = time.perf_counter() - wall
    cost.cpu_seconds = time.process_time() - cpu
    cost.peak_mb = peak_mb()
    if wire:
        cost.requests, cost.bytes = wire.requests.total(), wire.bytes
        cost.listing_requests = wire.requests[LISTING]
        cost.listing_bytes = wire.bytes_of(LISTING)
