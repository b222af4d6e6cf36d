"""Which subject of a feed, such as a match, somebody means: its id, or a part of its name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from resources.expired_days import DayExpired
from resources.known_days import known_days
from resources.site import Site
from resources.store import NotFound
from touchline.day import Day
from touchline.errors import Ambiguous, Unreadable

SHOWN = 20


@dataclass
class Named:
    """A subject and what it was called on which days; no name where nobody knows one."""

    id: str
    names: dict[str, None] = field(default_factory=dict)
    """Such as `Northfield vs Southport`, in the order in which they came."""
    days: dict[Day, None] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        return next(reversed(self.names), None)

    @property
    def said(self) -> str:
        return f"{self.name}, {', '.join(map(str, self.days))}"


def subject_meant(
    site: Site, asked: str, day: Day | None, progress: Callable[[str], None]
) -> Named:
    """The subject with this id, else the one whose name has this part, case and accents aside; on
    one day, or any. One that nobody knows has neither name nor days: it may have been set aside
    before its name was known, or be of a feed that brings no names, and be found by its id.

    Raises Ambiguous, StoreError, LedgerUnavailable.
    """
    known: dict[str, Named] = {}
    for plan in site.plans.values():
        if plan.names is None:
            continue
        for each in known_days(site, plan.name) if day is None else [day]:
            progress(f"reading the names of {each}")
            try:
                for subject, name in plan.names(site, each):
                    named = known.setdefault(subject, Named(subject))
                    named.names[name] = None
                    named.days[each] = None
            except (NotFound, Unreadable, DayExpired) as error:
                progress(f"the names of {each} cannot be read: {error}")
    if asked in known:
        return known[asked]
    found = _fitting(known, asked)
    if len(found) > 1:
        more = f" (the {SHOWN} newest are shown)" if len(found) > SHOWN else ""
        raise Ambiguous(
            f"{asked!r} fits {len(found)} matches{more}: say which by its id",
            {each.id: each.said for each in found[:SHOWN]},
        )
    return found[0] if found else Named(asked)


def folded(text: str) -> str:
    """The text without case, accents and repeated white space: `ATLÉTICO  Madrid` and
    `atletico madrid` are one."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def _fitting(known: Mapping[str, Named], asked: str) -> list[Named]:
    """The newest first."""
    part = folded(asked)
    fitting = [each for each in known.values() if any(part in folded(name) for name in each.names)]
    return sorted(fitting, key=lambda each: [*each.days][-1], reverse=True) if part else []
