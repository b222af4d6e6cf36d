"""`touchline up` and `touchline down`: the whole stack on one state folder.

Object store, simulator and code server start together; when the store answers, the site is opened;
then come webserver and daemon. The end runs backwards: who fetches ends before the store does. One
`up` at a time holds a state folder, and ends exactly what it started.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from operations import stack as parts
from operations.dagster_home import prepare_dagster_home
from operations.supervisor import Stopping, Supervisor, UpError
from pipeline_assets.clocks import times_of
from pipeline_assets.housekeeping import DagsterUnreadable
from pipeline_assets.plans import PLANS, watched
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access, Server
from resources.known_days import first_known_day
from resources.ports import choose_ports, port_is_free
from resources.processes import ProcessId, start_in_session
from resources.settings import Origin, Settings, SettingsError
from resources.site import Site, WrongOrigin, store_at
from resources.spool_probe import Partitions, SpoolNotKept, mounted, probe_spool
from resources.store import NoCredentials, StoreError, StoreUnavailable
from resources.store_probe import RACERS, broken_promises
from resources.up_record import Up
from resources.watch_record import record_watch
from touchline.clock import SystemClock
from touchline.day import Day
from touchline.errors import Unavailable
from touchline.health import CODE_SERVER
from touchline.plan import FeedPlan

_WATCH_SECONDS = 1.0
DAYS_BEHIND = timedelta(days=3)
"""So far back a simulated clock begins that runs faster than the machine's."""


@dataclass(frozen=True)
class UpOptions:
    """The options of `touchline up`. Without `source`: live with a feed URL, else simulated."""

    port: int = 3000
    source: Origin | None = None
    data: Path | None = None
    definitions: str = parts.DEFINITIONS

    def arguments(self) -> list[str]:
        given = {
            "--port": self.port,
            "--source": self.source,
            "--data": self.data,
            "--definitions": self.definitions,
        }
        return [str(word) for pair in given.items() if pair[1] is not None for word in pair]


def first_day(settings: AllSettings, access: S3Access) -> Day:
    """Return the day that partitions begin with: the setting, else the first that the ledger knows
    of, else today. Raises UpError for a day that has not begun, LedgerUnavailable."""
    with closing(Site.open(settings, PLANS, access)) as site:
        times = times_of(watched(settings.feeds), settings, site.clock.now())
        today = min(Day.containing(now) for now in times.values())
        if settings.first_day is None:
            return min(first_known_day(site) or today, today)
    chosen = Day.parse(settings.first_day)
    if chosen > today:
        raise UpError(
            f"TOUCHLINE_FIRST_DAY is {chosen}, which has not begun in New York: until then no "
            "minute would have a partition. Choose an earlier day, or leave it unset"
        )
    return chosen


def open_site(settings: AllSettings, access: S3Access) -> None:
    """Mark each feed's origin and begin to expect minutes, before anything fetches.

    Raises WrongOrigin where the store holds data of a feed of another origin, StoreError,
    LedgerUnavailable.
    """
    with closing(Site.open(settings, PLANS, access)) as site:
        times = times_of(watched(settings.feeds), settings, datetime.now(UTC))
        for feed in times:
            site.claim_origin(feed, settings.origin)
        for feed, now in times.items():
            site.ledger.open_interval(feed, now, settings.origin)
            record_watch(site.store, site.ledger, feed)


def close_site(settings: AllSettings, access: S3Access) -> None:
    """Expect no minutes from here on; never after a crash, which stops nobody from watching."""
    with closing(Site.open(settings, PLANS, access)) as site:
        times = times_of(watched(settings.feeds), settings, datetime.now(UTC))
        for feed, now in times.items():
            site.ledger.close_interval(feed, now)
            with suppress(StoreError):  # The next `up` tells it.
                record_watch(site.store, site.ledger, feed)


def up(
    settings: AllSettings,
    options: UpOptions,
    *,
    stop: threading.Event,
    progress: Callable[[str], None],
    ready: Callable[[Up], None],
    partitions: Partitions = mounted,
) -> None:
    """Start everything, watch it until `stop` is set, end everything.

    `progress` gets a line for people at each step and each death; `ready` is called once;
    `partitions` tells what kind of disk the spool lies on. Raises UpError when something does not
    start, having ended what did.
    """
    given, settings = settings, _with_source(settings, options)
    _check_before(settings, options, partitions)
    with _hold(settings):
        running = Up(ProcessId.own(), "starting", f"http://127.0.0.1:{options.port}")
        running = replace(running, settings=given.fingerprints(running.salt, os.environ))
        running.write(settings)
        with suppress(Stopping), ExitStack() as stack:
            try:
                supervisor = _supervisor(settings, progress)
                _start(settings, options, stack, supervisor, stop, progress)
            except (UpError, WrongOrigin, Unavailable) as error:
                replace(running, state="failed", error=str(error)).write(settings)
                raise UpError(str(error)) from error
            stack.callback(progress, "Stopping")
            running = replace(running, state="ready", children=supervisor.states)
            running.write(settings)
            ready(running)
            while not stop.wait(_WATCH_SECONDS):
                supervisor.watch()
                if supervisor.states != running.children:
                    changed = replace(running, children=supervisor.states)
                    with suppress(OSError):  # A full disk ends nothing; the next look writes it.
                        changed.write(settings)
                        running = changed
        replace(running, state="ended").write(settings)


