"""The faults: each is injected alone, and each has to be named. docs/faults.md lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline_assets.checks.report import Kind
from simulator.faults import Fault as VendorFault
from simulator.faults import Kind as VendorKind
from tests.detect.days import MATCHES, NEXT, WATCHED
from tests.detect.fault import CLAIMED, Fault, Named, Seen
from tests.detect.injections import (
    FIRST,
    GAP,
    IN_DAY,
    IN_WINDOW,
    LAST,
    NO_ETAG,
    NOW,
    OVERDUE,
    RAW,
    SINGLE,
    WINDOWED,
    Inject,
    a_flag_is_no_number,
    began_half_an_hour_ago,
    began_the_day_before,
    both,
    changes,
    changes_a_body,
    claim_waits,
    claims_nothing,
    counts_one_more,
    counts_twice,
    deletes,
    edits_claim,
    fails,
    forgets_claim,
    lake_file_rots,
    ledger_is_no_database,
    minutes_have_a_tick,
    none,
    of_another_shape,
    of_window,
    one_column_more,
    one_for_another,
    one_less,
    one_twice,
    only_claimed,
    passes_over_one,
    rewrites,
    rotation_stops,
    rots,
    runs,
    sealed_file,
    spool_swells,
    takes,
    window_changes,
)
from tests.detect.stored import Told, cut, flipped

LANDED, CONSERVED, ONCE = "landed_matches_claimed", "records_conserved", "every_fetch_once"
ZERO, SCHEMA, CADENCE, ALIVE = ("zero_is_explained", "schema_holds", "cadence", "feed_is_alive")
LIVE_LIST = "match/detail_live"


# --- the table -----------------------------------------------------------------------------------


def at(asset: str, name: str, touches: str, inject: Inject, *named: Named, **more: Any) -> Fault:
    return Fault(name, asset, touches, named, inject, **more)


def landed(kind: Kind, number: int | None = SINGLE, records: int | None = MATCHES) -> Named:
    return Named(LANDED, kind, number, records)


def by_vendor(name: str, named: Named, *, asset: str = RAW, **more: Any) -> Fault:
    return Fault(name, asset, "the vendor", (named,), **more)


def harmless(name: str, kind: VendorKind, because: str, **more: Any) -> Fault:
    """An oddity of every answer of the vendor that costs nothing, so that nothing may fire."""
    because = f"nothing is lost: {because}"
    odd = (VendorFault(kind),)
    return Fault(name, RAW, "the vendor", vendor=odd, missed_because=because, **more)


KEYS = {
    "fetch": "raw/football/date=D/NNNNN.json.zst",
    "object": "hot/football/date=D/{asset}/NNNNN.parquet",
    "window of fetches": "raw/football/date=D/NNNNN-NNNNN.json.zst",
    "window": "hot/football/date=D/{asset}/NNNNN-NNNNN.parquet",
    "other capture": "conflicts/raw/football/date=D/NNNNN.json.zst.ID.ETAG",
    "daily log": "logs/football/all_api/all_api_json_log_D.json.zst",
    "manifest of the log": "logs/football/manifests/all_api/date=D/NNNNN.json.zst",
    "lake file": "lake/football/{asset}/date=D/NNNNN-NNN-SHA256.parquet",
    "lake manifest": "lake-manifests/football/{asset}/date=D/NNNNN.json.zst",
    "mark of the seal": "hot/football/date=D/{asset}/sealed-NNNNN",
}
"""What is changed in the store, below the bucket's prefix."""


def of(touches: str) -> Callable[..., Fault]:
    """How a fault is told of which this is what it changes: asset, name, what is done, what is said
    of it."""

    def fault(asset: str, name: str, inject: Inject, *named: Named, **more: Any) -> Fault:
        return at(asset, name, touches, inject, *named, **more)

    return fault


of_object, of_fetch, of_window_object = map(of, ("object", "fetch", "window"))
of_claim, of_window_claim, of_fate = map(of, ("ledger_claims", "ledger_windows", "ledger_fetches"))
of_both = of("object, ledger_claims")

