"""What every command does with an error: one line on stderr and an exit code.

Errors that say themselves what is wrong end a command with their text. Any other is a defect of
ours and keeps its traceback.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from operations.console import failure

BAD = 1
UNKNOWN = 2
EXIT_CODES = {"OK": 0, "BAD": BAD, "COULD_NOT_CHECK": UNKNOWN}
"""Of a command by the verdict that it tells."""


class Misused(Exception):
    """What was asked for does not exist or makes no sense; the text is one line that says what
    would."""


class Commands(TyperGroup):
    """The group of all commands: `typer.Typer(cls=Commands)`."""

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            raise failure(_in_one_line(error), code) from None


def exit_code(error: Exception) -> int | None:
    """1 where something stored is bad, 2 where nothing could be told; None for a defect."""
    from operations.opened import NothingThere
    from pipeline_assets.day_lock import DayAtWork
    from pipeline_assets.housekeeping import DagsterUnreadable
    from pipeline_assets.load import UnknownAsset
    from pipeline_assets.repair.plan import PlanOutdated
    from resources.embedded_s3 import EmbeddedS3Error
    from resources.fetch_object import UnreadableObject
    from resources.lake.errors import DamagedLake
    from resources.ledger import LedgerUnavailable
    from resources.object_store import StoreError
    from resources.settings import SettingsError
    from resources.site import WrongOrigin
    from resources.stage_codec import UnreadableStageObject
    from touchline.fetch import UnreadableFetch

    if isinstance(
        error,
        UnreadableObject
        | UnreadableStageObject
        | UnreadableFetch
        | DamagedLake
        | DayAtWork
        | PlanOutdated,
    ):
        return BAD
    if isinstance(
        error,
        Misused
        | SettingsError
        | NothingThere
        | UnknownAsset
        | WrongOrigin
        | DagsterUnreadable
        | StoreError
        | LedgerUnavailable
        | EmbeddedS3Error,
    ):
        return UNKNOWN
    return None


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
