"""What of an asset's day stands where: in objects of their own, in windows, in the sealed day.

Whatever holds many fetches says of each which object it was taken from, by ETag. A fetch object
beside it with another ETag is newer - a late capture, a placeholder that came good, a rebuild - and
counts instead; one with the same ETag has only not been removed yet. So nothing is read twice, and
nothing is missed, at whatever moment the day is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from resources.day_layout import first_of_window, number_of, seal_of
from resources.manifest import Held
from resources.store import ObjectInfo
from touchline.day import WINDOW_MINUTES, FetchNumber

EtagsOf = Callable[[ObjectInfo], Mapping[FetchNumber, str]]
HeldOf = Callable[[ObjectInfo], Iterable[Held]]
SealedOf = Callable[[int], Iterable[Held]]


@dataclass(frozen=True)
class Place:
    """Where one fetch is to be read. `listed` is None in the sealed day; `etag` is that of the
    fetch object that was landed, whatever holds it now."""

    number: FetchNumber
    listed: ObjectInfo | None
    etag: str
    held_by: Callable[[FetchNumber], Held] | None = None
    """What the window or sealed day says of it; None in an object of its own."""

    @property
    def is_single(self) -> bool:
        return self.held_by is None

    @property
    def held(self) -> Held | None:
        return self.held_by and self.held_by(self.number)

    @property
    def container(self) -> str:
        """The same for fetches that are read together."""
        if self.listed is not None and not self.is_single:
            return self.listed.key
        return "sealed" if self.listed is None else f"{self.number}"


@dataclass
class DayIndex:
    """One listing of an asset's day. `etags_of` says which fetch objects a window holds, `held_of`
    all of it, `sealed_of` what the sealed day with this manifest does; they are asked only when it
    matters."""

    singles: dict[FetchNumber, ObjectInfo]
    windows: dict[FetchNumber, ObjectInfo]
    seal: int | None
    """The number of the manifest with which the day was sealed."""
    etags_of: EtagsOf
    held_of: HeldOf
    sealed_of: SealedOf
    _etags: dict[FetchNumber, dict[FetchNumber, str]] = field(default_factory=dict)
    _sealed: dict[FetchNumber, Held] | None = None

    @classmethod
    def of(
        cls,
        listed: Iterable[ObjectInfo],
        etags_of: EtagsOf,
        held_of: HeldOf,
        sealed_of: SealedOf,
    ) -> DayIndex:
        index = cls({}, {}, None, etags_of, held_of, sealed_of)
        for item in listed:
            if (number := number_of(item.key)) is not None:
                index.singles[number] = item
            elif (first := first_of_window(item.key)) is not None:
                index.windows[first] = item
            elif (seal := seal_of(item.key)) is not None:
                index.seal = max(seal, index.seal or 0)
        return index

    @property
    def sealed(self) -> dict[FetchNumber, Held]:
        """What the sealed day holds; nothing where there is none."""
        if self.seal is None:
            return {}
        # Not a cached_property: Python 3.11's holds one lock for all instances while it works.
        if self._sealed is None:
            held = self.sealed_of(self.seal)
            self._sealed = {FetchNumber(each.number): each for each in held}
        return self._sealed

    def copy(self) -> DayIndex:
        """One to leave something out of."""
        return replace(self, singles=dict(self.singles), windows=dict(self.windows))

    def etags(self, first: FetchNumber) -> Mapping[FetchNumber, str]:
        """Of the fetch objects that the window which begins with this number holds; nothing where
        there is none."""
        if first not in self.windows:
            return {}
        if first not in self._etags:
            within = range(first, first + WINDOW_MINUTES)
            held = self.etags_of(self.windows[first])
            self._etags[first] = {number: held[number] for number in held if number in within}
        return self._etags[first]

    def _held(self, number: FetchNumber) -> Held:
        """What its window says of a fetch that it holds."""
        window = self.windows[_first(number)]
        return next(each for each in self.held_of(window) if each.number == number)

    def place(self, number: FetchNumber) -> Place | None:
        """Where this fetch is to be read; None where the store does not have it."""
        sealed = self.sealed.get(number)
        etag = sealed.etag if sealed else self.etags(_first(number)).get(number)
        single = self.singles.get(number)
        if single is not None and (single.etag != etag or (sealed and not sealed.is_kept)):
            return Place(number, single, single.etag)
        if etag is None:
            return None
        if sealed is not None:
            return Place(number, None, etag, self.sealed.__getitem__)
        return Place(number, self.windows[_first(number)], etag, self._held)

    @property
    def numbers(self) -> frozenset[FetchNumber]:
        return frozenset(self.singles).union(self.sealed, *map(self.etags, self.windows))

    def places(self) -> Iterator[Place]:
        """Every fetch in order."""
        for number in sorted(self.numbers):
            place = self.place(number)
            assert place is not None
            yield place

    def add(self, number: FetchNumber, listed: ObjectInfo) -> None:
        """A fetch object that has landed since the day was listed."""
        self.singles[number] = listed


def _first(number: FetchNumber) -> FetchNumber:
    """The first number of the window that this one belongs to."""
    return FetchNumber((number - 1) // WINDOW_MINUTES * WINDOW_MINUTES + 1)
