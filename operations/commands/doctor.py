"""Whether this machine and these settings will do, before the first minute."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from operations.arguments import Json
from operations.commands.status import COLORS, EXIT_CODES
from operations.console import answer
from operations.dagster_home import opened_dagster, probe_database
from operations.opened import sqlite_file
from operations.up import little_room
from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.plans import PLANS, watched
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import EmbeddedS3Error, S3Access, connected
from resources.env_file import ENV_FILE, read_env_file
from resources.ledger import Ledger, LedgerTooNew, LedgerUnavailable
from resources.notifier import Notifier
from resources.settings import PREFIX, Settings, SettingsError
from resources.site import Site, store_at
from resources.spool_probe import SpoolNotKept, mounted, probe_spool
from resources.store import StoreError
from resources.store_probe import CLOCK_TOLERANCE, SHOWN_CHARACTERS, broken_promises
from resources.vendor.http import CallError, skew_seconds
from touchline.clock import SystemClock
from touchline.day import Day
from touchline.fetch import Call
from touchline.health import Health
from touchline.plan import FeedPlan


def doctor(as_json: Json = False) -> None:
    """Look at the settings, disk, clock, object store, ledger, feed and notifier before the first
    minute, and say what to do: OK and WARNING exit with 0, BAD with 1, UNKNOWN with 2."""
    try:
        settings = AllSettings.load()
        with Console(stderr=True).status("Looking"):
            found = list(examine(settings))
    except SettingsError as error:
        found = refused(error)
    worst = Health.worst(each.state for each in found)
    answer({"verdict": worst, "checks": found}, [_table(found)], as_json=as_json)
    raise typer.Exit(EXIT_CODES[worst])


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at, what was found, and what to do where it will not do."""

    name: str
    state: Health
    detail: str
    do: str = ""


Look = Callable[[AllSettings], Iterator[Examined]]


def examine(settings: AllSettings) -> Iterator[Examined]:
    """Every part in turn. The embedded object store is started for as long as it is looked at, and
    what is written is removed again."""
    looks: list[tuple[str, Look]] = [
        ("settings", _settings),
        ("state folder", _state_folder),
        ("time zone", _time_zone),
        ("ledger", _ledger),
        ("object store", _object_store),
        ("feed", _feed),
        ("notifier", _notifier),
        ("Dagster home", _dagster_home),
    ]
    for name, look in looks:
        try:
            yield from look(settings)
        except SettingsError as error:
            yield Examined(name, Health.BAD, str(error), "touchline init explains every setting")
        except Exception as error:  # Whatever is wrong, the other parts are looked at too.
            detail = f"cannot be looked at: {type(error).__name__}: {error}"
            yield Examined(name, Health.UNKNOWN, detail)


def refused(error: SettingsError) -> list[Examined]:
    """Return the findings for settings that cannot be read; nothing else is looked at then."""
    do = "touchline init explains every setting; then touchline doctor looks at the rest"
    return [Examined("settings", Health.BAD, str(error), do), *_misspelt_variables()]


def misspelt(settings: Settings) -> Iterator[Examined]:
    """Variables and notifiers that nothing knows: what `up` says before it starts."""
    yield from _misspelt_variables()
    yield from _misspelt_targets(Notifier(settings.notify_targets, is_live=True))


def _settings(_: Settings) -> Iterator[Examined]:
    """Wrong values have been refused before this."""
    unknown = list(_misspelt_variables())
    yield from unknown
    if not unknown:
        yield Examined("settings", Health.OK, f"every {PREFIX}* variable is known")


def _misspelt_variables() -> Iterator[Examined]:
    """Yield a finding for each variable of the environment and of `.env` that no setting has. Names
    may be in small letters."""
    known = {name.upper() for name in AllSettings.model_fields}
    for where, names in (("the environment", list(os.environ)), (ENV_FILE, list(read_env_file()))):
        for name in sorted(names):
            prefix, _, rest = name.upper().partition("_")
            if f"{prefix}_" != PREFIX or rest in known:
                continue
            near = difflib.get_close_matches(rest, known, 1)
            do = f"did you mean {PREFIX}{near[0]}?" if near else "take it away: nothing reads it"
            detail = f"{name} in {where} is no setting of Touchline"
            yield Examined("settings", Health.WARNING, detail, do)