def up_detached(settings: Settings, options: UpOptions) -> Up:
    """Have another process do it in the background and return when all is ready.

    Raises UpError with its error.
    """
    command = [sys.executable, "-m", "operations.cli", "up", *options.arguments()]
    settings.logs_folder.mkdir(parents=True, exist_ok=True)
    with (settings.logs_folder / "up.log").open("ab") as log:
        process = start_in_session(command, None, None, log)
    while True:
        ended = process.poll() is not None
        found = Up.read(settings)
        if found and found.process.pid == process.pid and found.state != "starting":
            if found.state == "ready":
                return found
            process.wait()
            raise UpError(found.error or "it was ended")
        if ended:
            lines = (settings.logs_folder / "up.log").read_text().strip().splitlines()
            raise UpError(lines[-1] if lines else "it ended without a word")
        time.sleep(0.1)


def down(settings: Settings, progress: Callable[[str], None]) -> bool:
    """End the `up` of this state folder and all it started, or what a killed one left behind.

    Returns whether there was anything to end. Raises UpError when it does not end.
    """
    found = Up.read(settings)
    if found and found.process.alive:
        progress(f"Stopping Touchline (pid {found.process.pid})")
        os.kill(found.process.pid, signal.SIGTERM)
        # Each group of parts may take its grace, and what is killed a moment more.
        deadline = time.monotonic() + 5 * settings.shutdown_grace_seconds + 30
        while found.process.alive:
            if time.monotonic() > deadline:
                raise UpError(f"pid {found.process.pid} does not end: see {settings.logs_folder}")
            time.sleep(0.1)
        return True
    with _hold(settings):
        if found:
            replace(found, state="ended").write(settings)
        return bool(_supervisor(settings, progress).end_leftovers())


def _with_source(settings: AllSettings, options: UpOptions) -> AllSettings:
    """The settings with the feeds and their origin resolved: for stand-ins with fresh credentials.
    Live is what has a vendor's URL; of feeds that are not chosen, those that have one are watched.

    Raises UpError, Misuse.
    """
    given = [name for name, plan in PLANS.items() if _has_url(settings, plan)]
    chosen = settings.feeds or ",".join(given) or None
    source = options.source or ("live" if set(watched(chosen)) & {*given} else "simulated")
    plans = watched(chosen)
    update: dict[str, object] = {"origin": source, "feeds": ",".join(plans)}
    if source == "live":
        settings = settings.model_copy(update=update)
        for plan in plans.values():
            try:
                plan.client(settings, SystemClock(), None)
            except SettingsError as error:
                raise UpError(str(error)) from None
        return settings
    (port,) = choose_ports(1)
    if settings.simulated_speedup > 1:
        catching_up = DAYS_BEHIND / (settings.simulated_speedup - 1)
        update["simulated_until"] = datetime.now(UTC) + catching_up
    for plan in plans.values():
        if plan.stand_in is None:
            raise UpError(f"nothing stands in for the vendors of {plan.name}")
        update |= plan.stand_in.keys() | plan.stand_in.at(f"http://127.0.0.1:{port}")
    return settings.model_copy(update=update)


def _has_url(settings: AllSettings, plan: FeedPlan) -> bool:
    names = plan.stand_in.urls if plan.stand_in else ()
    return any(getattr(settings, name) is not None for name in names)


def little_room(settings: Settings) -> str | None:
    """What is wrong with the disk of the state folder, and what to do. Raises OSError."""
    free = shutil.disk_usage(settings.home).free // 1_000_000
    if free >= settings.minimum_free_disk_megabytes:
        return None
    return (
        f"{free:,} MB free on the disk of {settings.home}, and Touchline wants"
        f" {settings.minimum_free_disk_megabytes:,}: make room, move TOUCHLINE_HOME, or lower"
        " TOUCHLINE_MINIMUM_FREE_DISK_MEGABYTES"
    )


