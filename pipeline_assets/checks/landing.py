"""landed_matches_claimed: what the ledger says was claimed against what the store shows.

Three tiers are one day: fetch objects, windows and the sealed day. What counts for a fetch is the
place where a reader finds it, and its claim is compared with that.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.expired import expired_matches_claimed
from pipeline_assets.checks.reading import Reading, reading_of
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.checks.specs import Asset
from resources.day_index import DayIndex, Place
from resources.day_store import DayStore
from resources.fetch_object import FetchObject, UnreadableObject
from resources.ledger import Claim, ClaimRow, FetchRow, Standing, WindowRow, Witness
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound, ObjectInfo
from touchline.accounting import FetchFate
from touchline.day import ONE_MINUTE, Day, FetchNumber, Window, new_york_text, utc_text
from touchline.errors import Bad, Unreadable
from touchline.stage import RawAsset, Stage
from touchline.watch import STALE_FOR, WINDOW_OVERDUE

WINDOW_TAKES = timedelta(minutes=10)
"""So long after it was announced a window may be on its way."""


def landed_matches_claimed(books: DayBooks, report: CheckReport) -> None:
    """Every claim's object is there, is the one confirmed, and holds what the claim says; and a
    stage has a claim of every fetch that landed."""
    _Comparison(books, report).run()


@dataclass
class _Comparison:
    books: DayBooks
    report: CheckReport
    trusted: set[FetchNumber] = field(default_factory=set)
    """Windows, by their first number, that were read back since they last changed."""
    spoken_for: set[FetchNumber] = field(default_factory=set)
    """Fetches of which everything was said together with the window or day that holds them."""
    readings: dict[FetchNumber, Reading] = field(default_factory=dict)
    """What was read back, of the objects that were confirmed."""
    contradicted: set[FetchNumber] = field(default_factory=set)
    """Of those, what other checks find something in: it is read again until it is put right."""

    @property
    def site(self) -> Site:
        return self.books.site

    @property
    def asset(self) -> Asset:
        return self.books.asset

    @property
    def day(self) -> Day:
        return self.books.day

    @property
    def days(self) -> DayStore:
        return self.books.days

    def run(self) -> None:
        report, ledger = self.report, self.site.ledger
        claims, expired = self.books.claims, self.books.expired
        index = self.books.index.copy()
        report.recorded = sum(row.emitted or 0 for row in claims.values())
        report.landed = 0
        if expired is not None:
            self.spoken_for |= expired.numbers
            expired_matches_claimed(expired, claims, ledger, report)
        for first, listed in sorted(index.windows.items()):
            self._window(first, listed, self.books.windows.get(listed.key), index)
        self._sealed(index)
        numbers = index.numbers
        gone = expired.numbers if expired else frozenset[FetchNumber]()
        report.fetches_present = len(numbers | gone)
        if isinstance(self.asset, Stage):
            if self.asset.takes_fetches:
                self._never_taken({*claims, *numbers, *gone})
            else:
                self._stale()
        read_well: dict[FetchNumber, str] = {}
        self._trusted_windows(claims, index)
        given = max((n for n, row in claims.items() if row.holds_records), default=None)
        for number in sorted({*claims, *numbers} - self.spoken_for):
            row, place = claims.get(number), index.place(number)
            if place is None:
                if not self.books.is_gone:
                    self._absent(number)
            elif row is None or not row.has_landed:
                self._unclaimed(number, place)
            elif place.etag == row.etag and self._is_let_go(place):
                report.landed += row.emitted or 0
                if number == given:
                    detail = (
                        "readers are given this version, and the day is sealed without its rows"
                    )
                    report.found(Kind.REAL_LOSS, number, row.emitted, detail)
            elif place.etag == row.etag == row.verified_etag and self._may_trust(place):
                report.landed += row.emitted or 0
            else:
                found_before = len(report.findings)
                count = self._read_back(place)
                report.landed += count
                if len(report.findings) > found_before:
                    continue
                if count != row.emitted:
                    # The row's own tally, which is compared wherever a claim is not opened.
                    differs = None if row.emitted is None else abs(count - row.emitted)
                    detail = (
                        f"tallied as {row.emitted} records, and claimed and landed were {count}"
                    )
                    report.found(Kind.COUNT_DIFFERS, number, differs, detail)
                elif number not in self.contradicted:
                    read_well[number] = place.etag
        ledger.mark_verified(self.asset.name, self.day, read_well)
        if expired is None and self.books.index.seal is None:
            self._overdue(index)
        self._alone([row for n, row in claims.items() if n in numbers])
        self.books.readings = self.readings

    def _alone(self, standings: list[Standing]) -> None:
        """A claim that was read from its own object says nothing about it."""
        alone = [row for row in standings if row.rebuilt == Witness.NOBODY]
        if alone:
            first, records = alone[0].number, sum(row.emitted or 0 for row in alone)
            detail = (
                f"the claims of {len(alone)} fetches, the first {first}, were made anew from their "
                "own objects, and nobody else vouches for these"
            )
            self.report.found(Kind.UNCHECKED, first if len(alone) == 1 else None, records, detail)

    # --- windows ---------------------------------------------------------------------------------

    def _window(
        self, first: FetchNumber, listed: ObjectInfo, row: WindowRow | None, index: DayIndex
    ) -> None:
        """Whether this window may be trusted; what is wrong with it concerns all it holds."""
        if row and row.is_verified and row.etag == listed.etag and not self.report.deep:
            self.trusted.add(first)
            return
        announced = {FetchNumber(held.number) for held in row.held} if row else set()
        records = sum(held.account.emitted for held in row.held) if row else None
        try:
            self.days.forget_window(self.asset.name)
            self.days.window(self.asset.name, listed)
        except (UnreadableObject, NotFound) as error:
            self.report.found(Kind.DAMAGED, first, records, str(error), listed.key)
            self.spoken_for |= announced - index.singles.keys()
            del index.windows[first]
            return
        if row is None:
            detail = f"{listed.key} is there without a claim"
            self.report.found(Kind.TRACKING_ERROR, first, None, detail, listed.key)
        elif row.etag is not None and row.etag != listed.etag:
            detail = f"{listed.key} is not the window that was confirmed"
            self.report.found(Kind.OVERWRITTEN, first, records, detail, listed.key)
        elif row.etag is None and self.site.clock.now() >= row.updated_at + WINDOW_TAKES:
            detail = f"{listed.key} was announced and never compared with what it was made of"
            self.report.found(Kind.NOT_LANDED, first, records, detail, listed.key)

    def _trusted_windows(self, claims: Mapping[FetchNumber, Standing], index: DayIndex) -> None:
        """Nearly all of a day: fetches in windows that may be trusted, each of which is the one
        that was claimed and has no other beside it."""
        landed = 0
        for first in self.trusted:
            for number, etag in index.etags(first).items():
                row = claims.get(number)
                if row is None or number in index.singles or number in index.sealed:
                    continue
                if row.etag == etag == row.verified_etag and number not in self.spoken_for:
                    landed += row.emitted or 0
                    self.spoken_for.add(number)
        self.report.landed = (self.report.landed or 0) + landed

    def _may_trust(self, place: Place) -> bool:
        if self.report.deep:
            return False
        if place.is_single or place.listed is None:
            return True
        return Window.of(self.day, place.number).first in self.trusted

    def _overdue(self, index: DayIndex) -> None:
        """Sound fetch objects that should have gone into a window by now."""
        if not self.books.raw.schedule.every_minute:
            return
        now = self.site.clock.now()
        sound = index.singles.keys() - {found.fetch_number for found in self.report.findings}
        for first in sorted({Window.of(self.day, number).first for number in sound}):
            window = Window(self.day, first)
            if first in index.windows or now < window.end + WINDOW_OVERDUE:
                continue
            singles = [number for number in sound if number in window]
            claims = self.site.ledger.claims_of(self.asset.name, self.day, singles).values()
            landed = [row.landed_at for row in claims if row.landed_at]
            since = max([window.end, *landed])
            overdue = since + WINDOW_OVERDUE
            if now < overdue + self._nobody_ran(since) or not self._was_watched(overdue):
                continue
            detail = (
                f"nothing is lost: the ten-minute window {window}, due by "
                f"{new_york_text(overdue)}, is late, and its {len(singles)} fetches stand as "
                "objects of their own"
            )
            key = self.days.keys(self.asset.name).window(window)
            self.report.found(Kind.WINDOW_OVERDUE, first, None, detail, key)

    def _nobody_ran(self, since: datetime) -> timedelta:
        """How long from then on nothing ran that could have stored it: the minutes that are missed,
        of this day and, once it has ended, of the next."""
        books = self.books
        missed = sum(
            fate is FetchFate.MISSED and books.raw.slot(self.day, number).at >= since
            for number, fate in books.fates.items()
        )
        if self.site.clock.now() >= self.day.end:
            after = self.site.ledger.fates(books.raw.name, self.day.shifted(1)).values()
            missed += sum(fate is FetchFate.MISSED for fate in after)
        return missed * ONE_MINUTE

    def _was_watched(self, at: datetime) -> bool:
        """Whether anybody was there to store it: after `down`, the next `up` does."""
        until = at + timedelta(seconds=1)
        return bool(self.site.ledger.intervals(self.books.plan.name, at, until))

    # --- the sealed day --------------------------------------------------------------------------

    def _sealed(self, index: DayIndex) -> None:
        """Whether the objects of the sealed day are those that were compared when it was sealed. A
        deep check reads all of it; what is wrong with it concerns the whole day."""
        if index.seal is None:
            return
        # Only a sealed day pays for the lake.

        mark = self.days.keys(self.asset.name).seal(self.day, index.seal)
        report, row = self.report, self.site.ledger.seal(self.asset.name, self.day)
        if row is None or row.number != index.seal:
            known = f"the ledger knows of {row.number}" if row else "the ledger knows of none"
            detail = f"the day is sealed with manifest {index.seal}, and {known}"
            report.found(Kind.TRACKING_ERROR, None, None, detail)
        before = len(report.findings)
        told = row is not None and row.number == index.seal
        emitted = row and row.emitted
        for key, etag in row.files.items() if row and told else ():
            try:
                if self.site.store.head(key).etag != etag:
                    detail = f"{key} is not the object that was sealed"
                    report.found(Kind.OVERWRITTEN, None, emitted, detail, key)
            except NotFound:
                detail = f"{key} was sealed and is not in the store"
                report.found(Kind.REAL_LOSS, None, emitted, detail, key)
        is_whole = len(report.findings) == before
        try:
            held = index.sealed.keys()
        except (NotFound, Bad) as error:
            # What it held is not known any more: of all that it may have held this speaks.
            if row and told and is_whole:
                report.found(Kind.DAMAGED, None, row.emitted, str(error), mark)
            index.seal = None
            self.spoken_for |= self.books.claims.keys() - index.numbers
            return
        if not is_whole:
            self.spoken_for |= held - index.singles.keys()
        elif told and report.deep:
            self._read_sealed(index, mark)

    def _read_sealed(self, index: DayIndex, mark: str) -> None:
        places = {
            p.number: p
            for p in index.places()
            if p.held is not None and p.listed is None and not self._is_let_go(p)
        }
        held = [place.held for place in places.values() if place.held]
        claims = self.site.ledger.claims(self.asset.name, self.day)
        try:
            for found in self.days.sealed_days.fetches(self.asset.name, self.day, held):
                place = places.pop(found.ref.number)
                row = claims.get(found.ref.number)
                if row is None or row.landed is None:
                    continue
                self.spoken_for.add(place.number)
                count = self._compare(place, row, row.landed, found)
                self.report.landed = (self.report.landed or 0) + count
        except UnreadableObject as error:
            first = next(iter(places), None)
            self.report.found(Kind.DAMAGED, first, None, str(error), mark)
            self.spoken_for |= places.keys()

    # --- fetches ---------------------------------------------------------------------------------

    def _never_taken(self, taken: set[FetchNumber]) -> None:
        """A stage takes every fetch that landed; one of which it knows nothing was left behind."""
        report, raw, landed = self.report, self.books.raw.name, self.books.landed
        owed = self.books.owed(landed)
        report.fetches_expected = len(owed | (landed & taken))
        if left_out := len(landed - owed - taken):
            report.details["fetches_before_it_was_added"] = left_out
        for number in sorted(self.books.owed(self.books.died) - taken):
            detail = "its run failed before there was a fetch to take through this stage"
            report.found(Kind.NOT_LANDED, number, None, detail)
        missing = sorted(owed - taken - self.spoken_for)
        if not missing:
            return
        rows = self.site.ledger.fetches(raw, self.day, missing[0], missing[-1])
        now = self.site.clock.now()
        left = [number for number in missing if not self._is_under_way(rows[number], now)]
        if left and not taken:
            detail = (
                f"none of the {len(left)} fetches of this day was ever taken through this stage"
            )
            report.found(Kind.NOT_LANDED, None, None, detail)
            return
        for number in left:
            report.found(
                Kind.NOT_LANDED, number, None, "landed, and never taken through this stage"
            )

    def _is_under_way(self, row: FetchRow, now: datetime) -> bool:
        """Whether the run that landed this fetch may still take it further."""
        if now >= row.updated_at + self.books.raw.patience.max_runtime:
            return False
        return row.run_id is None or not self.site.ledger.has_failed(row.run_id)

    def _stale(self) -> None:
        """The newest version of the day was made of earlier days that have changed since. A deep
        check reads in the version itself what it was made of."""
        ledger, now = self.site.ledger, self.site.clock.now()
        waiting = ledger.stale(self.books.plan.name, self.day)
        stale = next((each for each in waiting if each.asset == self.asset.name), None)
        if stale is not None:
            if now >= stale.since + STALE_FOR:
                since = utc_text(stale.since)
                detail = f"it waits to be made again since {since}: {stale.because}"
                self.report.found(Kind.NOT_LANDED, None, None, detail)
        elif self.report.deep and isinstance(self.asset, Stage) and self.books.claims:
            newest = max(self.books.claims)
            with suppress(NotFound, Unreadable):  # Said where each object is read back.
                found = self.days.read_back(self.asset.name, self.day, newest)
                for because in ledger.outdated(decode_stage(self.asset, found.body).reads):
                    detail = f"it was made before that, and nobody was told: {because}"
                    self.report.found(Kind.TRACKING_ERROR, newest, None, detail)
        elif not self.books.claims and self.books.expired is None:
            self._never_made()

    def _never_made(self) -> None:
        """The first run of a day that is watched makes its first version."""
        raw, now = self.books.raw, self.site.clock.now()
        owed = self.books.owed(self.books.landed)
        if not owed or not self.site.ledger.expected(raw, self.day, raw.ends(self.day)):
            return
        rows = self.site.ledger.fetches(raw.name, self.day, min(owed), max(owed))
        if not all(self._is_under_way(rows[number], now) for number in owed):
            detail = "the day was fetched, and nothing was made of the days before it"
            self.report.found(Kind.NOT_LANDED, None, None, detail)

    def _is_let_go(self, place: Place) -> bool:
        """Whether the day is sealed with a later version alone."""
        if isinstance(self.asset, RawAsset) or not self.asset.holds_days:
            return False
        return place.held is not None and not place.held.is_kept

    def _absent(self, number: FetchNumber) -> None:
        row = self._claim(number)
        if row.landed is not None:
            self.report.found(
                Kind.REAL_LOSS,
                number,
                row.landed.account.emitted,
                f"{row.landed.key} was confirmed and is not in the store, nor in a window",
            )
        elif not self._is_in_flight(row):
            claimed = row.pending.account.emitted if row.pending else None
            detail = row.last_error or "claimed, and never stored"
            self.report.found(Kind.NOT_LANDED, number, claimed, detail)

    def _unclaimed(self, number: FetchNumber, place: Place) -> None:
        row = self.site.ledger.claim(self.asset.name, self.day, number)
        if row is not None and row.pending and self._is_in_flight(row):
            return
        try:
            found = self.days.read_place(self.asset.name, self.day, place)
            records = reading_of(self.asset, found).count
        except (NotFound, ValueError):
            records = None
        self.report.landed = (self.report.landed or 0) + (records or 0)
        self.report.found(
            Kind.TRACKING_ERROR, number, records, f"{_name(place)} is there without a claim"
        )

    def _read_back(self, place: Place) -> int:
        """How many records the object really holds, whatever is wrong with it; 0 where it cannot be
        read."""
        report, number = self.report, place.number
        row = self._claim(number)
        claim = row.landed
        assert claim is not None
        try:
            found = self.days.read_place(self.asset.name, self.day, place)
        except NotFound:
            report.found(Kind.REAL_LOSS, number, claim.account.emitted, f"{_name(place)} has gone")
            return 0
        except UnreadableObject as error:
            report.found(Kind.DAMAGED, number, claim.account.emitted, str(error))
            return 0
        return self._compare(place, row, claim, found)

    def _compare(self, place: Place, row: ClaimRow, claim: Claim, found: FetchObject) -> int:
        report, number = self.report, place.number
        try:
            reading = reading_of(self.asset, found)
        except Unreadable as error:
            report.found(Kind.DAMAGED, number, claim.account.emitted, str(error))
            return 0
        count = reading.count
        if place.etag == row.etag:
            self.readings[number] = reading
        if not reading.agrees_with(claim):
            self.contradicted.add(number)
        if place.etag != row.etag and not (row.pending and row.pending.sha256 == found.sha256):
            if not place.is_single:
                detail = f"{claim.key} has gone; {_name(place)} holds one of before"
                report.found(Kind.REAL_LOSS, number, claim.account.emitted, detail)
                return count
            detail = f"{_name(place)} is not the object that was confirmed"
            report.found(Kind.OVERWRITTEN, number, count, detail)
        if found.sha256 == claim.sha256 or place.etag == row.etag:
            if count != claim.account.emitted:
                detail = f"claimed {claim.account.emitted} records, {_name(place)} holds {count}"
                differs = count - claim.account.emitted
                report.found(
                    Kind.COUNT_DIFFERS, number, abs(differs), detail, falls_short=differs < 0
                )
            elif reading.digest != claim.digest:
                detail = f"{_name(place)} holds {count} records, but not those that were claimed"
                report.found(Kind.DIGEST_DIFFERS, number, count, detail)
        return count

    def _claim(self, number: FetchNumber) -> ClaimRow:
        row = self.site.ledger.claim(self.asset.name, self.day, number)
        assert row is not None
        return row

    def _is_in_flight(self, row: ClaimRow) -> bool:
        if self.site.clock.now() >= row.updated_at + self.books.raw.patience.max_runtime:
            return False
        return row.pending is None or not self.site.ledger.has_failed(row.pending.run_id)


def _name(place: Place) -> str:
    if place.listed is not None:
        return place.listed.key
    return f"the sealed day's fetch {place.number}"
