"""A ledger made anew from the store, where it was lost or is older than the store.

Claims are read from what the store says of each fetch: objects, windows, manifests. So they cannot
vouch for the objects they were read from, and each says who else does: Dagster's materializations,
or what other stages made of those very bytes. What is gone from both books is named where Dagster
or another stage speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pipeline_assets.attempts import Attempt
from pipeline_assets.statements import Statements
from resources.day_index import DayIndex, Place
from resources.day_store import DayStore
from resources.expired_days import expired_days, read_expiry, tier_of
from resources.fetch_object import FetchObject, UnreadableObject
from resources.lake import read_day
from resources.lake.errors import LakeError
from resources.ledger import NO_OBJECT, Claim, RebuiltClaim, Witness
from resources.raw_window import RawWindow, UnreadableWindow
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import NotFound, ObjectInfo
from resources.watch_record import MissedSlots, Watched
from touchline.accounting import Outcome, sha256_hex
from touchline.day import ONE_MINUTE, Day, FetchNumber, parse_instant
from touchline.delivery import match_alerts
from touchline.errors import Unreadable
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.retries import Refetch
from touchline.stage import Stage

REBUILD = "ledger-rebuild"
"""The run id of claims that were read from the store."""

Refs = dict[FetchNumber, tuple[FetchRef, Outcome | None, str | None]]
"""Of what landed: which fetch, its outcome, and its reason where it has one."""


@dataclass
class Rebuilt:
    """What one rebuild of an asset's day added. `gone` are fetches of which only Dagster knows."""

    asset: str
    day: Day
    claims: int = 0
    alone: int = 0
    """Those of the claims for which nobody else vouches."""
    windows: int = 0
    sealed: bool = False
    gone: list[FetchNumber] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def rebuild_watch(site: Site, feed: str, watched: Watched) -> int:
    """Add the watch intervals of a feed, and the plans of its days; return how many intervals were
    added or closed. Raises LedgerUnavailable."""
    for (raw, day), plans in watched.plans.items():
        site.ledger.rebuild_plans(raw, day, plans.read())
    return sum(
        site.ledger.rebuild_interval(
            feed,
            parse_instant(each.opened),
            None if each.closed is None else parse_instant(each.closed),
            each.origin,
        )
        for each in watched.intervals
    )


def rebuild_expiries(site: Site, feed: str) -> int:
    """What was removed on purpose; how many days of an asset were added. Raises StoreError,
    LedgerUnavailable."""
    added = 0
    for asset, day in expired_days(site.store, feed):
        if tier_of(site.keys(asset)) in site.ledger.expiries(asset, day):
            continue
        if record := read_expiry(site.store, asset, day):
            site.ledger.expired(asset, day, record.tier, record.reason, record.instant)
            added += 1
    return added


def rebuild_day(
    site: Site, plan: FeedPlan, day: Day, said: Statements, missed: Mapping[str, MissedSlots]
) -> list[Rebuilt]:
    """Every row about a day that the ledger does not have, in the order of the chain. What cannot
    be read is a finding. Raises StoreError, LedgerUnavailable."""
    return _Day(site, plan, day, said).rebuild(missed)