OBJECTS = (
    of_object("merged", "object deleted", deletes(SINGLE), landed(Kind.REAL_LOSS)),
    of_object("pretty_print", "object truncated", changes(cut), landed(Kind.DAMAGED)),
    of_object("monitor_central", "object emptied", changes(lambda _: b""), landed(Kind.DAMAGED)),
    of_object("pretty_print_conversion", "bit flipped", changes(flipped), landed(Kind.DAMAGED)),
    of_both("merged", "bit rot below a verified ETag", rots, landed(Kind.DAMAGED), seen=Seen.DEEP),
    of_object(
        "odds_changes",
        "overwritten with another fetch's object",
        takes("odds_changes", SINGLE + 1),
        landed(Kind.DAMAGED, SINGLE, CLAIMED),
    ),
    of_object(
        "merged",
        "overwritten with another stage's object",
        takes("pretty_print", SINGLE),
        landed(Kind.DAMAGED),
    ),
    of_object(
        "reference",
        "a foreign object under a fetch's key",
        lambda stored, asset: stored.put(stored.single(asset, SINGLE), b"not ours"),
        landed(Kind.DAMAGED, SINGLE, CLAIMED),
    ),
    of_object(
        "merged",
        "object there without a claim",
        lambda stored, asset: stored.copied_to(asset, SINGLE, GAP),
        landed(Kind.TRACKING_ERROR, GAP),
    ),
    of_fetch(
        RAW, "fetch gone while its copy lies in the spool", deletes(SINGLE), is_made_good=True
    ),
    at(
        RAW,
        "fetch gone, and its copy in the spool too",
        "fetch, the spool",
        both(deletes(SINGLE), lambda stored, _: stored.forget_spooled(SINGLE)),
        landed(Kind.REAL_LOSS),
        Named(CADENCE, Kind.REAL_LOSS, SINGLE),
    ),
    of_fetch(RAW, "fetch overwritten with another", takes(RAW, SINGLE + 1), landed(Kind.DAMAGED)),
    at(
        RAW,
        "a vendor's answer changed inside a fetch",
        "fetch, ledger_claims",
        changes_a_body,
        landed(Kind.DAMAGED),
    ),
    at(
        RAW,
        "another capture of a minute kept beside it",
        "other capture",
        lambda stored, asset: stored.put(
            f"conflicts/{stored.single(asset, SINGLE)}.aN0therFetch.0", b"the other one"
        ),
        missed_because="nothing is lost: of two captures one counts, and the other is kept",
    ),
)

