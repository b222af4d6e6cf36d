"""The site that a command works on, opened from the settings and closed again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from pipeline_assets.plans import PLANS, watched
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import connected
from resources.env_file import ENV_FILE
from resources.known_days import known_days
from resources.ledger import Ledger, LedgerUnavailable
from resources.processes import ProcessId
from resources.settings import Settings
from resources.site import Site
from touchline.clock import Clock
from touchline.day import Day
from touchline.errors import Misuse, NothingThere
from touchline.plan import FeedPlan


class LedgerMissing(NothingThere):
    """There is no ledger."""

    kind = "ledger_missing"
    advice = "touchline up"


class StoreMissing(NothingThere):
    """There is no object store."""

    kind = "store_missing"
    advice = "touchline up"


def settings_for(prefix: str | None = None, **overrides: Any) -> AllSettings:
    """The settings of a command whose `--prefix` wins over the setting. Raises SettingsError."""
    if prefix is not None:
        overrides["s3_prefix"] = prefix
    return AllSettings.load(**overrides)


@contextmanager
def opened(settings: Settings, *, clock: Clock | None = None) -> Iterator[Site]:
    """The site of these settings, made where it is not there yet, with the feeds that are watched
    and those that have been. The embedded object store is joined where it runs, else started for as
    long as this.

    Raises Misuse, EmbeddedS3Error, LedgerUnavailable.
    """
    chosen = watched(settings.feeds)
    with (
        connected(settings) as access,
        closing(Site.open(settings, PLANS, access, clock=clock)) as s,
    ):
        s.plans = {
            name: plan
            for name, plan in PLANS.items()
            if name in chosen or _was_watched(s.ledger, name)
        }
        yield s


def _was_watched(ledger: Ledger, feed: str) -> bool:
    """Whether the ledger knows of any watch of a feed; False while it is away."""
    try:
        return ledger.first_watched(feed) is not None
    except LedgerUnavailable:
        return False


@contextmanager
def opened_to_read(prefix: str | None = None) -> Iterator[Site]:
    """The site as it is: nothing is made where nothing is.

    Raises SettingsError, NothingThere, EmbeddedS3Error, LedgerUnavailable.
    """
    settings = settings_for(prefix)
    refuse_without_store(settings)
    refuse_without_ledger(settings)
    with opened(settings) as site:
        yield site


@contextmanager
def opened_ledger(prefix: str | None = None) -> Iterator[Ledger]:
    """The ledger alone, as it is; the object store may be away.

    Raises SettingsError, NothingThere, LedgerUnavailable.
    """
    settings = settings_for(prefix)
    refuse_without_ledger(settings)
    with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
        ledger.migrate()
        yield ledger


@contextmanager
def opened_store(prefix: str | None = None) -> Iterator[Site]:
    """As `opened_to_read`, for what needs the store alone: of a store elsewhere whose ledger was
    never here, such as a second copy, what landed is read, and nothing is left behind.

    Raises SettingsError, NothingThere, EmbeddedS3Error, LedgerUnavailable.
    """
    settings = settings_for(prefix)
    if settings.uses_embedded_s3 or settings.ledger_url or settings.ledger_file.is_file():
        with opened_to_read(prefix) as site:
            yield site
        return
    with (
        tempfile.TemporaryDirectory(prefix="touchline-") as home,
        opened(settings.model_copy(update={"home": Path(home)})) as site,
    ):
        yield site


@contextmanager
def opened_to_rebuild(prefix: str | None = None) -> Iterator[Site]:
    """The site of a store that is there, with a ledger that is made where there is none.

    Raises SettingsError, NothingThere, EmbeddedS3Error, LedgerUnavailable.
    """
    settings = settings_for(prefix)
    refuse_without_store(settings)
    with opened(settings) as site:
        yield site


def refuse_without_store(settings: Settings) -> None:
    """Raises StoreMissing."""
    if settings.uses_embedded_s3 and not settings.s3_folder.is_dir():
        raise StoreMissing(
            f"no object store in {settings.home}: run `touchline up` or `touchline replay` first, "
            f"or set TOUCHLINE_HOME or TOUCHLINE_S3_ENDPOINT_URL{_without_env_file()}"
        )


def refuse_without_ledger(settings: Settings) -> None:
    """Raises LedgerMissing."""
    file = sqlite_file(settings.ledger_database)
    if file is not None and not file.is_file():
        raise LedgerMissing(
            f"no ledger at {file}: run `touchline up` or `touchline replay` first, or set "
            f"TOUCHLINE_HOME or TOUCHLINE_LEDGER_URL{_without_env_file()}"
        )


def _without_env_file() -> str:
    """A command in another folder finds other settings, or none."""
    here = Path.cwd()
    return "" if (here / ENV_FILE).is_file() else f"; there is no {ENV_FILE} in {here} either"


def refuse_while_running(settings: Settings) -> None:
    """Raises Misuse."""
    if (up := ProcessId.recorded(settings.run_folder / "up.json")) and up.alive:
        raise Misuse("Touchline runs on this state folder: end it first, with `touchline down`")


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for any other database."""
    try:
        parts = make_url(url)
    except ArgumentError:
        return None  # The ledger says what is wrong with it.
    if parts.get_backend_name() != "sqlite" or not parts.database:
        return None
    return Path(parts.database)


def plans_of(site: Site, feed: str | None) -> list[FeedPlan]:
    """The site's plan of this feed, or all. Raises Misuse."""
    return plans_named(site.plans, feed)


def plans_named(plans: Mapping[str, FeedPlan], feed: str | None) -> list[FeedPlan]:
    """The plan of this feed, or all. Raises Misuse."""
    if feed is None:
        return list(plans.values())
    if feed not in plans:
        raise Misuse(
            f"{feed!r} is not a feed that is watched here; there are: {', '.join(plans)}. "
            "TOUCHLINE_FEEDS names those that are watched"
        )
    return [plans[feed]]


def nothing_known(site: Site, plans: Iterable[FeedPlan], day: Day | None) -> str:
    """What to tell somebody who asked for it. Raises LedgerUnavailable, StoreError."""
    where = f"{site.where} and the ledger"
    known = sorted({each for plan in plans for each in known_days(site, plan.name)})
    if not known:
        return f"{where} hold nothing"
    days = f"{known[0]} to {known[-1]}" if len(known) > 1 else str(known[0])
    return f"{where} know nothing of {day}; they know {days}"