@dataclass
class _Day:
    site: Site
    plan: FeedPlan
    day: Day
    said: Statements
    found: dict[str, _Found] = field(default_factory=dict)

    def rebuild(self, missed: Mapping[str, MissedSlots]) -> list[Rebuilt]:
        days = self.site.days(self.plan.name)
        for asset in self.plan.assets:
            self.found[asset.name] = _Found(days, asset.name, self.day)
        vouched = self._vouched()
        for name, found in self.found.items():
            is_gone = tier_of(self.site.keys(name)) in self.site.ledger.expiries(name, self.day)
            said = {} if is_gone else self.said.get(name, {})
            claims = [
                found.claim(number, said.get(number), number in vouched[name])
                for number in sorted({*found.fetches, *said})
            ]
            added = self.site.ledger.rebuild_claims(name, self.day, claims)
            found.report.claims = len(added)
            found.report.alone = sum(each.witness is Witness.NOBODY for each in added)
            found.adopt(self.site.clock.now())
        for stage in self.plan.stages:
            if stage.tells_people:
                self._alerts(stage)
            if not stage.takes_fetches:
                self._reads(stage)
        for raw in self.plan.raws:
            self._fates(raw.name, missed.get(raw.name))
            if raw.refetch:
                self._attempts(raw.name, raw.refetch)
        return [found.report for found in self.found.values()]

    def _vouched(self) -> dict[str, set[FetchNumber]]:
        """By asset, the fetches of which other stages made something that names their bytes."""
        vouched: dict[str, set[FetchNumber]] = {name: set() for name in self.found}
        for stage in self.plan.stages:
            there = {name: self.found[name].fetches for name in stage.inputs_of_its_day}
            for number, made in self.found[stage.name].fetches.items():
                inputs = stage.made_of(number, there)
                if any(each not in there[name] for name, each in inputs):
                    continue
                upstream = "".join(there[name][each].sha256 for name, each in inputs)
                if made.upstream_sha256 == sha256_hex(upstream.encode()):
                    for name, each in inputs:
                        vouched[name].add(each)
        return vouched

    def _alerts(self, stage: Stage[Any]) -> None:
        """That a match was told of is not in the store: its rule must not tell of it again, and
        nobody knows whether somebody heard of it."""
        found = self.found[stage.name]
        for number, made in found.fetches.items():
            if not made.account.emitted:
                continue
            try:
                body = found.days.read_place(stage.name, self.day, found.places[number]).body
                alerts = decode_stage(stage, body).records
            except (NotFound, Unreadable) as error:
                found.report.findings.append(f"the alerts of fetch {number}: {error}")
                continue
            posted = match_alerts(stage, made.ref, alerts, self.plan.subject, is_news=False)
            self.site.ledger.post(posted, self.site.clock.now())

    def _reads(self, stage: Stage[Any]) -> None:
        """Record what the newest version was made of. The day is stale if that has changed."""
        found = self.found[stage.name]
        if not found.places:
            return
        try:
            body = found.days.read_place(stage.name, self.day, max(found.places.items())[1]).body
            reads = decode_stage(stage, body).reads
        except (NotFound, Unreadable) as error:
            found.report.findings.append(f"what its newest version was made of: {error}")
        else:
            self.site.ledger.reads(stage.name, self.day, reads, self.site.clock.now())

    def _fates(self, raw: str, missed: MissedSlots | None) -> None:
        """A slot of which any asset has a fetch was fetched, also where the raw one is gone."""
        landed: Refs = {}
        stages = self.plan.stages_of(self.plan.raw_of(raw))
        for name in (*(stage.name for stage in stages if stage.takes_fetches), raw):
            for number, claim in self.said.get(name, {}).items():
                landed[number] = claim.ref, claim.outcome if name == raw else None, None
            for number, made in self.found[name].fetches.items():
                if name == raw:
                    landed[number] = made.ref, made.outcome, self._reason(made)
                else:
                    landed[number] = made.ref, None, None
        named = missed.minutes if missed else {}
        self.site.ledger.rebuild_fates(
            raw,
            self.day,
            landed,
            {FetchNumber(n): (each.reason, parse_instant(each.at)) for n, each in named.items()},
        )

    def _attempts(self, raw: str, refetch: Refetch) -> None:
        """Judge the fetches of a refetchable raw asset again, in the order of their slots. What was
        held and what was forced is not known any more."""
        found, ledger = self.found[raw], self.site.ledger
        known = {row.number for row in ledger.attempts(raw, self.day) if row.has_fetched}
        for number in sorted(found.places.keys() - known):
            try:
                made = found.days.read_place(raw, self.day, found.places[number])
            except (NotFound, Unreadable) as error:
                found.report.findings.append(f"the attempt of fetch {number}: {error}")
                continue
            slot, findings = made.ref.slot, found.report.findings
            Attempt(self.site, refetch, slot, REBUILD, findings).landed(made, slot.at)

    def _reason(self, made: FetchObject) -> str | None:
        """Why a fetch failed: its own bytes say it."""
        if made.outcome is not Outcome.FAILED:
            return None
        found = self.found[made.asset]
        try:
            fetch = found.days.read_place(made.asset, self.day, found.places[made.ref.number])
            return fetch.envelope().footer.get("reason")
        except (NotFound, Unreadable) as error:
            found.report.findings.append(f"the reason of fetch {made.ref.number}: {error}")
            return None