ROWS = (
    of_object(
        "merged",
        "record dropped, the ledger not told",
        rewrites(one_less, Told.NOTHING),
        landed(Kind.OVERWRITTEN, SINGLE, MATCHES - 1),
    ),
    of_both(
        "monitor_central",
        "record dropped, the ledger told of the bytes",
        rewrites(one_less, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, SINGLE, 1),
    ),
    of_both(
        "merged",
        "record doubled",
        rewrites(one_twice, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, SINGLE, 1),
    ),
    of_both(
        "pretty_print",
        "record swapped at equal count",
        rewrites(one_for_another, Told.BYTES),
        landed(Kind.DIGEST_DIFFERS),
    ),
    of_both(
        "merged", "N claimed, none there", rewrites(none, Told.BYTES), landed(Kind.COUNT_DIFFERS)
    ),
    of_both(
        "pretty_print_conversion",
        "match lost inside a stage, all books agreeing",
        rewrites(one_less, Told.ALL),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    of_both(
        "pretty_print",
        "match lost between two stages, all books agreeing",
        rewrites(one_less, Told.ALL, received=-1),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    of_both(
        "merged",
        "match doubled between two stages, all books agreeing",
        rewrites(one_twice, Told.ALL, received=1),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    of_both(
        "pretty_print",
        "all matches lost inside a stage, all books agreeing",
        rewrites(none, Told.ALL),
        Named(ZERO, Kind.REAL_LOSS, SINGLE, MATCHES),
    ),
    of_both(
        "merged",
        "match swapped at equal count, all books agreeing",
        rewrites(one_for_another, Told.ALL),
        missed_because="object, claim and digest were forged alike; stages are compared by count "
        "and fetch, since a stage may rename its records",
    ),
    of_both(
        "merged",
        "a column that nobody declared",
        rewrites(one_column_more, Told.ALL),
        Named(SCHEMA, Kind.SCHEMA_DIFFERS, SINGLE, MATCHES),
    ),
)

CLAIM_ROWS = (
    of_claim(RAW, "0 claimed, N there", claims_nothing, landed(Kind.COUNT_DIFFERS)),
    of_claim("merged", "claim missing", forgets_claim(SINGLE), landed(Kind.TRACKING_ERROR)),
    of_claim(
        "monitor_central",
        "claim stale",
        edits_claim(etag=NO_ETAG, verified_etag=NO_ETAG),
        landed(Kind.OVERWRITTEN),
    ),
    of_claim(
        "var_incidents",
        "claim made anew, and nobody vouches for it",
        edits_claim(rebuilt="nobody"),
        landed(Kind.UNCHECKED, SINGLE, CLAIMED),
    ),
    of_claim(
        "pretty_print",
        "count not known",
        edits_claim(received=None),
        Named(CONSERVED, Kind.UNCHECKED, SINGLE),
    ),
    of_claim(
        "merged",
        "claim of another fetch",
        edits_claim(landed_fetch_id="aN0therFetch"),
        Named(ONCE, Kind.OTHER_FETCH, SINGLE, MATCHES),
    ),
    of_both(
        "merged",
        "fetch counted under two numbers",
        counts_twice,
        Named(ONCE, Kind.OTHER_FETCH, GAP, MATCHES),
    ),
    of_claim(
        "merged",
        "tally of a claim that was verified edited",
        counts_one_more,
        Named(CONSERVED, Kind.NOT_CONSERVED, WINDOWED, 1),
    ),
    of_claim(
        "odds_changes",
        "tally of a claim that was verified edited, and nothing made of it",
        counts_one_more,
        landed(Kind.COUNT_DIFFERS, WINDOWED, 1),
        seen=Seen.DEEP,
    ),
    of_both(
        "monitor_central",
        "writer died before it stored what it had claimed",
        both(deletes(LAST), only_claimed),
        is_made_good=True,
    ),
    of_claim(
        "monitor_central",
        "writer died before it confirmed what it had stored",
        only_claimed,
        is_made_good=True,
    ),
    of_fate(
        RAW,
        "minute told of another fetch",
        runs("UPDATE ledger_fetches SET fetch_id = 'aN0therFetch' WHERE number = ?", WINDOWED),
        Named(ONCE, Kind.OTHER_FETCH, WINDOWED, MATCHES),
    ),
    of_fate(
        RAW,
        "fate of a minute missing",
        runs("DELETE FROM ledger_fetches WHERE number = ?", WINDOWED),
        Named(CADENCE, Kind.TRACKING_ERROR, WINDOWED),
    ),
    of_fate(
        RAW,
        "minute that landed told as missed",
        runs("UPDATE ledger_fetches SET fate = 'missed' WHERE number = ?", WINDOWED),
        Named(CADENCE, Kind.TRACKING_ERROR, WINDOWED),
    ),
)

WINDOW_OBJECTS = (
    of_window_object(
        "merged",
        "window deleted",
        lambda stored, asset: stored.delete(stored.window(asset, WINDOWED)),
        landed(Kind.REAL_LOSS, WINDOWED),
    ),
    at(
        RAW,
        "window truncated",
        "window of fetches",
        window_changes(lambda body: body[:200]),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
    ),
    of_window_object(
        "merged",
        "window swapped with another stage's",
        lambda stored, asset: stored.put(
            stored.window(asset, WINDOWED), *stored.get(stored.window("pretty_print", WINDOWED))
        ),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
    ),
    at(
        "monitor_central",
        "window rots below a verified ETag",
        "window, ledger_windows",
        window_changes(flipped, believed=True),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
        seen=Seen.DEEP,
    ),
    of_window_claim(
        "pretty_print",
        "window without a claim",
        of_window("DELETE FROM ledger_windows"),
        landed(Kind.TRACKING_ERROR, FIRST, None),
    ),
    of_window_claim(
        "pretty_print_conversion",
        "claim of a window stale",
        of_window("UPDATE ledger_windows SET etag = ?, verified_etag = ?", *(NO_ETAG, NO_ETAG)),
        landed(Kind.OVERWRITTEN, FIRST, IN_WINDOW),
    ),
)

VENDOR = (
    by_vendor(
        "empty answer on a busy day",
        Named(ZERO, Kind.UNEXPLAINED_ZERO, NOW),
        vendor=(VendorFault("empty_list", endpoint=LIVE_LIST),),
    ),
    by_vendor(
        "yesterday's rows again", Named(ALIVE, Kind.FEED_OUTDATED, NOW), world=began_the_day_before
    ),
    by_vendor(
        "feed frozen",
        Named(ALIVE, Kind.FEED_FROZEN, NOW + 2),
        vendor=(VendorFault("frozen"),),
        minutes=3,
    ),
    by_vendor(
        "feed fails",
        Named(ALIVE, Kind.FEED_FAILS, NOW + 2),
        vendor=(VendorFault("html", endpoint=LIVE_LIST),),
        minutes=3,
    ),
    by_vendor(
        "clocks apart",
        Named(ALIVE, Kind.CLOCK_SKEW, NOW),
        vendor=(VendorFault("clock_skew", seconds=120.0),),
    ),
    by_vendor(
        "many records of another shape",
        Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, 5),
        asset="merged",
        vendor=of_another_shape(5),
    ),
    by_vendor(
        "a flag of every match written as another type",
        Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, MATCHES),
        asset="merged",
        world=a_flag_is_no_number,
    ),
    by_vendor(
        # Each of the twelve has a row for each minute that it has played.
        "every minute of the odds written another way",
        Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, sum(range(1, MATCHES + 1))),
        asset="odds_changes",
        world=minutes_have_a_tick,
    ),
    by_vendor(
        "an error beside results",
        Named(ALIVE, Kind.FEED_FAILS, NOW + 2),
        vendor=(VendorFault("err_and_results", endpoint=LIVE_LIST),),
        minutes=3,
    ),
    by_vendor(
        "headers with a year that no calendar has",
        Named(ALIVE, Kind.UNCHECKED, None),
        vendor=(VendorFault("bad_headers"),),
    ),
    harmless("a byte order mark before each answer", "byte_order_mark", "it is passed over"),
    harmless(
        "one period of play that begins in the year 2100",
        "far_start",
        "a share of the matches decides, and the check's details have the one",
        world=began_half_an_hour_ago,
    ),
    harmless(
        "a review listed with its result and without",
        "var_twice",
        "the one with a result counts, in either order",
    ),
    harmless(
        "empty objects for empty lists in the odds",
        "empty_odds",
        "an empty object is an empty list",
    ),
)

