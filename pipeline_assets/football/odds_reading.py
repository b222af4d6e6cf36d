"""One match's odds answer, read against what was seen of the match before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from pipeline_assets.football.odds_change import (
    OddsChange,
    OddsReason,
    SeenList,
    SeenMatch,
)
from pipeline_assets.football.wire.codes import COMPANIES, MARKETS, STATUS_NAMES
from pipeline_assets.football.wire.fetched import Fetched, PartMissing
from pipeline_assets.football.wire.fields import Malformed, Noticed, Unread, results_of
from pipeline_assets.football.wire.odds import (
    ROW_LENGTH,
    BadRow,
    OddsRow,
    Phase,
    Rows,
    companies_of,
    is_readable_minute,
    markets_of,
    phase_of,
    rows_of,
    score_of,
    whole_history,
)
from touchline.fetch import Envelope, FetchRef, IndexEntry
from touchline.slot import Slot
from touchline.stage import Finding, Staged, Unusable

DIGEST_BYTES = 8
_SHOWN = 40
"""Characters of a text that could not be read."""

Earlier = Callable[[FetchRef], Envelope | None]
"""Gives an earlier raw fetch, None where it is not at hand."""


@dataclass
class Reading:
    """One match's answer, read against what was seen of the match before."""

    fetch: FetchRef
    number: int
    raw: Envelope
    entry: IndexEntry
    seen: SeenMatch
    earlier: Earlier | None
    noticed: Noticed
    scheduled: int | None
    """The match's scheduled start, Unix s; None where it is not known."""
    new: list[OddsChange] = field(default_factory=list)
    bad: list[tuple[str, OddsReason, str, msgspec.Raw]] = field(default_factory=list)
    already_seen: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    outdated: bool = False
    """The answer is a carried one from before what was seen."""

    def __post_init__(self) -> None:
        self.first_seen = self.entry.received_at or self.fetch.at
        self.match_id = self.entry.uuid or ""

    def settle(self, staged: Staged[OddsChange]) -> None:
        """Give every row its fate, once all of the answer could be read."""
        staged.emit_many(self.new)
        staged.drop_many(OddsReason.ALREADY_SEEN, self.match_id, self.already_seen)
        for key, reason, why, raw in self.bad:
            set_aside(staged, key, reason, why, raw)
        staged.findings.extend(self.findings)

    def read(self) -> SeenMatch:
        """What is seen of the match after this answer. Raises Unusable where it is no odds."""
        body = bytes.fromhex(self.entry.sha256 or "")[:DIGEST_BYTES]
        if body and body == self.seen.body:
            self.already_seen = self.seen.rows
            return self._seen(body, self.seen.rows, self.seen.lists)
        lists = dict(self.seen.lists)
        absent = {(company, market) for company, seen in lists.items() for market in seen}
        for company, markets in self._companies():
            self.noticed.unknown_code("company", company, COMPANIES, self.match_id)
            seen = dict(lists.get(company, {}))
            for market, text in markets.items():
                self.noticed.unknown_code("market", market, MARKETS, self.match_id)
                absent.discard((company, market))
                try:
                    seen[market] = self._list(company, market, text, seen.get(market))
                except Malformed as error:
                    self._malformed(f"{company}/{market}", str(error), text)
            lists[company] = seen
        if self.outdated:
            return msgspec.structs.replace(self.seen, lists=lists)
        if absent:
            detail = f"{len(absent)} lists that were seen before are left out"
            self.findings.append(Finding("odds_absent", self.match_id, detail))
        malformed = any(reason is OddsReason.MALFORMED_ODDS for _, reason, _, _ in self.bad)
        return self._seen(b"" if malformed else body, self.rows, lists)

    def _seen(self, body: bytes, rows: int, lists: dict[str, dict[str, SeenList]]) -> SeenMatch:
        now = unix_minute(self.fetch)
        return SeenMatch(now, body, rows, now, self.fetch.fetch_id, lists)

    def _companies(self) -> Iterator[tuple[str, Mapping[str, msgspec.Raw]]]:
        stored = self.raw.stored(self.entry)
        try:
            yield from whole_history(stored).items()
            return
        except Malformed:
            pass  # Something in it is malformed: find out what, and go on with the rest.
        try:
            companies = companies_of(results_of(stored))
        except Malformed as error:
            raise Unusable(OddsReason.MALFORMED_ODDS, str(error)) from None
        for company, text in companies.items():
            try:
                yield company, markets_of(text)
            except Malformed as error:
                self._malformed(company, str(error), text)

    def _malformed(self, name: str, why: str, text: msgspec.Raw) -> None:
        self.bad.append((f"{self.match_id}/{name}", OddsReason.MALFORMED_ODDS, why, text))

    def _list(
        self, company: str, market: str, text: msgspec.Raw, seen: SeenList | None
    ) -> SeenList:
        """Take what is new of one market list. Raises Malformed where it is not a list."""
        if seen is None or not seen.count:
            return self._take(company, market, rows_of(text), text, None, {})
        behind_bracket = memoryview(text)[1:]
        added = len(behind_bracket) - seen.length
        ends_alike = added >= 0 and _digest(behind_bracket[added:]) == seen.digest
        if ends_alike and not added:
            self.already_seen += seen.count
            self.rows += seen.count
            return seen
        if ends_alike and behind_bracket[added - 1 : added] == b",":
            rows = rows_of(b"[%s]" % bytes(behind_bracket[: added - 1]))
            times = {seen.newest: seen.at_newest}
            if any(row.change_time < seen.newest for row in rows.good):
                older = rows_of(text).good[len(rows.good) :]
                times = dict(Counter(row.change_time for row in older))
            return self._take(company, market, rows, text, seen, times)
        return self._rewritten(company, market, text, seen)

    def _take(
        self,
        company: str,
        market: str,
        rows: Rows,
        text: msgspec.Raw,
        seen: SeenList | None,
        times: dict[int, int],
    ) -> SeenList:
        """Emit these rows, oldest first; `times` counts the older rows of the list by time."""
        count = seen.count if seen else 0
        self.already_seen += count
        self.rows += count + rows.count
        for row in reversed(rows.good):
            k = times.get(row.change_time, 0)
            times[row.change_time] = k + 1
            self.new.append(self._change(company, market, row, k))
        self._notice(company, market, rows, rows.bad)
        return _seen_list(count + rows.count, text, times)

    def _notice(self, company: str, market: str, rows: Rows, bad: Sequence[BadRow]) -> None:
        for row in bad:
            key = f"{self.match_id}/{company}/{market}"
            self.bad.append((key, OddsReason.BAD_ROW, row.why, row.raw))
        if rows.surplus:
            self.noticed.note("unknown_field", f"odds row[{ROW_LENGTH}]", self.match_id)
        for status in {row.status for row in rows.good}:
            self.noticed.unknown_code("status", status, STATUS_NAMES, self.match_id)
        for minute, times in Counter(row.minute for row in rows.good).items():
            if not is_readable_minute(minute):
                self._unread("odds.minute", minute, times)
        for score, times in Counter(row.score for row in rows.good).items():
            if score_of(score) is None:
                self._unread("odds.score", score, times)

    def _unread(self, field: str, text: str, times: int) -> None:
        where = f"{self.match_id}: {text[:_SHOWN]!r}"
        self.noticed.note(Unread.UNREAD_FIELD, field, where, times)

    def _change(
        self, company: str, market: str, row: OddsRow, k: int, *, withdrawn: bool = False
    ) -> OddsChange:
        phase = phase_of(row.minute, row.status, row.change_time, self.scheduled)
        return OddsChange(
            self.match_id,
            company,
            market,
            row.change_time,
            k,
            row.minute,
            row.v2,
            row.v3,
            row.v4,
            row.status,
            row.closed,
            row.score,
            phase is Phase.PRE_MATCH,
            withdrawn,
            self.number,
            self.fetch.fetch_id,
            self.first_seen,
            phase,
        )

    def _rewritten(self, company: str, market: str, text: msgspec.Raw, seen: SeenList) -> SeenList:
        """Compare a list in full with the one that was seen, and emit the differences."""
        rows = rows_of(text)
        self.rows += rows.count
        if self.entry.carried_from:
            self.outdated = True
            self.already_seen += rows.count
            return seen
        listed = _by_key(rows.good)
        before = self._seen_rows(company, market, seen)
        if before is None:
            added = {key: row for key, row in listed.items() if key[0] > seen.newest}
            removed: dict[tuple[int, int], OddsRow] = {}
            new_bad = list(rows.bad)
            what = "the list that was seen is not at hand, so rows taken back are not named"
        else:
            old = _by_key(before.good)
            added = {key: row for key, row in listed.items() if old.get(key) != row}
            removed = {key: row for key, row in old.items() if listed.get(key) != row}
            known_bad = {bytes(row.raw) for row in before.bad}
            new_bad = [row for row in rows.bad if bytes(row.raw) not in known_bad]
            what = f"{len(removed)} rows taken back, {len(added)} added"
        self.already_seen += rows.count - len(added) - len(new_bad)
        for (_, k), row in removed.items():
            self.new.append(self._change(company, market, row, k, withdrawn=True))
        for (_, k), row in added.items():
            self.new.append(self._change(company, market, row, k))
        self._notice(company, market, rows, new_bad)
        if before is None or not _ends_with(rows.good, before.good):
            key = f"{self.match_id}/{company}/{market}"
            self.findings.append(Finding("history_rewritten", key, what))
        return _seen_list(rows.count, text, dict(Counter(row.change_time for row in rows.good)))

    def _seen_rows(self, company: str, market: str, seen: SeenList) -> Rows | None:
        """The list as it was seen, from the fetch that showed it."""
        if self.earlier is None:
            return None
        read = datetime.fromtimestamp(self.seen.read * 60, UTC)
        raw = self.earlier(FetchRef.of(Slot.implied(self.fetch.feed, read), self.seen.fetch_id))
        if raw is None:
            return None
        try:
            _, companies = Fetched(raw).companies(self.match_id)
            text = markets_of(companies[company])[market]
        except (PartMissing, Malformed, KeyError):
            return None
        behind_bracket = memoryview(text)[1:]
        if (len(behind_bracket), _digest(behind_bracket)) != (seen.length, seen.digest):
            return None
        return rows_of(text)


