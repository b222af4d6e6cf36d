"""Alerts about verdicts, the notices that tell of them, and what each check said last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from resources.ledger import tables
from resources.ledger.book import record, storable
from resources.ledger.database import Transaction
from resources.ledger.deliveries import DeliveryBook
from touchline.alerting import (
    SILENT,
    UNPLACED,
    Alert,
    AlertKey,
    AlertState,
    Evaluation,
    Hush,
    due,
    judged,
    silenced,
    told,
    unmuted,
)
from touchline.day import Day
from touchline.delivery import DeliveryState
from touchline.notices import Notice, body, title

_KEY = ("check", "asset", "day", "cause")


class AlertBook(DeliveryBook):
    """What was said is kept in one transaction with what follows from it, so that nothing is told
    twice and nothing is forgotten, wherever a process dies."""

    def judge(self, evaluations: Iterable[Evaluation]) -> list[Alert]:
        """Take in what checks said, oldest first, and return the alerts as they changed, one for
        each change. The same evaluations again change nothing."""
        changes: list[Alert] = []
        with self._database.write() as transaction:
            known = self._alerts_in(transaction, [s for s in AlertState if s is not s.CLOSED])
            for said in evaluations:
                if UNPLACED not in said.causes:
                    self._say(transaction, said)
                of_it = known.setdefault((said.check, said.asset, said.day), {})
                for cause in said.causes:
                    # A closed one is looked up where it may come back: there is no end to them.
                    if cause not in of_it and (found := self._found(transaction, said, cause)):
                        of_it[cause] = found
                for alert in judged(of_it.values(), said):
                    of_it[alert.key.cause] = alert
                    changes.append(alert)
            self._keep(transaction, {alert.key: alert for alert in changes}.values())
        return changes

    def judge_silence(
        self, silent_since: Mapping[tuple[str, str, Day], datetime], now: datetime
    ) -> list[Alert]:
        """Take in which checks, by check, asset and day, have been silent for too long, and since
        when; return the alerts that changed."""
        table = tables.alerts
        with self._database.write() as transaction:
            query = select(table).where(table.c.prefix == self.prefix, table.c.cause == SILENT)
            known = [_alert(row) for row in transaction.connection.execute(query)]
            changed = silenced(known, silent_since, now)
            self._keep(transaction, changed)
        return changed

    def newest_verdicts(self, feed: str, day: Day) -> dict[tuple[str, str], datetime]:
        """When each check of a feed's assets said last what it found on this day, by check and
        asset."""
        table = tables.verdicts
        rows = self._rows(
            select(table.c.check, table.c.asset, table.c.at).where(
                table.c.prefix == self.prefix,
                table.c.day == day,
                table.c.asset.startswith(f"{feed}/"),
            )
        )
        return {(row.check, row.asset): row.at for row in rows}

    def alerts(self, day: Day | None = None, feed: str | None = None) -> list[Alert]:
        """Every alert that is not closed, and of a given day the closed ones too, by key."""
        table = tables.alerts
        which: list[ColumnElement[bool]] = [table.c.prefix == self.prefix]
        which.append(table.c.state != AlertState.CLOSED if day is None else table.c.day == day)
        if feed is not None:
            which.append(table.c.asset.startswith(f"{feed}/"))
        return sorted((_alert(row) for row in self._rows(select(table).where(*which))), key=_by_key)

    def hush(
        self, key: AlertKey, hush: Hush, how: Callable[[Alert, Hush, datetime], Alert], at: datetime
    ) -> Alert | None:
        """Change an alert as `muted` or `acknowledged` do; None when there is no such alert."""
        with self._database.write() as transaction:
            alert = self._at(transaction, key)
            if alert is None:
                return None
            hushed = Hush(hush.until, storable(hush.by), storable(hush.why))
            after = how(alert, hushed, at)
            self._keep(transaction, [after])
            self._notices_seen(transaction, key, at)
            return after

    def unmute(self, key: AlertKey, at: datetime) -> Alert | None:
        """Lift an alert's mute; None when there is no such alert."""
        with self._database.write() as transaction:
            alert = self._at(transaction, key)
            if alert is None:
                return None
            after = unmuted(alert, at)
            self._keep(transaction, [after])
            return after

    # --- notices ---------------------------------------------------------------------------------

    def tell(self, now: datetime, targets: int) -> list[Notice]:
        """Make a notice of whatever is to be told by now; without a target it is kept unsent."""
        made: list[Notice] = []
        with self._database.write() as transaction:
            open_ones = self._alerts_in(transaction, [AlertState.OPEN, AlertState.OVER])
            groups = due((a for of_it in open_ones.values() for a in of_it.values()), now)
            for group in groups:
                notice = Notice(
                    sequence=transaction.take_number(),
                    feed=group[0].key.feed,
                    day=group[0].key.day,
                    title=title(group),
                    body=body(group, self.prefix),
                    about=[str(alert.key) for alert in group],
                    made_at=now,
                    state=DeliveryState.PENDING if targets else DeliveryState.KEPT,
                    attempts=0,
                    due_at=now if targets else None,
                    last_error=None,
                    ended_at=None,
                )
                row = {"prefix": self.prefix, **vars(notice)}
                transaction.connection.execute(insert(tables.notices).values(row))
                self._keep(transaction, [told(alert, now) for alert in group])
                made.append(notice)
        return made

    def notices(self, *states: DeliveryState) -> list[Notice]:
        """Those in these states, oldest first."""
        table = tables.notices
        rows = self._rows(
            select(table)
            .where(table.c.prefix == self.prefix, table.c.state.in_(states))
            .order_by(table.c.sequence)
        )
        return [record(Notice, row) for row in rows]

    def notices_of(self, day: Day) -> list[Notice]:
        """Those about alerts of a day, oldest first."""
        table = tables.notices
        query = select(table).where(table.c.prefix == self.prefix, table.c.day == day)
        return [record(Notice, row) for row in self._rows(query.order_by(table.c.sequence))]

    def _notices_seen(self, transaction: Transaction, key: AlertKey, at: datetime) -> None:
        """Whoever mutes or acknowledges an alert has seen what could not be delivered of it."""
        table = tables.notices
        failed = table.c.prefix == self.prefix, table.c.state == DeliveryState.FAILED
        query = select(table.c.sequence, table.c.about).where(*failed, table.c.day == key.day)
        for row in transaction.connection.execute(query).all():
            if str(key) in row.about:
                seen = update(table).where(table.c.sequence == row.sequence)
                transaction.connection.execute(seen.values(state=DeliveryState.SEEN, ended_at=at))

    # --- rows ------------------------------------------------------------------------------------

    def _say(self, transaction: Transaction, said: Evaluation) -> None:
        transaction.upsert(
            tables.verdicts,
            {
                "prefix": self.prefix,
                "asset": said.asset,
                "day": said.day,
                "check": said.check,
                "verdict": said.verdict,
                "at": said.at,
            },
        )

    def _alerts_in(
        self, transaction: Transaction, states: Sequence[AlertState]
    ) -> dict[tuple[str, str, Day], dict[str, Alert]]:
        """By check, asset and day, then by cause."""
        table = tables.alerts
        query = select(table).where(table.c.prefix == self.prefix, table.c.state.in_(states))
        found: dict[tuple[str, str, Day], dict[str, Alert]] = {}
        for row in transaction.connection.execute(query):
            alert = _alert(row)
            of_it = found.setdefault((alert.key.check, alert.key.asset, alert.key.day), {})
            of_it[alert.key.cause] = alert
        return found

    def _found(self, transaction: Transaction, said: Evaluation, cause: str) -> Alert | None:
        return self._at(transaction, AlertKey(said.check, said.asset, said.day, cause))

    def _at(self, transaction: Transaction, key: AlertKey) -> Alert | None:
        table = tables.alerts
        of_key = [table.c[name] == getattr(key, name) for name in _KEY]
        query = select(table).where(table.c.prefix == self.prefix, *of_key)
        row = transaction.connection.execute(query).first()
        return None if row is None else _alert(row)

    def _keep(self, transaction: Transaction, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            columns = {name: value for name, value in vars(alert).items() if name != "key"}
            transaction.upsert(tables.alerts, {"prefix": self.prefix, **vars(alert.key), **columns})


def _alert(row: Row[Any]) -> Alert:
    return record(Alert, row, key=record(AlertKey, row))


def _by_key(alert: Alert) -> AlertKey:
    return alert.key
