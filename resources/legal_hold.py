"""Days that never expire, whatever the settings say about how long days are kept."""

from __future__ import annotations

from dataclasses import dataclass

from touchline.day import Day

EVERY_DAY = "all"


@dataclass(frozen=True)
class LegalHold:
    """`spans` are first and last day, both held. Without any, nothing is held."""

    spans: tuple[tuple[Day, Day], ...] = ()
    everything: bool = False

    @classmethod
    def parse(cls, text: str) -> LegalHold:
        """From `all`, or days and ranges like `2025-05-28,2025-06-01..2025-06-30`. Raises
        ValueError, since a hold that is misread is no hold."""
        spans, everything = [], False
        for part in (part.strip() for part in text.split(",") if part.strip()):
            if part == EVERY_DAY:
                everything = True
                continue
            first, _, last = (each.strip() for each in part.partition(".."))
            span = Day.parse(first), Day.parse(last if ".." in part else first)
            if span[0] > span[1]:
                raise ValueError(f"{part!r} ends before it begins")
            spans.append(span)
        return cls(tuple(spans), everything)

    def covers(self, day: Day) -> bool:
        return self.everything or any(first <= day <= last for first, last in self.spans)
