"""Sum what runs have added, by stage: JSON for scripts, a table for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipeline_assets.run import StepReport
from touchline.accounting import Account


@dataclass
class StageTotals:
    """Sums over runs, by asset in the order of the chain. `seconds` are of the wall clock."""

    fetches: Counter[str] = field(default_factory=Counter)
    """How many fetches were added: landed, or put in another's place."""
    unchanged: Counter[str] = field(default_factory=Counter)
    """How many fetches came out as they stand."""
    accounts: dict[str, Account] = field(default_factory=dict)
    """The records of the fetches that were added."""
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, steps: Mapping[str, StepReport]) -> None:
        for asset, step in steps.items():
            self.fetches[asset] += len(step.added)
            self.unchanged[asset] += len(step.landed) - len(step.added)
            self.accounts[asset] = self.accounts.get(asset, Account()) + step.account
            self.seconds[asset] += step.seconds

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types, by the last part of each asset's name."""
        return {
            asset.rpartition("/")[2]: {
                "fetches": self.fetches[asset],
                "unchanged": self.unchanged[asset],
                **account.as_dict(),
                "seconds": round(self.seconds[asset], 2),
            }
            for asset, account in self.accounts.items()
        }

    def table(self, title: str) -> Table:
        """80 columns wide. What was received is the sum of emitted, dropped and quarantined."""
        table = Table(title=title, box=SIMPLE_HEAD, padding=0)
        table.add_column("asset", no_wrap=True)
        for column in ("fetches", "unchanged", "emitted", "dropped", "quarantined", "seconds"):
            table.add_column(column, justify="right")
        for asset, account in self.accounts.items():
            table.add_row(
                asset.rpartition("/")[2],
                f"{self.fetches[asset]:,}",
                f"{self.unchanged[asset]:,}",
                f"{account.emitted:,}",
                f"{sum(account.dropped.values()):,}",
                f"{sum(account.quarantined.values()):,}",
                f"{self.seconds[asset]:.1f}",
            )
        return table


def failures_of(steps: Mapping[str, StepReport]) -> list[str]:
    """Return a line for each fetch or step that failed, with its asset."""
    return [f"{asset}: {failure}" for asset, step in steps.items() for failure in step.failures]
