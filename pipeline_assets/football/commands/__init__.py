"""The commands that football brings, each loaded when it is called."""

from __future__ import annotations

from collections.abc import Callable

from touchline.brought import Command, Work


def _lags() -> Callable[..., Work]:
    """Show which companies move the price before the score text at a goal, and by how much."""
    from pipeline_assets.football.commands.lags import lags

    return lags


def _backtest() -> Callable[..., Work]:
    """Run an alert rule over days that have landed: where it fires, and how that turned out."""
    from pipeline_assets.football.commands.backtest import backtest

    return backtest


COMMANDS: dict[str, Command] = {"lags": _lags, "backtest": _backtest}