def _check_before(settings: Settings, options: UpOptions, partitions: Partitions) -> None:
    """What can be said before anything starts. Raises UpError."""
    try:
        for folder in (settings.home, settings.run_folder, settings.logs_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UpError(f"cannot write the state folder: {error}; set TOUCHLINE_HOME") from None
    if (problem := little_room(settings)) is not None:
        raise UpError(problem)
    if settings.origin == "recorded" and not _recording(settings, options).is_dir():
        raise UpError(f"no recordings in {_recording(settings, options)}: choose them with --data")
    try:
        probe_spool(settings.spool_folder, secrets.token_hex(8), partitions)
    except SpoolNotKept as error:
        raise UpError(str(error)) from None


def _recording(settings: Settings, options: UpOptions) -> Path:
    """The directory of the recorded poll: the one chosen, or the newest of the real data."""
    if options.data:
        return options.data.expanduser().absolute()
    polls = sorted(settings.real_data.glob("football/poll-*"))
    return polls[-1] if polls else settings.real_data


def _start(
    settings: AllSettings,
    options: UpOptions,
    stack: ExitStack,
    supervisor: Supervisor,
    stop: threading.Event,
    progress: Callable[[str], None],
) -> None:
    """Start part after part, leaving on `stack` what ends them.

    Raises UpError, WrongOrigin, EmbeddedS3Error, StoreError, LedgerUnavailable.
    """
    if left := supervisor.end_leftovers():
        progress(f"Ended what an earlier run had left: {', '.join(left)}")
    if not port_is_free(options.port):
        raise UpError(f"port {options.port} is taken: choose another with --port")
    (code_port,) = choose_ports(1)
    workspace = _prepare_dagster(settings, code_port)
    first = []
    with ExitStack() as starting:
        if settings.uses_embedded_s3:
            server = Server(settings.s3_folder)
            starting.enter_context(server.starting())
            access = stack.enter_context(_owned(server))
            first.append(parts.object_store(settings, server))
        else:
            access = S3Access(settings.s3_endpoint_url or "")
            _check_store(access, settings, progress)
        if settings.origin != "live":
            data = _recording(settings, options) if settings.origin == "recorded" else None
            first.append(parts.simulator(settings, watched(settings.feeds), data))
        settings = settings.model_copy(update={"first_day": str(first_day(settings, access))})
        environment = parts.child_environment(settings, access)
        first.append(parts.code_server(settings, code_port, options.definitions, environment))
        stack.callback(supervisor.end, "simulator", "object-store")
        site = stack.enter_context(ExitStack())
        stack.callback(supervisor.end, CODE_SERVER)
        progress(f"Starting {', '.join(spec.name for spec in first)}")
        supervisor.start(*first, stopping=stop.is_set)
    if settings.uses_embedded_s3:
        _check_store(access, settings, progress)
    open_site(settings, access)
    site.callback(close_site, settings, access)
    webserver = parts.Webserver(options.port)
    second = (
        webserver.spec(settings, workspace, environment),
        webserver.daemon_spec(settings, workspace, environment),
    )
    stack.callback(supervisor.end, *(spec.name for spec in second))
    progress(f"Starting {', '.join(spec.name for spec in second)}")
    supervisor.start(*second, stopping=stop.is_set)
    webserver.check_location()


def _prepare_dagster(settings: Settings, code_port: int) -> Path:
    """The workspace's path. Raises UpError where Dagster's home or storage cannot be used."""
    try:
        return prepare_dagster_home(settings, parts.workspace(code_port))
    except DagsterUnreadable as error:
        raise UpError(": ".join(filter(None, (str(error), error.advice)))) from None
    except OSError as error:
        raise UpError(f"Dagster's home cannot be written: {error}") from None


@contextmanager
def _owned(server: Server) -> Iterator[S3Access]:
    """The server's folder, so that nobody else starts or stops its server. Raises UpError."""
    if server.in_use:
        raise UpError(
            f"another command uses the object store in {server.folder}, perhaps `touchline board`: "
            "stop it, or wait until it ends"
        )
    server.stop()
    with server.lock_for_use(), server.supervise():
        yield server.prepare()
        server.tidy()


def _check_store(access: S3Access, settings: Settings, progress: Callable[[str], None]) -> None:
    """Whether the store answers us and keeps the promises that Touchline rests on.

    Raises UpError, with a line for each that it breaks.
    """
    where = f"s3://{settings.s3_bucket} at {access.endpoint_url}"
    store = store_at(settings, access)
    try:
        store.make_bucket()
        # Eight racers take seconds, and the embedded server is the one that the tests race.
        racers = 2 if settings.uses_embedded_s3 else RACERS
        broken = broken_promises(store, SystemClock(), secrets.token_hex(8), racers=racers)
    except StoreUnavailable as error:
        raise UpError(
            f"{where} does not answer as it should: check TOUCHLINE_S3_ENDPOINT_URL ({error})"
        ) from None
    except NoCredentials as error:
        raise UpError(f"{where} cannot be asked: {error}") from None
    except StoreError as error:
        raise UpError(f"{where} refuses: {error}") from None
    matters = [str(each) for each in broken if each.matters]
    for each in broken:
        if not each.matters:
            progress(f"Warning: {where}: {each}")
    if matters:
        raise UpError("\n".join([f"{where} breaks what Touchline rests on", *matters]))


def _supervisor(settings: Settings, progress: Callable[[str], None]) -> Supervisor:
    return Supervisor(
        settings.run_folder,
        settings.logs_folder,
        startup_timeout_seconds=settings.startup_timeout_seconds,
        grace_seconds=settings.shutdown_grace_seconds,
        report=progress,
    )


@contextmanager
def _hold(settings: Settings) -> Iterator[None]:
    """The state folder, for one `up` at a time. Raises UpError."""
    settings.run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.run_folder / "up.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = Up.read(settings)
            what = f": {found.url}, pid {found.process.pid}" if found else ""
            raise UpError(
                f"Touchline already runs on {settings.home}{what}; `touchline down` ends it"
            ) from None
        yield