def _state_folder(settings: Settings) -> Iterator[Examined]:
    name = "state folder"
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    problem = little_room(settings)
    if problem is not None:
        yield Examined(name, Health.BAD, problem)
        return
    settings.spool_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        probe_spool(settings.spool_folder, secrets.token_hex(8), mounted)
    except SpoolNotKept as error:
        yield Examined(name, Health.BAD, str(error))
    else:
        yield Examined(name, Health.OK, f"{settings.home} keeps what is written, and has room")


def _time_zone(_: Settings) -> Iterator[Examined]:
    """New York's clock changes are known of this year: the days' lengths tell."""
    first = Day(date(SystemClock().now().year, 1, 1))
    lengths = {first.shifted(passed).length for passed in range(365)}
    if lengths == {1380, 1440, 1500}:
        yield Examined("time zone", Health.OK, "New York's clock changes of this year are known")
    else:
        detail = f"days of this year have {sorted(lengths)} minutes"
        do = "install the dependencies again: pytz is too old, or New York changes no clocks now"
        yield Examined("time zone", Health.BAD, detail, do)


def _ledger(settings: Settings) -> Iterator[Examined]:
    file = sqlite_file(settings.ledger_database)
    if file is not None and not file.is_file():
        yield Examined("ledger", Health.OK, f"{file} is made at the first start")
        return
    try:
        with closing(Ledger(settings.ledger_database, settings.s3_prefix)) as ledger:
            found, ours = ledger.revisions()
            ledger.probe()
    except LedgerUnavailable as error:
        yield Examined("ledger", Health.BAD, str(error), error.advice or "")
        return
    if found == ours:
        yield Examined("ledger", Health.OK, f"{ledger.name} can be written, version {ours}")
    elif found is None or found < ours:
        detail = f"{ledger.name} has version {found or 'none'}; the first start makes it {ours}"
        do = "touchline ledger backup" if found else ""
        yield Examined("ledger", Health.OK if not found else Health.WARNING, detail, do)
    else:
        detail = f"{ledger.name} has version {found}, and this Touchline knows {ours}"
        yield Examined("ledger", Health.BAD, detail, LedgerTooNew.advice or "")


def _object_store(settings: Settings) -> Iterator[Examined]:
    where = f"bucket {settings.s3_bucket} at {settings.s3_endpoint_url or 'the embedded server'}"
    try:
        with connected(settings) as access:
            store = store_at(settings, access)
            store.make_bucket()
            broken = broken_promises(store, SystemClock(), secrets.token_hex(8))
    except EmbeddedS3Error as error:
        yield Examined("object store", Health.BAD, str(error))
        return
    except StoreError as error:
        do = "check TOUCHLINE_S3_ENDPOINT_URL, TOUCHLINE_S3_BUCKET and the AWS_* credentials"
        yield Examined("object store", Health.BAD, f"{where}: {error}", do)
        return
    for each in broken:
        state = Health.BAD if each.matters else Health.WARNING
        yield Examined(
            "object store", state, f"{where}: {each.promise}: {each.seen}", each.rests_on
        )
    if not broken:
        yield Examined("object store", Health.OK, f"{where} keeps every promise")


def _feed(settings: AllSettings) -> Iterator[Examined]:
    for plan in watched(settings.feeds).values():
        name = f"feed {plan.name}"
        urls = {f"{PREFIX}{url.upper()}": getattr(settings, url) for url in _urls_of(plan)}
        if not any(urls.values()):
            are = "is" if len(urls) == 1 else "are"
            detail = f"{' and '.join(urls)} {are} not set: `touchline up` simulates the feed"
            yield Examined(name, Health.OK, detail)
            continue
        try:
            with _site_without_store(settings) as site:
                call = site.feed(plan.name).probe()
        except SettingsError as error:
            yield Examined(name, Health.BAD, str(error), "set it, or unset the other one")
            continue
        if call.error is not None:
            detail = f"{call.endpoint}: {call.error}: {call.detail or 'no more is known'}"
            yield Examined(name, Health.BAD, detail, _mend_feed(call, plan, urls))
            continue
        skew = skew_seconds(call)
        if skew is None:
            header = (call.date_header or "missing")[:SHOWN_CHARACTERS]
            detail = f"its clock could not be compared with ours: its Date header is {header}"
            yield Examined(name, Health.WARNING, detail, "set this machine's clock by NTP")
        elif abs(skew) > CLOCK_TOLERANCE.total_seconds():
            detail = f"its clock and ours differ by {skew:.0f} s"
            yield Examined(name, Health.WARNING, detail, "set this machine's clock by NTP")
        else:
            yield Examined(name, Health.OK, f"{call.endpoint} answers with data")


