"""A feed of three small stages on football's real fetches: what the frame does, without waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from pipeline_assets.football.plan import client
from pipeline_assets.football.quarantine import quarantine_stage
from pipeline_assets.football.raw_fetches import match_keys, raw_fetches
from touchline.fetch import Envelope, FetchRef
from touchline.plan import FeedPlan
from touchline.stage import Stage, Staged

RAW = raw_fetches.name
SEEN_BEFORE = "seen_before"


class Reason(StrEnum):
    SEEN_BEFORE = "seen_before"


class Head(msgspec.Struct, frozen=True):
    """A match of the live list."""

    match_id: str


class Seen(msgspec.Struct, frozen=True):
    """Every match that was seen so far."""

    matches: list[str]


def heads(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
    staged = Staged[Head]()
    for key in match_keys(raw):
        with staged.one_record(key):
            staged.emit(Head(key))
    return staged


def newcomers(fetch: FetchRef, raw: Envelope, *, carried: Seen | None) -> Staged[Head]:
    """Each match once, in the first fetch that shows it."""
    before = carried.matches if carried else []
    staged = Staged[Head](carried=Seen(sorted({*before, *match_keys(raw)})))
    for key in match_keys(raw):
        with staged.one_record(key):
            if key in before:
                staged.drop(Reason.SEEN_BEFORE, key)
            else:
                staged.emit(Head(key))
    return staged


def echoes(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    staged = Staged[Head]()
    staged.emit_many(list(heads))
    return staged


def _stage(by: Callable[..., Staged[Head]], source: str, **more: Any) -> Stage[Head]:
    return Stage(
        name=f"football/{by.__name__}",
        inputs=(source,),
        makes=Head,
        by=by,
        key=lambda head: head.match_id,
        reasons=Reason,
        counts="matches",
        doc=f"The {by.__name__}.",
        **more,
    )


HEADS = _stage(heads, RAW)
NEWCOMERS = _stage(newcomers, RAW, ordered=True, carries=Seen)
ECHOES = _stage(echoes, HEADS.name)


def small_plan(**by: Callable[..., Staged[Any]]) -> FeedPlan:
    """The plan, with other functions in the place of `heads`, `newcomers` or `echoes`."""
    stages = [
        replace(stage, by=by.pop(stage.short_name, stage.by))
        for stage in (HEADS, NEWCOMERS, ECHOES)
    ]
    assert not by, by
    return FeedPlan((raw_fetches,), (*stages, quarantine_stage(*stages)), client)


def fails(fetch: FetchRef, *inputs: Any, **carried: Any) -> Staged[Head]:
    raise ZeroDivisionError("a mistake in this stage")


def refuses_one(fetch: FetchRef, raw: Envelope) -> Staged[Head]:
    """One match of each fetch is more than this stage can take."""
    staged = Staged[Head]()
    for place, key in enumerate(match_keys(raw)):
        with staged.one_record(key):
            if place == 0:
                raise ZeroDivisionError("a mistake over this match")
            staged.emit(Head(key))
    return staged
