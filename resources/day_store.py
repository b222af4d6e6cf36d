"""A stage's day on S3: one immutable object a fetch, claimed first, written under a condition.

The key alone decides who won. A claim goes to the ledger before the object is stored; only then is
it stored; only with the store's answer is it called landed. What a check later reads back is never
taken from the ledger. Windows and the sealed day, which take the place of fetch objects, are read
here and made elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from resources.claim_book import ClaimBook
from resources.day_index import DayIndex, Place
from resources.day_layout import AssetKeys, first_of_window
from resources.fetch_object import FetchObject, UnreadableObject, pack
from resources.ledger import Claim, LedgerUnavailable, Standing, WindowRow
from resources.manifest import Held
from resources.raw_window import RawWindow, UnreadableWindow
from resources.selection import EVERYTHING, Selection
from resources.stage_window import StageWindow
from resources.store import (
    Conflicting,
    Corrupted,
    NotFound,
    ObjectInfo,
    PreconditionFailed,
    Store,
    StoreError,
)
from touchline.accounting import Withdrawn
from touchline.day import WINDOW_MINUTES, Day, FetchNumber
from touchline.stage import Stage

if TYPE_CHECKING:
    from resources.sealed_days import SealedDays

log = logging.getLogger(__name__)

ATTEMPTS = 3
_STILL_SINGLE = 2 * WINDOW_MINUTES
"""Of so many minutes before the newest window fetch objects may still be there beside theirs."""
Window = RawWindow | StageWindow[Any]


class WouldErase(StoreError):
    """What was made holds less than what stands there, and no account explains it."""

    kind = "would_erase"
    advice = None


class Damaged(StoreError):
    """What stands there cannot be read, and what was made is not what should stand there."""

    kind = "object_damaged"
    advice = "touchline verify --all --deep"


class Landing(StrEnum):
    """How a product came to stand in the store."""

    LANDED = "landed"
    ALREADY_THERE = "already_there"
    REPLACED = "replaced"
    CONFLICT = "conflict"
    """Another result for the same fetch had landed; it counts, ours is kept beside it."""


@dataclass
class DayStore:
    """Reads and lands the fetch objects of every asset of one feed in one prefix."""

    feed: str
    store: Store
    claims: ClaimBook
    stages: Mapping[str, Stage[Any]] = field(default_factory=dict)
    """By asset: what a window of derived fetches needs to be read."""
    raws: Mapping[str, str] = field(default_factory=dict)
    """The raw asset that numbers each asset's fetches, by name; see `AssetKeys.of`."""
    in_hand: dict[str, FetchObject] = field(default_factory=dict)
    """What this process has just made, by key: the next stage reads it from here, so that an
    object store that is away does not silence the stages behind it."""
    keep_in_hand: int = 32
    _indexes: dict[tuple[str, Day], DayIndex] = field(default_factory=dict)
    _standings: dict[tuple[str, Day], Mapping[FetchNumber, Standing]] = field(default_factory=dict)
    _windows: dict[str, tuple[tuple[str, str], Window]] = field(default_factory=dict)
    """By asset, the key, ETag and content of the window read last: more of it is asked for next."""

    def keys(self, asset: str) -> AssetKeys:
        return AssetKeys.of(asset, self.raws)

    # --- reading ---------------------------------------------------------------------------------

    def index(
        self,
        asset: str,
        day: Day,
        *,
        after: int | None = None,
        windows: Mapping[str, WindowRow] | None = None,
    ) -> DayIndex:
        """List what stands of this day, and where. With `after`, a number, list only what comes
        behind its fetch object.
        `windows` are the ledger's, where they have just been read."""

        @functools.cache
        def known() -> Mapping[str, WindowRow]:
            if windows is not None:
                return windows
            try:
                return self.claims.ledger.windows(asset, day)
            except LedgerUnavailable:
                return {}

        # What the ledger knows of the object with this ETag, or what the object says itself.
        def held_of(window: ObjectInfo) -> Sequence[Held]:
            row = known().get(window.key)
            return row.held if row and row.etag == window.etag else self.window(asset, window).held

        def etags_of(window: ObjectInfo) -> Mapping[FetchNumber, str]:
            row = known().get(window.key)
            if row and row.etag == window.etag:
                return row.etags
            held = self.window(asset, window).held
            return {FetchNumber(each.number): each.etag for each in held}

        def sealed_of(number: int) -> Sequence[Held]:
            return self.sealed_days.held(asset, day, number)

        keys = self.keys(asset)
        behind = None if after is None else keys.single(day, after)
        listed = self.store.list(keys.folder(day), behind)
        return DayIndex.of(listed, etags_of, held_of, sealed_of)

    def numbers(self, asset: str, day: Day) -> frozenset[FetchNumber]:
        """What of this day has landed, listed once until `refresh` and kept up with what is landed
        here. For deciding what to work on; a check lists anew."""
        return self._known(asset, day).numbers

    def standing(self, asset: str, day: Day) -> Mapping[FetchNumber, Standing]:
        """The ledger's claims as they were when the day was listed for work, or are now. For
        deciding what to work on. Raises LedgerUnavailable."""
        self._known(asset, day)
        if (asset, day) not in self._standings:
            self._standings[asset, day] = self.claims.ledger.standing(asset, day)
        return self._standings.pop((asset, day))

    def refresh(self) -> None:
        """Begin another run: look again at what others have landed."""
        self._indexes.clear()
        self._standings.clear()

    def list_all(self, asset: str, day: Day) -> None:
        """Look at all of this day, and believe the ledger nothing of it: for what puts right what
        may be gone."""
        self._known(asset, day, again=True)

    def look_at(self, asset: str, day: Day, index: DayIndex) -> None:
        """Work on this day as this index has it, from which what is damaged was left out."""
        self._standings.pop((asset, day), None)
        self._indexes[asset, day] = index

    def read(self, asset: str, day: Day, number: int) -> FetchObject:
        """Raises NotFound, UnreadableObject, StoreError."""
        key = self.keys(asset).single(day, number)
        if key in self.in_hand:
            return self.in_hand[key]
        return self.read_back(asset, day, number)

    def told(self, asset: str, day: Day, number: FetchNumber) -> FetchObject:
        """Return a fetch, with an empty body if a window or the sealed day holds it. Raises as
        `read` does."""
        place = self._known(asset, day).place(number)
        is_in_hand = self.keys(asset).single(day, number) in self.in_hand
        if is_in_hand or place is None or place.held is None:
            return self.read(asset, day, number)
        return FetchObject.held(asset, self.feed, place.held, b"")

    def newest_version(
        self, asset: str, day: Day, *, before: int | None = None
    ) -> FetchObject | None:
        """The newest version of a day that holds its records, with a number below `before` where
        that is given; None where there is none. Raises StoreError, UnreadableObject."""
        held = (m.ref for m in self.in_hand.values() if m.asset == asset and m.ref.day == day)
        numbers = self.numbers(asset, day).union(ref.number for ref in held)
        for number in sorted(numbers, reverse=True):
            if before is None or number < before:
                found = self.read(asset, day, number)
                if found.outcome.holds_records:
                    return found
        return None

    def read_back(self, asset: str, day: Day, number: int) -> FetchObject:
        """From the store itself, whatever this process believes to have written, and wherever it
        stands: in an object of its own, which counts before anything else, or in a window."""
        known = self._indexes.get((asset, day))
        place = known.place(FetchNumber(number)) if known else None
        with contextlib.suppress(NotFound):
            if place is not None:
                return self.read_place(asset, day, place)
            return self._single(asset, day, number)
        # It is in a window, or has gone there since the day was listed.
        place = self._known(asset, day, again=known is not None).place(FetchNumber(number))
        if place is None:
            raise NotFound(
                f"{self.keys(asset).single(day, number)} is not in the store, nor in a window"
            )
        return self.read_place(asset, day, place)

    def read_place(self, asset: str, day: Day, place: Place) -> FetchObject:
        """Raises NotFound when it has moved since the day was listed, UnreadableObject,
        StoreError."""
        if place.held is None:
            return self._single(asset, day, place.number)
        if place.listed is None:
            return self.sealed_days.read(asset, day, place.held)
        window = self.window(asset, place.listed)
        try:
            if isinstance(window, RawWindow):
                body = pack(window.envelope(place.number))
            else:
                body = window.single(place.number)
        except UnreadableWindow as error:
            raise UnreadableObject(f"{place.listed.key}: {error}") from error
        return FetchObject.held(asset, self.feed, place.held, body)

    def parts(
        self, asset: str, day: Day, *, after: int = 0, chosen: Selection = EVERYTHING
    ) -> Iterator[FetchObject | pa.Table]:
        """A derived day in the order of its fetches: a table (with `fetch_number` and `fetch_id`)
        for a window or a sealed day of which all counts, else fetch by fetch; those alone that
        come `after` a number, where it is given, and without listing what comes before. Tables hold
        what is `chosen` alone, a fetch object is whole.

        What moves meanwhile is looked for again. Raises NotFound, UnreadableObject, StoreError.
        """
        done = after
        # From the beginning of the window that holds the next one.
        begins = after // WINDOW_MINUTES * WINDOW_MINUTES
        for attempt in range(ATTEMPTS):
            index = self.index(asset, day, after=begins)
            places = [place for place in index.places() if place.number > done]
            try:
                for _, group in itertools.groupby(places, attrgetter("container")):
                    together = list(group)
                    yield from self._part(asset, day, together, chosen)
                    done = together[-1].number
                return
            except NotFound:
                if attempt == ATTEMPTS - 1:
                    raise

    def _part(
        self, asset: str, day: Day, places: list[Place], chosen: Selection
    ) -> Iterator[FetchObject | pa.Table]:
        first = places[0]
        if first.held is not None and first.listed is None:
            held = [place.held for place in places if place.held]
            yield from self.sealed_days.tables(asset, day, held, chosen)
            return
        if first.held is not None and first.listed is not None:
            window = self.window(asset, first.listed)
            if len(window.held) == len(places) and isinstance(window, StageWindow):
                yield window.table if chosen == EVERYTHING else window.select(chosen)
                return
        for place in places:
            yield self.read_place(asset, day, place)

    def window(self, asset: str, listed: ObjectInfo) -> Window:
        """A window's content. Raises NotFound, UnreadableObject, StoreError."""
        if asset in self._windows and self._windows[asset][0] == (listed.key, listed.etag):
            return self._windows[asset][1]
        try:
            data = self.store.get(listed.key).body
            if self.keys(asset).is_raw:
                window: Window = RawWindow.open(data)
            else:
                window = StageWindow.open(self.stages[asset], data)
        except (Corrupted, UnreadableWindow) as error:
            raise UnreadableObject(f"{listed.key}: {error}") from error
        self._windows[asset] = ((listed.key, listed.etag), window)
        return window

    @cached_property
    def sealed_days(self) -> SealedDays:
        # Only what reads a sealed day pays for the lake.
        from resources.lake import Lake
        from resources.sealed_days import SealedDays

        return SealedDays(self.store, Lake(self.store), self.stages, self.raws)

    def forget_window(self, asset: str) -> None:
        """Read this asset's next window from the store, whatever was read before."""
        self._windows.pop(asset, None)

    def _known(self, asset: str, day: Day, *, again: bool = False) -> DayIndex:
        if again:
            self._standings.pop((asset, day), None)
            self._indexes[asset, day] = self.index(asset, day)
        elif (asset, day) not in self._indexes:
            try:
                self._indexes[asset, day] = self._newest(asset, day)
            except LedgerUnavailable:
                self._indexes[asset, day] = self.index(asset, day)
        return self._indexes[asset, day]

    def _newest(self, asset: str, day: Day) -> DayIndex:
        """The day as it is needed to work on it: listed from where windows end whose fetch objects
        are gone, so that a minute late in the day costs what an early one does. What stands in
        them is known from the ledger, which a check never believes.

        Raises LedgerUnavailable, StoreError.
        """
        ledger = self.claims.ledger
        windows = ledger.windows(asset, day)
        rows = {
            first: row
            for key, row in windows.items()
            if (first := first_of_window(key)) is not None and row.is_verified
        }
        newest = max(rows, default=None)
        passed = [first for first in rows if newest is not None and first < newest - _STILL_SINGLE]
        if not passed:
            return self.index(asset, day, windows=windows)
        last = max(passed) + WINDOW_MINUTES - 1
        index = self.index(asset, day, after=last, windows=windows)
        held: dict[FetchNumber, str] = {}
        for first in passed:
            held.update(rows[first].etags)
        for first in passed:
            row = rows[first]
            assert row.etag is not None
            stored_at = row.stored_at or row.updated_at
            index.windows[first] = ObjectInfo(row.key, row.size or 0, row.etag, stored_at)
        standings = self._standings[asset, day] = ledger.standing(asset, day)
        for number, row in standings.items():
            if number <= last and row.has_landed and held.get(number) != row.etag:
                self._add_single(index, asset, day, number)
        return index

    def _add_single(self, index: DayIndex, asset: str, day: Day, number: FetchNumber) -> None:
        """A fetch that came after its window, if it is there."""
        key = self.keys(asset).single(day, number)
        with contextlib.suppress(NotFound):
            found = self.store.head(key)
            index.add(number, ObjectInfo(key, found.size or 0, found.etag, day.start))

    def _single(self, asset: str, day: Day, number: int) -> FetchObject:
        key = self.keys(asset).single(day, number)
        try:
            found = self.store.get(key)
        except Corrupted as error:
            raise UnreadableObject(f"{key}: {error}") from error
        opened = FetchObject.stored(asset, self.feed, found)
        if (opened.ref.day, opened.ref.number) != (day, number):
            raise UnreadableObject(f"{key}: holds fetch {opened.ref.number} of {opened.ref.day}")
        return opened

    # --- landing ---------------------------------------------------------------------------------

    def land(
        self, made: FetchObject, *, run_id: str, at: datetime, rebuild: bool, keep: bool = False
    ) -> Landing:
        """Claim, store under a condition, confirm.

        A placeholder that stands there is replaced under `If-Match`, and so is anything that a
        rebuild makes differently; else what stands there wins and ours is kept beside it. What a
        window holds is never written over: the object beside it counts from then on. With `keep`
        what is replaced is kept below `conflicts/`. Raises StoreError when the store does not take
        it: the claim then stays pending.
        """
        self._hold(made)
        claim = made.claim(run_id)
        self.claims.intend(claim, at)
        place = self._known(made.asset, made.ref.day).place(made.ref.number)
        landing = Landing.LANDED
        if place is not None and place.held is not None and self._still_counts(made.asset, place):
            there = FetchObject.held(made.asset, self.feed, place.held, b"")
            if _is_same(there, made) and place.held.is_kept:
                self.claims.landed(claim, place.etag, len(made.body), at)
                return Landing.ALREADY_THERE
            if not self._replaces(made, there, claim, at, rebuild=rebuild):
                there = self.read_place(made.asset, made.ref.day, place)
                return self._keep_beside(made, claim, there, at)
            if keep and place.held.is_kept:
                there = self.read_place(made.asset, made.ref.day, place)
                self._keep(made.key, there.body, place.etag, there.metadata())
            landing = Landing.REPLACED
        for _ in range(ATTEMPTS):
            try:
                etag = self.store.put_new(made.key, made.body, made.metadata())
                return self._landed(made, claim, etag, at, landing)
            except Conflicting:
                continue
            except PreconditionFailed:
                pass
            try:
                return self._meet(made, claim, at, rebuild=rebuild, keep=keep)
            except (PreconditionFailed, NotFound, Conflicting):
                continue
        raise StoreError(f"{made.key}: others kept writing it; nothing was overwritten")

    def _still_counts(self, asset: str, place: Place) -> bool:
        """Whether no fetch object has landed beside it since the day was listed. While the ledger
        is away nobody knows."""
        assert place.held is not None
        day = place.held.ref(self.feed).day
        try:
            row = self.claims.ledger.claim(asset, day, place.number)
        except LedgerUnavailable:
            return True
        return row is None or row.etag in (None, place.etag)

    def _meet(
        self, made: FetchObject, claim: Claim, at: datetime, *, rebuild: bool, keep: bool
    ) -> Landing:
        """The key is taken: by ours, by a placeholder, by what a rebuild replaces, by another's."""
        try:
            there = self._single(made.asset, made.ref.day, made.ref.number)
        except UnreadableObject as error:
            return self._restore(made, claim, at, rebuild=rebuild, keep=keep, damage=str(error))
        assert there.etag is not None
        self._add(there, there.etag, at)
        if _is_same(there, made):
            self.claims.landed(claim, there.etag, len(there.body), at)
            return Landing.ALREADY_THERE
        if not self._replaces(made, there, claim, at, rebuild=rebuild):
            return self._keep_beside(made, claim, there, at)
        if keep:
            self._keep(made.key, there.body, there.etag, there.metadata())
        etag = self.store.replace(made.key, made.body, there.etag, made.metadata())
        return self._landed(made, claim, etag, at, Landing.REPLACED)

    def keep_replaced(self, key: str) -> None:
        """Keep what stands at this key beside it, as far as the store still gives it."""
        try:
            there = self.store.get(key)
        except (NotFound, Corrupted) as error:
            log.warning("%s: what is replaced cannot be kept: %s", key, error)
        else:
            self._keep(key, there.body, there.etag, there.metadata)

    def _keep(self, key: str, body: bytes, etag: str, said: Mapping[str, str]) -> None:
        with contextlib.suppress(PreconditionFailed):
            self.store.put_new(f"conflicts/{key}.replaced.{etag}", body, said)

    def _replaces(
        self, made: FetchObject, there: FetchObject, claim: Claim, at: datetime, *, rebuild: bool
    ) -> bool:
        """Whether ours takes the place of what stands there. Raises WouldErase."""
        if rebuild and there.is_sound and not made.is_sound:
            self.claims.withdraw(claim, "a rebuild that failed replaces nothing", at)
            self.in_hand.pop(made.key, None)
            raise WouldErase(f"{made.key}: a rebuild that failed replaces nothing that had landed")
        return rebuild or (there.outcome.is_placeholder and not made.outcome.is_placeholder)

    def _keep_beside(
        self, made: FetchObject, claim: Claim, there: FetchObject, at: datetime
    ) -> Landing:
        kept = made.keys.beside(made.ref.day, made.ref.number, made.ref.fetch_id)
        beside = f"{kept}{made.sha256[:12]}"
        with contextlib.suppress(PreconditionFailed):
            self.store.put_new(beside, made.body, made.metadata())
        log.warning("%s: another result had landed; ours is kept at %s", made.key, beside)
        assert there.etag is not None
        self.in_hand[made.key] = there
        is_other = made.is_raw and made.ref.fetch_id != there.ref.fetch_id
        why = Withdrawn.DUPLICATE_MINUTE if is_other else Withdrawn.OTHER_RESULT
        self.claims.withdraw(claim, f"{why}: ours is kept at {beside}", at)
        self.claims.landed(there.claim(run_id=claim.run_id), there.etag, len(there.body), at)
        return Landing.CONFLICT

    def _landed(
        self, made: FetchObject, claim: Claim, etag: str, at: datetime, landing: Landing
    ) -> Landing:
        self.claims.landed(claim, etag, len(made.body), at)
        self._add(made, etag, at)
        if landing is Landing.REPLACED or made.outcome.is_placeholder:
            self._tell_what_stands(made, claim, etag, at)
        return landing

    def _tell_what_stands(self, made: FetchObject, claim: Claim, etag: str, at: datetime) -> None:
        """Where others write over ours before the ledger is told of it, it hears of theirs first
        and would be left with ours. A store that is away now is asked by the checks."""
        with contextlib.suppress(StoreError, UnreadableObject):
            if self.store.head(made.key).etag == etag:
                return
            there = self._single(made.asset, made.ref.day, made.ref.number)
            assert there.etag is not None
            self._add(there, there.etag, at)
            self.claims.landed(there.claim(run_id=claim.run_id), there.etag, len(there.body), at)

    def _add(self, there: FetchObject, etag: str, at: datetime) -> None:
        """It stands there now, whatever the day's listing said when it was made."""
        index = self._indexes.get((there.asset, there.ref.day))
        if index is not None:
            index.add(there.ref.number, ObjectInfo(there.key, len(there.body), etag, at))

    def _restore(
        self,
        made: FetchObject,
        claim: Claim,
        at: datetime,
        *,
        rebuild: bool,
        keep: bool,
        damage: str,
    ) -> Landing:
        """Replace an object that cannot be read by what it should be, or by what a rebuild makes
        of it. Raises Damaged for anything else."""
        there = self.store.head(made.key)
        is_the_same = there.metadata.get("sha256") == made.sha256
        if not is_the_same and not (rebuild and made.is_sound):
            self.claims.withdraw(claim, damage, at)
            raise Damaged(f"{damage}; nothing was overwritten: reprocess the day")
        if keep:
            self.keep_replaced(made.key)
        etag = self.store.replace(made.key, made.body, there.etag, made.metadata())
        return self._landed(made, claim, etag, at, Landing.REPLACED)

    def promote(self, pending: Claim, *, at: datetime) -> bool:
        """Confirm a claim whose object landed while its writer died before it could say so.

        False when the object is not there, or is another one. Raises StoreError.
        """
        try:
            there = self.read_back(pending.asset, pending.ref.day, pending.ref.number)
        except (NotFound, UnreadableObject):
            return False
        if there.sha256 != pending.sha256 or there.etag is None:
            return False
        self.claims.landed(pending, there.etag, len(there.body), at)
        return True

    def _hold(self, made: FetchObject) -> None:
        self.in_hand.pop(made.key, None)
        self.in_hand[made.key] = made
        while len(self.in_hand) > self.keep_in_hand:
            self.in_hand.pop(next(iter(self.in_hand)))


def _is_same(there: FetchObject, made: FetchObject) -> bool:
    return there.sha256 == made.sha256 and there.ref == made.ref
