"""When raw assets are to be fetched for a day, where data such as a calendar say that."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, insert, select

from resources.ledger import tables
from resources.ledger.book import Book, untold
from resources.watch_layout import plans_key
from touchline.day import Day, FetchNumber
from touchline.day_plan import DayPlan, PlansOf, in_force


class PlanBook(Book):
    """Plans of days."""

    def plans(self, raw: str, day: Day) -> list[DayPlan]:
        """Return the plans of a raw asset's day, oldest first."""
        with self._database.read() as connection:
            return self._plans(connection, raw, day)

    def plans_of(self, raw: str) -> PlansOf:
        """Return what gives the plans of a raw asset's days."""
        return partial(self.plans, raw)

    def planned_days(self, raw: str, first: Day, last: Day) -> list[Day]:
        """Return the days between these two, and these, that have a plan, oldest first."""
        table = tables.plans
        rows = self._rows(
            select(table.c.day)
            .where(
                table.c.prefix == self.prefix,
                table.c.raw == raw,
                table.c.day.between(first, last),
            )
            .distinct()
            .order_by(table.c.day)
        )
        return [row.day for row in rows]

    def plan_day(self, raw: str, day: Day, numbers: Collection[FetchNumber], at: datetime) -> bool:
        """Record that the day is to have slots of these numbers, as is known at this time. Return
        whether that changes any slot whose time has not come: only then there is another plan."""
        new = DayPlan(at, tuple(sorted(set(numbers))))
        with self._database.write() as transaction:
            plans = self._plans(transaction.connection, raw, day)
            if plans and at <= plans[-1].made_at:
                return False
            if in_force(day, [*plans, new]) == in_force(day, plans):
                return False
            self._add(transaction.connection, raw, day, [new])
            untold(transaction, self.prefix, raw.partition("/")[0], plans_key(raw, day))
        return True

    def rebuild_plans(self, raw: str, day: Day, plans: Iterable[DayPlan]) -> int:
        """Add the plans that the ledger does not know; return how many."""
        with self._database.write() as transaction:
            known = {plan.made_at for plan in self._plans(transaction.connection, raw, day)}
            new = [plan for plan in plans if plan.made_at not in known]
            self._add(transaction.connection, raw, day, new)
        return len(new)

    def _plans(self, connection: Connection, raw: str, day: Day) -> list[DayPlan]:
        table = tables.plans
        rows = connection.execute(
            select(table.c.made_at, table.c.numbers)
            .where(table.c.prefix == self.prefix, table.c.raw == raw, table.c.day == day)
            .order_by(table.c.made_at)
        )
        return [DayPlan(row.made_at, row.numbers) for row in rows]

    def _add(self, connection: Connection, raw: str, day: Day, plans: Collection[DayPlan]) -> None:
        of_day = {"prefix": self.prefix, "raw": raw, "day": day}
        if plans:
            rows = [{**of_day, "made_at": p.made_at, "numbers": p.numbers} for p in plans]
            connection.execute(insert(tables.plans), rows)
