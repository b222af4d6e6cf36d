"""The faults: each is injected alone, and each has to be named. docs/faults.md lists them."""

from __future__ import annotations

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
    takes_the_place_of,
    window_changes,
)
from tests.detect.stored import Told, cut, flipped

LANDED, CONSERVED, ONCE = "landed_matches_claimed", "records_conserved", "every_fetch_once"
ZERO, SCHEMA, CADENCE, ALIVE = (
    "zero_is_explained",
    "schema_holds",
    "cadence",
    "feed_is_alive",
)
LIVE_LIST = "match/detail_live"


# --- the table -----------------------------------------------------------------------------------


def at(asset: str, name: str, touches: str, inject: Inject, *named: Named, **more: Any) -> Fault:
    return Fault(name, asset, touches, named, inject, **more)


def landed(kind: Kind, number: int | None = SINGLE, records: int | None = MATCHES) -> Named:
    return Named(LANDED, kind, number, records)


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
OBJECT, WINDOW, RAW_OBJECT = "object", "window", "fetch"
CLAIMS, WINDOWS, FETCHES = "ledger_claims", "ledger_windows", "ledger_fetches"
AND_CLAIM = f"{OBJECT}, {CLAIMS}"

OBJECTS = (
    at(
        "merged",
        "object deleted",
        OBJECT,
        deletes("merged", SINGLE),
        landed(Kind.REAL_LOSS),
    ),
    at(
        "pretty_print",
        "object truncated",
        OBJECT,
        changes("pretty_print", cut),
        landed(Kind.DAMAGED),
    ),
    at(
        "monitor_central",
        "object emptied",
        OBJECT,
        changes("monitor_central", lambda _: b""),
        landed(Kind.DAMAGED),
    ),
    at(
        "pretty_print_conversion",
        "bit flipped",
        OBJECT,
        changes("pretty_print_conversion", flipped),
        landed(Kind.DAMAGED),
    ),
    at(
        "merged",
        "bit rot below a verified ETag",
        AND_CLAIM,
        rots("merged"),
        landed(Kind.DAMAGED),
        seen=Seen.DEEP,
    ),
    at(
        "odds_changes",
        "overwritten with another fetch's object",
        OBJECT,
        takes_the_place_of("odds_changes", "odds_changes", SINGLE + 1),
        landed(Kind.DAMAGED, SINGLE, CLAIMED),
    ),
    at(
        "merged",
        "overwritten with another stage's object",
        OBJECT,
        takes_the_place_of("merged", "pretty_print", SINGLE),
        landed(Kind.DAMAGED),
    ),
    at(
        "reference",
        "a foreign object under a fetch's key",
        OBJECT,
        lambda stored: stored.put(stored.single("reference", SINGLE), b"not ours"),
        landed(Kind.DAMAGED, SINGLE, CLAIMED),
    ),
    at(
        "merged",
        "object there without a claim",
        OBJECT,
        lambda stored: stored.copied_to("merged", SINGLE, GAP),
        landed(Kind.TRACKING_ERROR, GAP),
    ),
    at(
        RAW,
        "fetch gone while its copy lies in the spool",
        RAW_OBJECT,
        deletes(RAW, SINGLE),
        is_made_good=True,
    ),
    at(
        RAW,
        "fetch gone, and its copy in the spool too",
        f"{RAW_OBJECT}, the spool",
        both(deletes(RAW, SINGLE), lambda stored: stored.forget_spooled(SINGLE)),
        landed(Kind.REAL_LOSS),
        Named(CADENCE, Kind.REAL_LOSS, SINGLE),
    ),
    at(
        RAW,
        "fetch overwritten with another",
        RAW_OBJECT,
        takes_the_place_of(RAW, RAW, SINGLE + 1),
        landed(Kind.DAMAGED),
    ),
    at(
        RAW,
        "a vendor's answer changed inside a fetch",
        f"{RAW_OBJECT}, {CLAIMS}",
        changes_a_body,
        landed(Kind.DAMAGED),
    ),
    at(
        RAW,
        "another capture of a minute kept beside it",
        "other capture",
        lambda stored: stored.put(
            f"conflicts/{stored.single(RAW, SINGLE)}.aN0therFetch.0", b"the other one"
        ),
        missed_because="nothing is lost: of two captures one counts, and the other is kept",
    ),
)

