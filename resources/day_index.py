"""What of an asset's day stands where: in objects of their own, in windows, in the sealed day.

Whatever holds many fetches says of each which object it was taken from, by ETag. A fetch object
beside it with another ETag is newer - a late capture, a placeholder that came good, a rebuild - and
counts instead; one with the same ETag has only not been removed yet. So nothing is read twice, and
nothing is missed, at whatever moment the day is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from resources.day_layout import first_of_window, number_of, seal_of
from resources.manifest import Held
from resources.object_store import Listed
from touchline.day import WINDOW_MINUTES, FetchNumber

HeldOf = Callable[[Listed], Iterable[Held]]
SealedOf = Callable[[int], Iterable[Held]]


@dataclass(frozen=True)
class Place:
    """Where one fetch is to be read. `held` is None in an object of its own, and `listed` is None
    in the sealed day."""

    number: FetchNumber
    listed: Listed | None
    held: Held | None

    @property
    def etag(self) -> str:
        """Of the fetch object that was landed, whatever holds it now."""
        if self.held is not None:
            return self.held.etag
        assert self.listed is not None
        return self.listed.etag

    @property
    def container(self) -> str:
        """The same for fetches that are read together."""
        if self.listed is not None and self.held is not None:
            return self.listed.key
        return "sealed" if self.listed is None else f"{self.number}"


@dataclass
class DayIndex:
    """One listing of an asset's day. `held_of` says what a window holds, `sealed_of` what the
    sealed day with this manifest does; they are asked only when it matters."""

    singles: dict[FetchNumber, Listed]
    windows: dict[FetchNumber, Listed]
    seal: int | None
    """The number of the manifest with which the day was sealed."""
    held_of: HeldOf
    sealed_of: SealedOf
    _held: dict[FetchNumber, dict[FetchNumber, Held]] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[Listed], held_of: HeldOf, sealed_of: SealedOf) -> DayIndex:
        index = cls({}, {}, None, held_of, sealed_of)
        for item in listed:
            if (number := number_of(item.key)) is not None:
                index.singles[number] = item
            elif (first := first_of_window(item.key)) is not None:
                index.windows[first] = item
            elif (seal := seal_of(item.key)) is not None:
                index.seal = max(seal, index.seal or 0)
        return index

    @cached_property
    def sealed(self) -> dict[FetchNumber, Held]:
        """What the sealed day holds; nothing where there is none."""
        if self.seal is None:
            return {}
        return {FetchNumber(each.number): each for each in self.sealed_of(self.seal)}

    def held(self, first: FetchNumber) -> dict[FetchNumber, Held]:
        """What the window that begins with this number holds; nothing where there is none."""
        if first not in self.windows:
            return {}
        if first not in self._held:
            within = range(first, first + WINDOW_MINUTES)
            held = (each for each in self.held_of(self.windows[first]) if each.number in within)
            self._held[first] = {FetchNumber(each.number): each for each in held}
        return self._held[first]

    def place(self, number: FetchNumber) -> Place | None:
        """Where this fetch is to be read; None where the store does not have it."""
        first = FetchNumber((number - 1) // WINDOW_MINUTES * WINDOW_MINUTES + 1)
        held, listed = self.sealed.get(number), None
        if held is None and (held := self.held(first).get(number)) is not None:
            listed = self.windows[first]
        single = self.singles.get(number)
        if single is not None and (held is None or held.etag != single.etag):
            return Place(number, single, None)
        return None if held is None else Place(number, listed, held)

    @property
    def numbers(self) -> frozenset[FetchNumber]:
        held = (number for first in self.windows for number in self.held(first))
        return frozenset(self.singles) | frozenset(self.sealed) | frozenset(held)

    def places(self) -> Iterator[Place]:
        """Every fetch in order."""
        for number in sorted(self.numbers):
            place = self.place(number)
            assert place is not None
            yield place

    def add(self, number: FetchNumber, listed: Listed) -> None:
        """A fetch object that has landed since the day was listed."""
        self.singles[number] = listed
