"""What every command does with an error: it says why on stderr and ends with an exit code.

An error that says itself what is wrong ends a command with its text, in one line. Any other is a
defect of Touchline and keeps its traceback. With `--json` among the arguments, either one is also
told to the caller: one JSON object on stdout, whose kinds docs/errors.md lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from operations.console import failure

BAD = 1
UNKNOWN = 2
INTERRUPTED = 130
EXIT_CODES = {"OK": 0, "BAD": BAD, "COULD_NOT_CHECK": UNKNOWN}
"""Of a command by the verdict that it tells."""

USAGE = "usage"
AMBIGUOUS = "ambiguous"
DEFECT = "defect"
_WANTS_JSON = "touchline.wants_json"


class Misused(Exception):
    """What was asked for does not exist or makes no sense; the text is one line that says what
    would."""


class Ambiguous(Misused):
    """A name that fits several things; `choices` says for each what to say instead, and what it
    is."""

    def __init__(self, message: str, choices: Mapping[str, str]) -> None:
        super().__init__(message)
        self.choices = choices


@dataclass(frozen=True)
class Failure:
    """What a command says of an error, and the exit code that it ends with."""

    kind: str
    """Lower snake case; scripts rely on it."""
    message: str
    advice: str | None = None
    """The command that helps next, or what else to do."""
    code: int = UNKNOWN
    choices: Mapping[str, str] = field(default_factory=dict)
    """The choices of an `Ambiguous` error: what each id stands for."""

    def as_json(self) -> str:
        said = {"kind": self.kind, "message": self.message, "advice": self.advice}
        return json.dumps({"error": said | ({"choices": self.choices} if self.choices else {})})

    def as_text(self) -> str:
        return "\n".join(
            [self.message, *(f"  {say}  {what}" for say, what in self.choices.items())]
        )


class Commands(TyperGroup):
    """The group of all commands: `typer.Typer(cls=Commands)`."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **named: Any) -> Any:
        wants_json = "--json" in args  # Parsing takes them out of the list.
        with _told(wants_json):
            context = super().make_context(info_name, args, *rest, **named)
        context.meta[_WANTS_JSON] = wants_json
        return context

    def invoke(self, ctx: typer.Context) -> Any:
        with _told(ctx.meta[_WANTS_JSON]):
            return super().invoke(ctx)


@contextmanager
def _told(wants_json: bool) -> Iterator[None]:
    """Turn an error into its text and exit code. The result of a command is no error: it has
    written that itself, and ends with `typer.Exit`."""

    def tell(failed: Failure) -> None:
        if wants_json:
            typer.echo(failed.as_json())

    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except TyperException as error:  # Typer says it on stderr, with the usage.
        tell(_misuse(error))
        raise
    except KeyboardInterrupt:
        tell(Failure("interrupted", "the command was interrupted", None, INTERRUPTED))
        raise
    except Exception as error:
        failed = failure_of(error)
        if failed is None:
            tell(Failure(DEFECT, f"{type(error).__name__}: {_in_one_line(error)}", None, BAD))
            raise
        tell(failed)
        raise failure(failed.as_text(), failed.code) from None


def _misuse(error: TyperException) -> Failure:
    """Of an option or argument that Typer refuses."""
    context: typer.Context | None = getattr(error, "ctx", None)
    advice = f"{context.command_path} --help" if context else None
    return Failure(USAGE, " ".join(error.format_message().split()), advice, error.exit_code)


def failure_of(error: Exception) -> Failure | None:
    """What to say of an error: as its class is listed, else as the nearest listed class that it is
    made from. An error may say what helps in `do`. None for a defect."""
    message = _in_one_line(error)
    if isinstance(error, Ambiguous):
        return Failure(AMBIGUOUS, message, choices=error.choices)
    if isinstance(error, Misused):  # Nothing is imported for it.
        return Failure(USAGE, message)
    known = kinds()
    for each in type(error).__mro__:
        if found := known.get(each):
            kind, code, advice = found
            return Failure(kind, message, getattr(error, "do", advice), code)
    return None


def kinds() -> dict[type, tuple[str, int, str | None]]:
    """Kind, exit code and advice by class of error: 1 where something stored is bad, 2 where
    nothing could be told."""
    from operations import opened
    from pipeline_assets.day_lock import DayAtWork
    from pipeline_assets.housekeeping import DagsterUnreadable
    from pipeline_assets.load import UnknownAsset
    from pipeline_assets.repair.plan import PlanOutdated
    from resources import day_store, ledger, store
    from resources.embedded_s3 import EmbeddedS3Error
    from resources.expired_days import DayExpired
    from resources.fetch_object import UnreadableObject
    from resources.lake.errors import DamagedLake, LakeError
    from resources.mirror_marker import MirrorRefused
    from resources.settings import SettingsError
    from resources.site import WrongOrigin
    from resources.stage_codec import UnreadableStageObject
    from touchline.fetch import UnreadableFetch

    look_deep, see_store = "touchline verify --all --deep", "touchline doctor"
    return {
        UnknownAsset: (USAGE, UNKNOWN, None),
        SettingsError: ("settings", UNKNOWN, "touchline doctor"),
        opened.LedgerMissing: ("ledger_missing", UNKNOWN, "touchline up"),
        opened.StoreMissing: ("store_missing", UNKNOWN, "touchline up"),
        opened.NothingThere: ("nothing_there", UNKNOWN, None),
        ledger.LedgerUnavailable: ("ledger_unavailable", UNKNOWN, None),
        ledger.LedgerDamaged: ("ledger_damaged", UNKNOWN, None),
        ledger.LedgerTooNew: ("ledger_too_new", UNKNOWN, None),
        DagsterUnreadable: ("dagster_unreadable", UNKNOWN, None),
        EmbeddedS3Error: ("embedded_store", UNKNOWN, None),
        store.StoreError: ("store", UNKNOWN, see_store),
        store.StoreUnavailable: ("store_unavailable", UNKNOWN, see_store),
        store.StoreFull: ("store_full", UNKNOWN, "make room in the store"),
        store.AccessRefused: ("access_refused", UNKNOWN, see_store),
        store.NoCredentials: ("no_credentials", UNKNOWN, see_store),
        store.NoSuchBucket: ("no_such_bucket", UNKNOWN, see_store),
        store.NotFound: ("object_missing", UNKNOWN, look_deep),
        store.Corrupted: ("object_corrupted", UNKNOWN, look_deep),
        store.Conflicting: ("conflicting_write", UNKNOWN, "run the command again"),
        store.PreconditionFailed: ("conflicting_write", UNKNOWN, "run the command again"),
        store.NotSupported: ("store_not_supported", UNKNOWN, see_store),
        day_store.Damaged: ("object_damaged", UNKNOWN, look_deep),
        day_store.WouldErase: ("would_erase", UNKNOWN, None),
        DayExpired: ("day_expired", UNKNOWN, None),
        MirrorRefused: ("mirror_refused", UNKNOWN, None),
        LakeError: ("lake", UNKNOWN, None),
        DamagedLake: ("lake_damaged", BAD, look_deep),
        WrongOrigin: ("wrong_origin", UNKNOWN, None),
        UnreadableObject: ("object_unreadable", BAD, look_deep),
        UnreadableStageObject: ("object_unreadable", BAD, look_deep),
        UnreadableFetch: ("object_unreadable", BAD, look_deep),
        DayAtWork: ("day_at_work", BAD, "run the command again when the day's work has ended"),
        PlanOutdated: ("plan_outdated", BAD, "run the command again"),
    }


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
