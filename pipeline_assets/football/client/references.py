"""Teams, competitions and countries during one fetch: from the cache, else from the vendor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import anyio
import msgspec

from pipeline_assets.football.client import answers
from resources.vendor.http import CallError, VendorClient
from resources.vendor.reference_cache import Entries, Entry
from touchline.clock import Clock
from touchline.fetch import Call, FetchRef

_SEEN_PRECISION = timedelta(days=1)
MERGES_FOLLOWED = 5
"""How many merges one after the other are followed to the record that survives."""


@dataclass
class ReferenceDesk:
    """Answers by endpoint and id; `learned` is what the cache should keep of them.

    An answer is kept only if it is a success and holds the very record that was asked for: error
    bodies once stood in a cache for a day, and teams had no names.
    """

    client: VendorClient
    kept: Entries
    time_to_live: Mapping[str, timedelta]
    failure_memory: timedelta
    ref: FetchRef
    clock: Clock
    learned: dict[str, dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))

    async def get_all(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Call]:
        """A call for each (endpoint, id); the id "" asks for a list without parameters.

        Beside those that are wanted stand the records into which the vendor has merged them.
        """
        found: dict[tuple[str, str], Call] = {}

        async def get(endpoint: str, record_id: str) -> None:
            found[endpoint, record_id] = await self._get(endpoint, record_id)

        for _ in range(1 + MERGES_FOLLOWED):
            async with anyio.create_task_group() as tasks:
                for endpoint, record_id in wanted:
                    tasks.start_soon(get, endpoint, record_id)
            survivors = {(endpoint, _survivor(found[endpoint, uuid])) for endpoint, uuid in wanted}
            wanted = [(name, uid) for name, uid in survivors if uid and (name, uid) not in found]
        return found

    async def _get(self, endpoint: str, record_id: str) -> Call:
        entry = self.kept.get(endpoint, {}).get(record_id, Entry())
        params = {"uuid": record_id} if record_id else {}
        call = self._cached(entry, endpoint, params)
        if call is not None and not call.stale:
            return call
        asked = self._failed_lately(entry, endpoint, params)
        if asked is None:
            asked = await self.client.get(endpoint, params)
            self._learn(entry, asked, record_id)
        if call is not None and (asked.error is not None or not _is_kept(asked, record_id)):
            return call
        return asked

    def _cached(self, entry: Entry, endpoint: str, params: Mapping[str, str]) -> Call | None:
        """The kept answer, `stale` when it has expired."""
        if entry.body is None or entry.fetched_at is None:
            return None
        now = self.clock.now()
        age = now - entry.fetched_at
        if entry.seen_at is None or now - entry.seen_at > _SEEN_PRECISION:
            seen = msgspec.structs.replace(entry, seen_at=now)
            self.learned[endpoint][params.get("uuid", "")] = seen
        return Call(
            endpoint,
            params,
            entry.body.encode(),
            http_status=entry.http_status,
            date_header=entry.date_header,
            received_at=entry.fetched_at,
            carried_from=entry.fetch_id,
            age_seconds=age.total_seconds(),
            stale=abs(age) >= self.time_to_live[endpoint],
        )

    def _failed_lately(self, entry: Entry, endpoint: str, params: Mapping[str, str]) -> Call | None:
        if entry.failed_at is None or entry.failure is None:
            return None
        seconds = (self.clock.now() - entry.failed_at).total_seconds()
        if abs(seconds) >= self.failure_memory.total_seconds():
            return None
        detail = f"failed {seconds:.0f} s ago and was not asked for again"
        return Call(endpoint, params, body=None, error=entry.failure, detail=detail)

    def _learn(self, entry: Entry, call: Call, record_id: str) -> None:
        now = self.clock.now()
        if _is_kept(call, record_id):
            assert call.body is not None
            learned = Entry(
                call.body.decode(),
                now,
                self.ref.fetch_id,
                call.http_status,
                call.date_header,
                seen_at=now,
            )
        elif call.error is not None and call.error != CallError.DEADLINE:
            # The deadline says something about this fetch, not about the record.
            learned = msgspec.structs.replace(entry, failed_at=now, failure=call.error)
        else:
            return
        self.learned[call.endpoint][record_id] = learned


def _survivor(call: Call) -> str | None:
    """The id of the record into which the one that was asked for was merged, if it was."""
    uuid = call.params.get("uuid")
    if uuid is None or call.error is not None or call.body is None:
        return None
    return answers.survivor(call.body, uuid)


def _is_kept(call: Call, record_id: str) -> bool:
    if call.error is not None or call.body is None:
        return False
    return answers.is_about(call.body, record_id) if record_id else answers.has_results(call.body)