def unix_minute(fetch: FetchRef) -> int:
    return int(fetch.at.timestamp()) // 60


def _digest(text: memoryview) -> bytes:
    return hashlib.sha256(text).digest()[:DIGEST_BYTES]


def _seen_list(count: int, text: msgspec.Raw, times: Mapping[int, int]) -> SeenList:
    behind_bracket = memoryview(text)[1:]
    newest = max(times, default=-(2**63))
    digest = _digest(behind_bracket)
    return SeenList(count, len(behind_bracket), digest, newest, times.get(newest, 0))


def _by_key(newest_first: Sequence[OddsRow]) -> dict[tuple[int, int], OddsRow]:
    """Rows by change time and ordinal, oldest first."""
    times: Counter[int] = Counter()
    keyed = {}
    for row in reversed(newest_first):
        keyed[row.change_time, times[row.change_time]] = row
        times[row.change_time] += 1
    return keyed


def _ends_with(rows: Sequence[OddsRow], tail: Sequence[OddsRow]) -> bool:
    return len(rows) >= len(tail) and rows[len(rows) - len(tail) :] == tail


def set_aside(staged: Staged[OddsChange], key: str, reason: str, why: str, raw: object) -> None:
    """Quarantine one record: a row, a list or a whole answer."""
    with staged.one_record(key, raw):
        staged.quarantine(reason, key, detail=why, raw=raw)