RUNS = (
    Fault(
        "stage raises",
        "monitor_central",
        "the stage",
        (Named(ZERO, Kind.REAL_LOSS, NOW, MATCHES),),
        stage=lambda stage: replace(stage, by=fails),
        minutes=6,
        # It goes on only after three tries of each fetch: what follows from it is late as well.
        anywhere=True,
    ),
    Fault(
        "stage passes over a match without a word",
        "monitor_central",
        "the stage",
        (Named(CONSERVED, Kind.NOT_CONSERVED, NOW, 1),),
        stage=passes_over_one,
        minutes=4,
    ),
    Fault(
        "stage never runs",
        "reference",
        "the run",
        (landed(Kind.NOT_LANDED, NOW, None),),
        stage=lambda stage: None,
        minutes=4,
    ),
    of_both(
        "monitor_central",
        "stage killed in the last minute",
        both(deletes(LAST), forgets_claim(LAST)),
        is_made_good=True,
    ),
    Fault(
        "minutes stop in an open interval",
        RAW,
        "the sensor",
        (Named(CADENCE, Kind.NO_FATE, NOW),),
        seen=Seen.VERIFY,
        at_second=600,
    ),
    at(
        RAW,
        "windows are not made any more",
        "ledger_intervals",
        rotation_stops,
        landed(Kind.WINDOW_OVERDUE, FIRST + 30, None),
        seen=Seen.VERIFY,
        at_second=(OVERDUE - NEXT) * 60 + 30,
        anywhere=True,
    ),
    at(
        RAW,
        "spool near its bound",
        "the spool",
        spool_swells,
        Named("spool_within_bounds", Kind.SPOOL_FILLS_UP, None, len(WATCHED[1]) + 1),
        seen=Seen.VERIFY,
        settings={"spool_limit_megabytes": 1},
    ),
    at(
        "merged",
        "claims wait to be told to the ledger",
        "football.claims",
        claim_waits,
        landed(Kind.UNCHECKED, None, None),
        seen=Seen.VERIFY,
    ),
    at(
        RAW,
        "a check's own query fails",
        "ledger_intervals",
        runs("ALTER TABLE ledger_intervals RENAME COLUMN opened TO begun"),
        Named(CADENCE, Kind.UNCHECKED),
        # A ledger that has erred is left alone for 20 s, also by the checks of others.
        anywhere=True,
    ),
    of_window_claim(
        RAW,
        "a table of the ledger is gone",
        runs("ALTER TABLE ledger_windows RENAME TO lost_windows"),
        landed(Kind.UNCHECKED, None, None),
        anywhere=True,
    ),
    at(
        RAW,
        "the ledger is no database any more",
        "ledger.sqlite",
        ledger_is_no_database,
        landed(Kind.UNCHECKED, None, None),
        anywhere=True,
    ),
)

