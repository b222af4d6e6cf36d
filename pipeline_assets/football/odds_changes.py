"""Every odds row once, in the first fetch that shows it.

The vendor repeats the whole history of a match every minute, newest row first, and only ever adds
at the front. What was seen of a list is therefore the end of its text: where length and digest of
that end agree, only the text before it is decoded. Where they do not, the list is compared in full
with the one that was seen, and rows that the vendor took back get withdrawal rows of their own, so
that the changes read in order always give the vendor's list.
"""

from __future__ import annotations

import functools

import msgspec

from pipeline_assets.football.documents import records_document
from pipeline_assets.football.odds_change import (
    OddsChange,
    OddsReason,
    SeenMatch,
    SeenOdds,
    change_key,
)
from pipeline_assets.football.odds_reading import Earlier, Reading, set_aside, unix_minute
from pipeline_assets.football.wire.fetched import ODDS, Fetched
from pipeline_assets.football.wire.fields import Noticed, Unread
from touchline.fetch import Envelope, FetchRef
from touchline.stage import KIND, ODDS_ROWS, Stage, Staged, describe, reason_of

KEPT_MINUTES = 48 * 60
"""How long the state of a match is carried after it left the live list: matches re-enter it."""


def odds_changes(
    fetch: FetchRef,
    raw: Envelope,
    *,
    carried: SeenOdds | None,
    earlier: Earlier | None = None,
) -> Staged[OddsChange]:
    """The rows that no fetch before this one has shown, oldest first in each list.

    `received` counts the rows of all answers and the withdrawals. A failed call shows nothing and
    takes nothing back, nor does a list or match that is left out. A row that cannot be read is
    quarantined by the fetch that first shows it. `earlier` is asked for the fetch that showed a
    list before it was rewritten; without it, the rows taken back cannot be named.
    """
    staged = Staged[OddsChange]()
    fetched = Fetched(raw)
    noticed = Noticed()
    number = fetch.number
    look_back = functools.cache(earlier) if earlier else None
    now = unix_minute(fetch)
    before = carried.matches if carried else {}
    matches = {name: seen for name, seen in before.items() if now - seen.asked <= KEPT_MINUTES}
    for entry in raw.entries(ODDS):
        match_id = entry.uuid or ""
        seen = matches.get(match_id) or SeenMatch(now, b"", 0, now, "", {})
        if not entry.error:
            try:
                scheduled = fetched.scheduled(match_id)
                reading = Reading(fetch, number, raw, entry, seen, look_back, noticed, scheduled)
                seen = reading.read()
                reading.settle(staged)
            except Exception as error:
                why = describe(error)
                set_aside(staged, match_id, reason_of(error), why, raw.stored(entry))
        matches[match_id] = msgspec.structs.replace(seen, asked=now)
    staged.findings.extend(noticed.findings())
    staged.carried = SeenOdds(matches)
    return staged


stage = Stage(
    name="football/odds_changes",
    inputs=("football/raw_fetches",),
    makes=OddsChange,
    by=odds_changes,
    key=change_key,
    reasons=OddsReason,
    counts="odds rows",
    receives_each=False,
    misread=(OddsReason.BAD_ROW, OddsReason.MALFORMED_ODDS, *Unread),
    doc=(
        "Every row of every odds history once, in the first fetch that shows it, for the analysis "
        "of line movements. Rows that the vendor takes back are recorded as withdrawn."
    ),
    ordered=True,
    recalls=True,
    carries=SeenOdds,
    export=functools.partial(records_document, stage="football/odds_changes"),
    tags={KIND: ODDS_ROWS},
)
