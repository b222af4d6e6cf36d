"""Messages on their way, whatever they are about: who tries the delivery, and how it went."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Table, and_, or_, select, update

from resources.ledger import tables
from resources.ledger.book import Book, record, storable
from resources.ledger.database import Transaction
from touchline.day import Day
from touchline.delivery import (
    FAILURE_SHOWN,
    AlertDelivery,
    DeliveryState,
    MatchAlert,
    Message,
)
from touchline.notices import Notice

M = TypeVar("M", bound=Message)

_TABLES: dict[type[Message], Table] = {Notice: tables.notices, AlertDelivery: tables.outbox}
_DELIVERY = ("state", "attempts", "due_at", "last_error", "ended_at")


class DeliveryBook(Book):
    """Several processes may deliver at once: one of them takes each message."""

    def due(self, kind: type[M], now: datetime) -> list[M]:
        """The messages whose delivery is to be tried by now, oldest first."""
        table = _TABLES[kind]
        is_due = table.c.state == DeliveryState.PENDING, table.c.due_at <= now
        query = select(table).where(table.c.prefix == self.prefix, *is_due)
        return [record(kind, row) for row in self._rows(query.order_by(table.c.sequence))]

    def take(self, message: Message, until: datetime) -> bool:
        """Whether it is the caller's to deliver: of several who ask, one's. Nobody else gets it
        until then, and somebody does after that where the caller has not said how it went."""
        table = _TABLES[type(message)]
        taken = (
            update(table)
            .where(table.c.sequence == message.sequence)
            .where(table.c.state == DeliveryState.PENDING, table.c.due_at == message.due_at)
            .values(due_at=until)
        )
        with self._database.write() as transaction:
            return transaction.connection.execute(taken).rowcount == 1

    def delivered(self, message: M, at: datetime) -> M:
        return self.settle(message.ended(DeliveryState.SENT, at))

    def not_delivered(self, message: M, error: str, targets: int, at: datetime) -> M:
        """Record a try that failed, and return when the next one is, or that there is none."""
        return self.settle(message.refused(storable(error), targets, at))

    def settle(self, message: M) -> M:
        """How its delivery stands now."""
        table = _TABLES[type(message)]
        changed = {name: getattr(message, name) for name in _DELIVERY}
        with self._database.write() as transaction:
            transaction.connection.execute(
                update(table).where(table.c.sequence == message.sequence).values(changed)
            )
        return message

    # --- alerts about matches --------------------------------------------------------------------

    def post(self, alerts: list[MatchAlert], at: datetime) -> int:
        """Put these into the outbox, but for those whose rule and subject stand there already,
        whatever became of them; how many are new."""
        with self._database.write() as transaction:
            return sum(self._post(transaction, alert, at) for alert in alerts)

    def _post(self, transaction: Transaction, alert: MatchAlert, at: datetime) -> bool:
        table = tables.outbox
        key = {"prefix": self.prefix, "rule_id": alert.rule_id, "subject_id": alert.subject_id}
        known = select(table.c.sequence).where(*(table.c[n] == v for n, v in key.items()))
        if transaction.connection.execute(known).first() is not None:
            return False
        row = AlertDelivery(
            sequence=transaction.take_number(),
            feed=alert.ref.feed,
            day=alert.ref.day,
            title=storable(alert.title),
            body=storable(alert.text),
            made_at=at,
            state=DeliveryState.PENDING if alert.is_news else DeliveryState.UNKNOWN,
            attempts=0,
            due_at=at if alert.is_news else None,
            last_error=None,
            ended_at=None,
            asset=alert.asset,
            number=alert.ref.number,
            fetch_id=alert.ref.fetch_id,
            rule_id=alert.rule_id,
            subject_id=alert.subject_id,
            fired_at=at if alert.is_lasting else alert.ref.at,
        )
        transaction.connection.execute(table.insert().values({**key, **vars(row)}))
        return True

    def match_alerts(self, day: Day, asset: str | None = None) -> list[AlertDelivery]:
        """Those of a day, oldest first."""
        table = tables.outbox
        query = select(table).where(table.c.prefix == self.prefix, table.c.day == day)
        if asset is not None:
            query = query.where(table.c.asset == asset)
        rows = self._rows(query.order_by(table.c.fired_at, table.c.sequence))
        return [record(AlertDelivery, row) for row in rows]

    def undelivered_alerts(self, now: datetime, feed: str | None = None) -> list[AlertDelivery]:
        """Those that should have reached somebody and have not, oldest first; failed ones for as
        long as they call for somebody."""
        table = tables.outbox
        recent = table.c.ended_at > now - FAILURE_SHOWN
        failed = and_(table.c.state == DeliveryState.FAILED, recent)
        query = select(table).where(
            table.c.prefix == self.prefix, or_(table.c.state == DeliveryState.PENDING, failed)
        )
        if feed is not None:
            query = query.where(table.c.feed == feed)
        rows = self._rows(query.order_by(table.c.sequence))
        alerts = [record(AlertDelivery, row) for row in rows]
        return [alert for alert in alerts if alert.is_alarming(now)]