SEALED = tuple(
    replace(fault, seen=fault.seen if fault.seen is Seen.DEEP else Seen.VERIFY, sealed=True)
    for fault in (
        at(
            RAW,
            "daily log deleted",
            "daily log",
            sealed_file("logs/football/all_api/", ".json.zst", None),
            landed(Kind.REAL_LOSS, None, IN_DAY),
        ),
        at(
            RAW,
            "manifest of the daily log truncated",
            "manifest of the log",
            sealed_file("logs/football/manifests/", ".json.zst", cut),
            landed(Kind.OVERWRITTEN, None, IN_DAY),
        ),
        at(
            "merged",
            "file of the lake deleted",
            "lake file",
            sealed_file("lake/football/merged/date=", ".parquet", None),
            landed(Kind.REAL_LOSS, None, IN_DAY),
        ),
        at(
            "merged",
            "file of the lake rots below its ETag",
            "lake file, ledger_seals",
            lake_file_rots,
            landed(Kind.DAMAGED, FIRST, None),
            seen=Seen.DEEP,
        ),
        at(
            "monitor_central",
            "manifest in the lake deleted",
            "lake manifest",
            sealed_file("lake-manifests/football/monitor_central/", ".json.zst", None),
            landed(Kind.DAMAGED, None, IN_DAY),
        ),
        at(
            "pretty_print",
            "seal of a day gone from the ledger",
            "ledger_seals",
            runs("DELETE FROM ledger_seals WHERE asset = 'football/pretty_print'"),
            landed(Kind.TRACKING_ERROR, None, None),
        ),
        at(
            "merged",
            "mark of a seal deleted",
            "mark of the seal",
            sealed_file("hot/football/date=", "merged/sealed-00001", None),
            landed(Kind.REAL_LOSS, WINDOWED),
        ),
    )
)

FAULTS = (*OBJECTS, *ROWS, *CLAIM_ROWS, *WINDOW_OBJECTS, *VENDOR, *RUNS, *SEALED)