def _urls_of(plan: FeedPlan) -> Iterable[str]:
    """The settings that say where the feed's vendors are."""
    return plan.stand_in.urls if plan.stand_in else ()


def _mend_feed(call: Call, plan: FeedPlan, urls: Mapping[str, str | None]) -> str:
    """Return what to do about a call that failed. No URL carries credentials."""
    if call.error == CallError.RATE_LIMITED:
        return "wait: the vendor says that its quota is spent"
    said_no = call.error == CallError.VENDOR_ERROR and call.http_status != 404
    if said_no or call.http_status in (401, 403):
        keys = plan.stand_in.keys() if plan.stand_in else ()
        named = " and ".join(f"{PREFIX}{key.upper()}" for key in keys)
        return f"check {named}, and that the vendor lets this machine in"
    asked = " or ".join(f"{url}{call.endpoint}" for url in urls.values())
    return f"check {' and '.join(urls)}: {asked} was asked"


@contextmanager
def _site_without_store(settings: Settings) -> Iterator[Site]:
    """For the vendor's client alone, which asks nothing of the store to make one call."""
    access = S3Access(settings.s3_endpoint_url or "http://127.0.0.1:9")
    ledger = Ledger("sqlite://", settings.s3_prefix)
    store = store_at(settings, access)
    with closing(Site(settings, PLANS, SystemClock(), store, ledger)) as site:
        yield site


def _notifier(settings: Settings) -> Iterator[Examined]:
    notifier = Notifier(settings.notify_targets, is_live=True)
    unknown = list(_misspelt_targets(notifier))
    yield from unknown
    if not settings.notify_targets:
        detail = "alerts are kept and shown, and sent to nobody"
        yield Examined("notifier", Health.WARNING, detail, "set TOUCHLINE_NOTIFY_URLS")
    elif not unknown:
        yield Examined("notifier", Health.OK, f"targets that can be sent to: {notifier.targets}")


def _misspelt_targets(notifier: Notifier) -> Iterator[Examined]:
    for name, meant in notifier.unknown().items():
        detail = f"{name} is no URL that Apprise knows"
        do = "correct TOUCHLINE_NOTIFY_URLS: a webhook is json://host:port/path, jsons:// for TLS"
        if meant is not None:
            do = f"did you mean {meant}:// in TOUCHLINE_NOTIFY_URLS?"
        yield Examined("notifier", Health.BAD, detail, do)


def _dagster_home(settings: Settings) -> Iterator[Examined]:
    home = settings.dagster_home
    nearest: Path = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        do = "set TOUCHLINE_HOME to a folder of yours"
        yield Examined("Dagster home", Health.BAD, f"{home} cannot be written", do)
        return
    try:
        database = probe_database(settings)
        if (home / "dagster.yaml").exists():
            with opened_dagster(settings):
                pass
    except DagsterUnreadable as error:
        yield Examined("Dagster home", Health.BAD, str(error), error.advice or "")
        return
    records = f", and {database} can be used" if database else ""
    yield Examined("Dagster home", Health.OK, f"{home} can be written{records}")


def _table(found: list[Examined]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for each in found:
        said = Text(each.detail)
        if each.do and not each.state.is_good:
            said.append(f"\n  next: {each.do}", style="bold")
        table.add_row(Text(each.state, style=COLORS[each.state]), Text(each.name), said)
    return table
