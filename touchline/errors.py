"""The errors of Touchline: one tree, in which each class says how a command ends with it.

A family is named after what went wrong, and decides the exit code:

- Bad: something stored is bad, or the work failed over it (1);
- Unavailable: nothing could be told (2);
- Misuse: the caller's mistake (2).

Beside the families stand errors that others here catch and turn into an account's reason, a finding
or a message of their own. Behind a class stands its kind, where it has one of its own; a class with
two parents stands below the first.

    TouchlineError
        Bad
            DamagedLake (lake_damaged)
                ManifestGone
            DayAtWork (day_at_work)
            PlanOutdated (plan_outdated)
            Unreadable (object_unreadable)
                Torn
                UnreadableContent
                UnreadableFetch
                UnreadableLog
                UnreadableObject
                    UnlikeItsFetches
                UnreadableStageObject
                UnreadableWindow
        Unavailable
            DagsterUnreadable (dagster_unreadable)
            EmbeddedS3Error (embedded_store)
                ServerEndedError
            LedgerUnavailable (ledger_unavailable)
                LedgerDamaged (ledger_damaged)
                LedgerTooNew (ledger_too_new)
            NothingThere (nothing_there)
                LedgerMissing (ledger_missing)
                StoreMissing (store_missing)
            StoreError (store)
                AccessRefused (access_refused)
                    NoCredentials (no_credentials)
                Conflicting (conflicting_write)
                Corrupted (object_corrupted)
                Damaged (object_damaged)
                DamagedExpiry
                DamagedRemark
                DamagedWatchRecord
                DayExpired (day_expired)
                LakeError (lake)
                    NotAbove
                    SchemaConflict
                    Unaccounted
                    WouldErase
                MirrorRefused (mirror_refused)
                NoSuchBucket (no_such_bucket)
                NotFound (object_missing)
                NotSupported (store_not_supported)
                PreconditionFailed (conflicting_write)
                StoreUnavailable (store_unavailable)
                    StoreFull (store_full)
                WouldErase (would_erase)
        Misuse (usage)
            Ambiguous (ambiguous)
            Malformed
            NoCapture
            SettingsError (settings)
            UnknownAsset
            WrongOrigin (wrong_origin)
        BadParameterError
        BudgetSpent
        CalendarUnknown
        DataDirectoryError
        Malformed
        Malformed
        Moved
        NoReturn
        NotDelivered
        NotYet
        PartMissing
        RefusedError
        SpoolNotKept
        StateNotKept
        Stopping
        UnfitForWindow
        UnreadParameterError
        Unsendable
        Unusable
            Malformed
        UpError
            ChildFailed
"""

from __future__ import annotations

from collections.abc import Mapping


class TouchlineError(Exception):
    """The root. `kind`, `exit_code` and `advice` are what a command tells of the error: each class
    has its own or those of its parent, and an instance may be given other advice.

    A class of none of the three families never reaches a caller: if it does, that is a defect.
    """

    kind = "defect"
    """Lower snake case; scripts rely on it, and docs/errors.md lists all."""
    exit_code = 1
    advice: str | None = None
    """The command that helps next, or what else to do."""

    def __init__(self, *args: object, advice: str | None = None) -> None:
        super().__init__(*args)
        if advice is not None:
            self.advice = advice


class Bad(TouchlineError):
    """Something stored is bad, or the work failed over it."""

    exit_code = 1


class Unreadable(Bad, ValueError):
    """What is stored cannot be decoded, or is not what it was when it was stored."""

    kind = "object_unreadable"
    advice = "touchline verify --all --deep"


class Unavailable(TouchlineError):
    """Nothing could be told or done: a store, a ledger or a process gives nothing usable now."""

    exit_code = 2


class NothingThere(Unavailable):
    """What a command reads is not where the settings say; the text says where."""

    kind = "nothing_there"


class Misuse(TouchlineError):
    """The caller's mistake: what was asked for does not exist or makes no sense. The text is one
    line that says what would."""

    kind = "usage"
    exit_code = 2


class Ambiguous(Misuse):
    """A name that fits several things; `choices` says for each what to say instead, and what it
    is."""

    kind = "ambiguous"

    def __init__(self, message: str, choices: Mapping[str, str]) -> None:
        super().__init__(message)
        self.choices = choices