ROWS = (
    at(
        "merged",
        "record dropped, the ledger not told",
        OBJECT,
        rewrites("merged", one_less, Told.NOTHING),
        landed(Kind.OVERWRITTEN, SINGLE, MATCHES - 1),
    ),
    at(
        "monitor_central",
        "record dropped, the ledger told of the bytes",
        AND_CLAIM,
        rewrites("monitor_central", one_less, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, SINGLE, 1),
    ),
    at(
        "merged",
        "record doubled",
        AND_CLAIM,
        rewrites("merged", one_twice, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, SINGLE, 1),
    ),
    at(
        "pretty_print",
        "record swapped at equal count",
        AND_CLAIM,
        rewrites("pretty_print", one_for_another, Told.BYTES),
        landed(Kind.DIGEST_DIFFERS),
    ),
    at(
        "merged",
        "N claimed, none there",
        AND_CLAIM,
        rewrites("merged", none, Told.BYTES),
        landed(Kind.COUNT_DIFFERS),
    ),
    at(
        "pretty_print_conversion",
        "match lost inside a stage, all books agreeing",
        AND_CLAIM,
        rewrites("pretty_print_conversion", one_less, Told.ALL),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    at(
        "pretty_print",
        "match lost between two stages, all books agreeing",
        AND_CLAIM,
        rewrites("pretty_print", one_less, Told.ALL, received=-1),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    at(
        "merged",
        "match doubled between two stages, all books agreeing",
        AND_CLAIM,
        rewrites("merged", one_twice, Told.ALL, received=1),
        Named(CONSERVED, Kind.NOT_CONSERVED, SINGLE, 1),
    ),
    at(
        "pretty_print",
        "all matches lost inside a stage, all books agreeing",
        AND_CLAIM,
        rewrites("pretty_print", none, Told.ALL),
        Named(ZERO, Kind.REAL_LOSS, SINGLE, MATCHES),
    ),
    at(
        "merged",
        "match swapped at equal count, all books agreeing",
        AND_CLAIM,
        rewrites("merged", one_for_another, Told.ALL),
        missed_because="object, claim and digest were forged alike; stages are compared by count "
        "and fetch, since a stage may rename its records",
    ),
    at(
        "merged",
        "a column that nobody declared",
        AND_CLAIM,
        rewrites("merged", one_column_more, Told.ALL),
        Named(SCHEMA, Kind.SCHEMA_DIFFERS, SINGLE, MATCHES),
    ),
)

CLAIM_ROWS = (
    at(RAW, "0 claimed, N there", CLAIMS, claims_nothing, landed(Kind.COUNT_DIFFERS)),
    at(
        "merged",
        "claim missing",
        CLAIMS,
        forgets_claim("merged", SINGLE),
        landed(Kind.TRACKING_ERROR),
    ),
    at(
        "monitor_central",
        "claim stale",
        CLAIMS,
        edits_claim("monitor_central", etag=NO_ETAG, verified_etag=NO_ETAG),
        landed(Kind.OVERWRITTEN),
    ),
    at(
        "var_incidents",
        "claim made anew, and nobody vouches for it",
        CLAIMS,
        edits_claim("var_incidents", rebuilt="nobody"),
        landed(Kind.UNCHECKED, SINGLE, CLAIMED),
    ),
    at(
        "pretty_print",
        "count not known",
        CLAIMS,
        edits_claim("pretty_print", received=None),
        Named(CONSERVED, Kind.UNCHECKED, SINGLE),
    ),
    at(
        "merged",
        "claim of another fetch",
        CLAIMS,
        edits_claim("merged", landed_fetch_id="aN0therFetch"),
        Named(ONCE, Kind.OTHER_FETCH, SINGLE, MATCHES),
    ),
    at(
        "merged",
        "fetch counted under two numbers",
        AND_CLAIM,
        counts_twice,
        Named(ONCE, Kind.OTHER_FETCH, GAP, MATCHES),
    ),
    at(
        "merged",
        "tally of a claim that was verified edited",
        CLAIMS,
        counts_one_more("merged"),
        Named(CONSERVED, Kind.NOT_CONSERVED, WINDOWED, 1),
    ),
    at(
        "odds_changes",
        "tally of a claim that was verified edited, and nothing made of it",
        CLAIMS,
        counts_one_more("odds_changes"),
        landed(Kind.COUNT_DIFFERS, WINDOWED, 1),
        seen=Seen.DEEP,
    ),
    at(
        "monitor_central",
        "writer died before it stored what it had claimed",
        AND_CLAIM,
        both(deletes("monitor_central", LAST), only_claimed("monitor_central")),
        is_made_good=True,
    ),
    at(
        "monitor_central",
        "writer died before it confirmed what it had stored",
        CLAIMS,
        only_claimed("monitor_central"),
        is_made_good=True,
    ),
    at(
        RAW,
        "minute told of another fetch",
        FETCHES,
        runs("UPDATE ledger_fetches SET fetch_id = 'aN0therFetch' WHERE number = ?", WINDOWED),
        Named(ONCE, Kind.OTHER_FETCH, WINDOWED, MATCHES),
    ),
    at(
        RAW,
        "fate of a minute missing",
        FETCHES,
        runs("DELETE FROM ledger_fetches WHERE number = ?", WINDOWED),
        Named(CADENCE, Kind.TRACKING_ERROR, WINDOWED),
    ),
    at(
        RAW,
        "minute that landed told as missed",
        FETCHES,
        runs("UPDATE ledger_fetches SET fate = 'missed' WHERE number = ?", WINDOWED),
        Named(CADENCE, Kind.TRACKING_ERROR, WINDOWED),
    ),
)

WINDOW_OBJECTS = (
    at(
        "merged",
        "window deleted",
        WINDOW,
        lambda stored: stored.delete(stored.window("merged", WINDOWED)),
        landed(Kind.REAL_LOSS, WINDOWED),
    ),
    at(
        RAW,
        "window truncated",
        "window of fetches",
        window_changes(RAW, lambda body: body[:200]),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
    ),
    at(
        "merged",
        "window swapped with another stage's",
        WINDOW,
        lambda stored: stored.put(
            stored.window("merged", WINDOWED), *stored.get(stored.window("pretty_print", WINDOWED))
        ),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
    ),
    at(
        "monitor_central",
        "window rots below a verified ETag",
        f"{WINDOW}, {WINDOWS}",
        window_changes("monitor_central", flipped, believed=True),
        landed(Kind.DAMAGED, FIRST, IN_WINDOW),
        seen=Seen.DEEP,
    ),
    at(
        "pretty_print",
        "window without a claim",
        WINDOWS,
        of_window("pretty_print", "DELETE FROM ledger_windows"),
        landed(Kind.TRACKING_ERROR, FIRST, None),
    ),
    at(
        "pretty_print_conversion",
        "claim of a window stale",
        WINDOWS,
        of_window(
            "pretty_print_conversion",
            "UPDATE ledger_windows SET etag = ?, verified_etag = ?",
            *(NO_ETAG, NO_ETAG),
        ),
        landed(Kind.OVERWRITTEN, FIRST, IN_WINDOW),
    ),
)

VENDOR = (
    Fault(
        "empty answer on a busy day",
        RAW,
        "the vendor",
        (Named(ZERO, Kind.UNEXPLAINED_ZERO, NOW),),
        vendor=(VendorFault("empty_list", endpoint=LIVE_LIST),),
    ),
    Fault(
        "yesterday's rows again",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.FEED_OUTDATED, NOW),),
        world=began_the_day_before,
    ),
    Fault(
        "feed frozen",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.FEED_FROZEN, NOW + 2),),
        vendor=(VendorFault("frozen"),),
        minutes=3,
    ),
    Fault(
        "feed fails",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.FEED_FAILS, NOW + 2),),
        vendor=(VendorFault("html", endpoint=LIVE_LIST),),
        minutes=3,
    ),
    Fault(
        "clocks apart",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.CLOCK_SKEW, NOW),),
        vendor=(VendorFault("clock_skew", seconds=120.0),),
    ),
    Fault(
        "many records of another shape",
        "merged",
        "the vendor",
        (Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, 5),),
        vendor=of_another_shape(5),
    ),
    Fault(
        "a flag of every match written as another type",
        "merged",
        "the vendor",
        (Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, MATCHES),),
        world=a_flag_is_no_number,
    ),
    Fault(
        "every minute of the odds written another way",
        "odds_changes",
        "the vendor",
        # Each of the twelve has a row for each minute that it has played.
        (Named(SCHEMA, Kind.SCHEMA_DRIFTS, NOW, sum(range(1, MATCHES + 1))),),
        world=minutes_have_a_tick,
    ),
    Fault(
        "an error beside results",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.FEED_FAILS, NOW + 2),),
        vendor=(VendorFault("err_and_results", endpoint=LIVE_LIST),),
        minutes=3,
    ),
    Fault(
        "headers with a year that no calendar has",
        RAW,
        "the vendor",
        (Named(ALIVE, Kind.UNCHECKED, None),),
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
    at(
        "monitor_central",
        "stage killed in the last minute",
        AND_CLAIM,
        both(deletes("monitor_central", LAST), forgets_claim("monitor_central", LAST)),
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
    at(
        RAW,
        "a table of the ledger is gone",
        WINDOWS,
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
