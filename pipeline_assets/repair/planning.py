"""How a plan is made: from what is lost or mis-tracked, a placeholder or stale, or is named.

Assets are gone through in the order of the chain, so that what a stage needs has been decided when
it is its turn. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from pipeline_assets.checks.books import KnownClaims
from pipeline_assets.repair.decided import Decided, told_of
from pipeline_assets.repair.plan import Action, Plan, Why, Work
from pipeline_assets.repair.stage_planning import plan_stage
from pipeline_assets.repair.survey import SealState, Survey, survey
from resources.site import Site
from resources.spool import Spooled
from touchline.accounting import FetchFate
from touchline.day import Day, FetchNumber, Window
from touchline.plan import FeedPlan
from touchline.slot import Slot
from touchline.stage import RawAsset


def plan_repair(
    site: Site,
    feed: FeedPlan,
    day: Day,
    *,
    asset: str | None = None,
    named: bool = False,
    deep: bool = False,
    captured: Collection[Slot] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Plan:
    """What `reprocess` would do with this day, in this asset and behind it, or in all of them.

    All of the asset's fetches are made anew where they are `named`, else only what is lost,
    mis-tracked, a placeholder or stale. `deep` reads every object back to find what is lost.
    `captured` are slots of raw fetches that the caller has just landed: the checks would leave
    them to the run of their slot.

    Raises UnreadableObject, StoreError, LedgerUnavailable.
    """
    surveys: dict[str, Survey] = {}
    known: KnownClaims = {}
    for each in feed.assets:
        progress(f"checking {day} {each.name}")
        surveys[each.name] = survey(site, feed, each, day, deep=deep, known=known)
    decided = Decided(site, Plan(feed, day, surveys), asset, named)
    for slot in captured:
        decided.anew.setdefault(slot.raw, set()).add(slot.number)
    for each in feed.assets:
        _plan_asset(decided, surveys[each.name])
    return decided.plan


def _plan_asset(decided: Decided, found: Survey) -> None:
    asset, done = found.asset, set[FetchNumber]()
    in_scope = decided.is_in_scope(asset.name)
    decided.anew.setdefault(asset.name, set())
    if in_scope:
        _containers(decided, found)
    if not isinstance(asset, RawAsset):
        done = plan_stage(decided, found, asset)
    elif in_scope:
        done = _raw(decided, found)
    decided.stands[asset.name] = found.standing | done
    if in_scope:
        _written_anew(decided, found, done)


def _containers(decided: Decided, found: Survey) -> None:
    """What only needs to be told: a window that holds what was claimed, a whole sealed day."""
    for first, (listed, detail) in sorted(found.unconfirmed.items()):
        decided.add(
            found,
            first,
            Action.DO,
            work=Work.CONFIRM,
            why=Why.MISTRACKED,
            reason="it holds what was claimed, and is not the object that was confirmed",
            source=listed.key,
            detail=detail,
            key=listed.key,
        )
    if found.seal is SealState.UNTOLD and found.index.seal is not None:
        decided.add(
            found,
            None,
            Action.DO,
            work=Work.SEAL,
            why=Why.MISTRACKED,
            reason="the sealed day is there, and not said to be",
            source="the sealed day",
            detail=found.seal_detail,
            key=found.keys.seal(found.day, found.index.seal),
        )


def _written_anew(decided: Decided, found: Survey, done: set[FetchNumber]) -> None:
    """Windows that are damaged, gone or late, and a broken sealed day, of fetches that stand when
    it is their turn."""
    there = found.standing | done
    for first, (_, detail) in sorted(found.damaged.items()):
        held = found.held(first)
        sealed = found.index.seal is not None and held <= found.index.sealed.keys()
        missing = sorted(held - there)
        decided.add(
            found,
            first,
            Action.CANNOT if missing or not held else Action.DO,
            work=Work.ASIDE if sealed else Work.WINDOW,
            why=Why.LOST,
            reason=_incomplete(missing) if missing or not held else "the window is damaged",
            source="the sealed day" if sealed else "its fetches",
            detail=detail,
            key=found.keys.window(Window(found.day, first)),
        )
    if found.seal is SealState.NONE:
        for first, detail in sorted(_windows_to_make(found, done).items()):
            is_late = first in found.overdue
            decided.add(
                found,
                first,
                Action.DO,
                work=Work.WINDOW,
                why=Why.LATE if is_late else Why.LOST,
                reason="it is overdue" if is_late else "the window is gone",
                source="its fetches",
                detail=detail,
                key=found.keys.window(Window(found.day, first)),
            )
    if found.seal is SealState.BROKEN:
        missing = sorted(n for n, row in found.claims.items() if row.landed and n not in there)
        raw = isinstance(found.asset, RawAsset)
        decided.add(
            found,
            None,
            Action.CANNOT if missing or raw else Action.DO,
            work=Work.RESEAL,
            why=Why.LOST,
            reason=_incomplete(missing) if missing else "the sealed day is damaged",
            source="its fetches",
            detail=found.seal_detail,
            key=found.keys.seal(found.day, 0).removesuffix("-00000"),
        )


def _windows_to_make(found: Survey, done: set[FetchNumber]) -> dict[FetchNumber, str]:
    """Those that are late, where any fetch can go into them, and those that stood and went with
    fetches that are made again, by their first number, with what is wrong."""
    there = {Window.of(found.day, number).first for number in found.standing | done}
    late = {first: each.detail for first, each in found.overdue.items() if first in there}
    gone = {
        first: f"{found.keys.window(Window(found.day, first))} is not in the store"
        for first in found.announced.keys() - found.index.windows.keys() - found.damaged.keys()
        if any(number in done for number in found.held(first))
    }
    return gone | late


def _raw(decided: Decided, found: Survey) -> set[FetchNumber]:
    spooled = {
        entry.number: entry
        for entry in decided.site.spool(decided.plan.feed.name).entries(found.raw)
        if entry.day == found.day
    }
    done, reason = set(), "the past cannot be fetched again"
    if found.seal is SealState.BROKEN and decided.site.settings.mirror_bucket is not None:
        reason += ": bring the sealed day back from the second copy, if it is there"
    for number, fault in sorted(found.faults.items()):
        if fault.stands:
            continue
        if decided.claimable(found, number, fault):
            done.add(number)
            if found.fates.get(number) is not FetchFate.LANDED:
                decided.anew[found.asset.name].add(number)  # No stage has heard of it.
        elif number in spooled and _is_whole(decided, spooled[number]):
            done.add(number)
            row = found.claims.get(number)
            same_id = row and row.landed and row.landed.ref.fetch_id
            if same_id != spooled[number].fetch_id:
                decided.anew[found.asset.name].add(number)
            decided.add(
                found,
                number,
                Action.DO,
                work=Work.LAND,
                source="the spool",
                expected=fault.records,
                **told_of(fault),
            )
        else:
            decided.cannot(found, number, fault, reason, Work.LAND)
    return done


def _is_whole(decided: Decided, spooled: Spooled) -> bool:
    try:
        decided.site.spool(decided.plan.feed.name).read(spooled)
    except (OSError, ValueError):
        return False
    return True


def _incomplete(missing: list[FetchNumber]) -> str:
    if not missing:
        return "nobody knows what it held"
    return f"{len(missing)} of its fetches cannot be had, the first {missing[0]}"