@dataclass
class _Found:
    """What the store shows of one asset's day when the ledger is believed nothing."""

    days: DayStore
    asset: str
    day: Day

    def __post_init__(self) -> None:
        self.report = Rebuilt(self.asset, self.day)
        self.index = self.days.index(self.asset, self.day, windows={})
        self.places: dict[FetchNumber, Place] = {}

    @cached_property
    def fetches(self) -> Mapping[FetchNumber, FetchObject]:
        """What each fetch's place says of it, without its bytes."""
        self._leave_out_what_cannot_be_read()
        found = {}
        for place in self.index.places():
            try:
                found[place.number] = self._said(place)
            except (NotFound, UnreadableObject) as error:
                self.report.findings.append(f"fetch {place.number}: {error}")
            else:
                self.places[place.number] = place
        return found

    def claim(self, number: FetchNumber, said: Claim | None, vouched: bool) -> RebuiltClaim:
        """What stands there, where somebody else vouches for it, or nobody speaks of it; else what
        Dagster says stood there, which is no more."""
        made = self.fetches.get(number)
        if made is None or (said is not None and said.sha256 != made.sha256 and not vouched):
            assert said is not None
            if number not in self.index.numbers:
                self.report.gone.append(number)
            landed_at = said.ref.at + ONE_MINUTE
            return RebuiltClaim(said, NO_OBJECT, None, landed_at, Witness.DAGSTER)
        place = self.places[number]
        if said is not None and said.sha256 == made.sha256:
            claim, witness = said, Witness.DAGSTER
        else:
            claim = made.claim(REBUILD)
            witness = Witness.DOWNSTREAM if vouched else Witness.NOBODY
        size = place.listed.size if place.listed and place.is_single else None
        return RebuiltClaim(claim, place.etag, size, self._landed_at(place, made), witness)

    def adopt(self, now: datetime) -> None:
        """Windows and the sealed day, read back."""
        ledger = self.days.claims.ledger
        known = ledger.windows(self.asset, self.day)
        for listed in self.index.windows.values():
            if listed.key in known:
                continue
            try:
                self._adopt_window(listed, now)
            except (NotFound, UnreadableObject) as error:
                self.report.findings.append(str(error))
        seal = ledger.seal(self.asset, self.day)
        if self.index.seal is not None and (seal is None or seal.number < self.index.seal):
            try:
                self._adopt_seal(self.index)
            except (NotFound, UnreadableObject, LakeError) as error:
                self.report.findings.append(f"the sealed day: {error}")

    # --- reading ---------------------------------------------------------------------------------

    def _leave_out_what_cannot_be_read(self) -> None:
        for first in list(self.index.windows):
            try:
                self.index.etags(first)
            except (NotFound, UnreadableObject) as error:
                self.report.findings.append(str(error))
                del self.index.windows[first]
        try:
            _ = self.index.sealed
        except (NotFound, UnreadableObject, LakeError) as error:
            self.report.findings.append(f"the sealed day: {error}")
            self.index.seal = None

    def _said(self, place: Place) -> FetchObject:
        feed = self.days.feed
        if place.held is not None:
            return FetchObject.held(self.asset, feed, place.held, b"")
        assert place.listed is not None
        return FetchObject.said(self.asset, feed, self.days.store.head(place.listed.key))

    def _landed_at(self, place: Place, made: FetchObject) -> datetime:
        """The same for every asset of a fetch: none is news to another. But what stands beside a
        sealed day came after it."""
        if place.is_single and place.listed is not None and self.index.seal is not None:
            return place.listed.last_modified
        return made.ref.at + ONE_MINUTE

    # --- windows and the sealed day --------------------------------------------------------------

    def _adopt_window(self, listed: ObjectInfo, now: datetime) -> None:
        window = self.days.window(self.asset, listed)
        try:
            if isinstance(window, RawWindow):
                for _ in window.envelopes():
                    pass  # Each is compared with its own digest as it is read.
            else:
                for held in window.held:
                    if window.digest(held.number) != held.digest:
                        raise UnreadableObject(f"{listed.key}: not the records of {held.number}")
        except UnreadableWindow as error:
            raise UnreadableObject(f"{listed.key}: {error}") from error
        ledger, stored_at = self.days.claims.ledger, min(listed.last_modified, now)
        sha256 = sha256_hex(self.days.store.get(listed.key).body)
        at = (self.asset, self.day, listed.key)
        ledger.intend_window(*at, sha256, window.held, stored_at)
        ledger.window_verified(*at, listed.etag, listed.size, stored_at)
        self.report.windows += 1

    def _adopt_seal(self, index: DayIndex) -> None:
        assert index.seal is not None
        held = index.sealed.values()
        self.days.claims.ledger.sealed(
            self.asset,
            self.day,
            number=index.seal,
            fetches=len(held),
            emitted=sum(each.account.emitted for each in held),
            files=dict(self._sealed_files(index.seal)),
            at=self.day.end,
        )
        self.report.sealed = True

    def _sealed_files(self, manifest: int) -> Iterator[tuple[str, str]]:
        """The objects that hold the sealed day, with their ETags; also one that is gone."""
        named = self.days.keys(self.asset)
        if named.is_raw:
            keys = [named.log(self.day), named.log_manifest(self.day, manifest)]
        else:
            sealed = read_day(self.days.sealed_days.lake, self.asset, self.day)
            if sealed is None:
                raise UnreadableObject(f"the lake has nothing of {self.asset} on {self.day}")
            keys = [file.key for file in sealed.files]
        for key in keys:
            try:
                yield key, self.days.store.head(key).etag
            except NotFound:
                yield key, NO_OBJECT
