"""`touchline replay`: scheduled minutes back to back on a virtual clock.

It does all that live minutes do, against a stand-in for the vendor whose clock is set to each
minute in turn. The same call again finds everything done and adds nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import httpx
import typer
from rich.console import Console, RenderableType
from rich.progress import Progress

from operations.arguments import Json, Source
from operations.console import answer, progress
from operations.errors import EXIT_CODES
from operations.opened import opened
from operations.stage_totals import StageTotals, failures_of
from pipeline_assets.planning import slots_between
from pipeline_assets.plans import PLANS
from pipeline_assets.rotation import rotate
from pipeline_assets.settings import AllSettings
from pipeline_assets.slot_run import SlotReport, run_slot
from resources.settings import PREFIX, Origin, SettingsError
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.watch_record import record_watch
from touchline.accounting import Verdict
from touchline.clock import VirtualClock
from touchline.day import ONE_MINUTE, parse_instant, utc_text
from touchline.errors import Misuse
from touchline.plan import about
from touchline.slot import Slot
from touchline.stage import Telling
from touchline.watch import is_rotation_minute


def replay(
    minutes: Annotated[int, typer.Option(min=1, help="How many scheduled minutes.")],
    start: Annotated[
        str, typer.Option(help="The first minute, ISO 8601 with zone.")
    ] = "2025-05-28T17:00:00Z",
    source: Annotated[Source, typer.Option(help="Where matches come from.")] = Source.SIMULATED,
    data: Annotated[
        Path | None, typer.Option(help="Folder of a recorded poll, for --source recorded.")
    ] = None,
    matches: Annotated[
        int | None, typer.Option(min=1, help="Simulated matches in every live list.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated world.")] = 1,
    prefix: Annotated[
        str | None,
        typer.Option(help="Where it is written. [default: replay/<source>-<seed>]"),
    ] = None,
    feed: Annotated[str, typer.Option(help="Whose slots.")] = "football",
    as_json: Json = False,
) -> None:
    """Run scheduled minutes back to back on a virtual clock, all stages and checks included."""
    try:
        first = Slot.implied(feed, parse_instant(start)).at
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--start") from None
    if feed not in PLANS:
        there = ", ".join(PLANS)
        raise typer.BadParameter(f"{feed!r} is not one of: {there}", param_hint="--feed")
    if source is Source.RECORDED and data is None:
        raise typer.BadParameter("--source recorded needs it", param_hint="--data")
    options = ReplayOptions(minutes, first, source.value, data, matches, seed, prefix, feed)
    with progress_shown(source.value, minutes) as tick:
        totals = run_replay(AllSettings.load(takes_memory=True), options, tick=tick)
    answer(totals.as_dict(), _shown(totals, options.store_prefix), as_json=as_json)
    for failure in dict.fromkeys(totals.failures):
        typer.secho(failure, err=True, fg=typer.colors.RED)
    raise typer.Exit(EXIT_CODES[totals.verdict])


@contextmanager
def progress_shown(source: str, minutes: int) -> Iterator[Callable[[Totals], None]]:
    """What tells people of each minute on stderr: a bar on a terminal, elsewhere a line for each
    tenth of the minutes."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as bars:
            bar = bars.add_task(f"Replaying {source} minutes", total=minutes)
            yield lambda so_far: bars.update(bar, completed=so_far.ticks)
        return

    def line(so_far: Totals) -> None:
        ticks = so_far.ticks
        if ticks * 10 // minutes > (ticks - 1) * 10 // minutes:
            progress(f"{ticks} of {minutes} {source} minutes in {so_far.seconds:.0f} s")

    yield line


def _shown(totals: Totals, prefix: str) -> Iterator[RenderableType]:
    yield totals.stages.table(
        f"{totals.ticks} minutes from {utc_text(totals.start)} in {totals.seconds:.1f} s"
    )
    checks = ", ".join(f"{count} {verdict}" for verdict, count in totals.checks.items())
    yield f"checks: {checks}; alerts: {len(totals.alerts)}; prefix: {prefix}"


LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ReplayOptions:
    """The options of `touchline replay`. Without `matches` the hour decides how many are live."""

    minutes: int
    start: datetime
    source: str
    data: Path | None = None
    matches: int | None = None
    seed: int = 1
    prefix: str | None = None
    feed: str = "football"

    @property
    def store_prefix(self) -> str:
        return self.prefix or f"replay/{self.source}-{self.seed}"

    @property
    def origin(self) -> Origin:
        """Even against a server of its own, a replay's data are not live ones."""
        return "recorded" if self.source == "recorded" else "simulated"


@dataclass
class Totals:
    """The totals of what a replay added; `as_dict` is the JSON that scripts read."""

    start: datetime
    ticks: int = 0
    seconds: float = 0.0
    stages: StageTotals = field(default_factory=StageTotals)
    checks: Counter[str] = field(default_factory=Counter)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, report: SlotReport, alerts: list[dict[str, Any]]) -> None:
        self.ticks += 1
        self.stages.add(report.steps)
        self.failures += failures_of(report.steps)
        self.checks.update(check.verdict for check in report.checks)
        self.failures += [
            f"{check.asset} {check.check}: {found.kind}: {found.detail}"
            for check in report.checks
            for found in check.findings
        ]
        self.alerts += alerts

    @property
    def verdict(self) -> Verdict:
        return Verdict.worst(Verdict(said) for said in self.checks)

    def as_dict(self) -> dict[str, Any]:
        return {
            "ticks": self.ticks,
            "start": utc_text(self.start),
            "seconds": round(self.seconds, 1),
            "stages": self.stages.as_dict(),
            "checks": {str(verdict): self.checks[verdict] for verdict in Verdict},
            "alerts": self.alerts,
        }


def run_replay(
    settings: AllSettings, options: ReplayOptions, *, tick: Callable[[Totals], None]
) -> Totals:
    """Run the minutes; `tick` is told after each.

    Raises Misuse, SettingsError, WrongOrigin, EmbeddedS3Error, LedgerUnavailable, StoreError.
    """
    totals = Totals(options.start)
    began = time.monotonic()
    clock = VirtualClock(options.start)
    feed, end = options.feed, options.start + options.minutes * ONE_MINUTE
    with (
        _kept(settings) as where,
        _feed(where, options) as (fed, set_vendor_clock),
        opened(fed, clock=clock) as site,
    ):
        site.store.make_bucket()
        site.claim_origin(feed, options.origin)
        passed = options.start
        site.ledger.open_interval(feed, passed, options.origin)
        try:
            for slot in slots_between(site, site.plans[feed], passed, end):
                passed = slot.at
                clock.set(passed)
                set_vendor_clock(passed)
                report = run_slot(site, slot, run_id=f"replay-{uuid.uuid4()}")
                totals.add(report, alerts_added(site, report))
                if is_rotation_minute(passed):
                    totals.failures += rotate(site, feed).findings
                totals.seconds = time.monotonic() - began
                tick(totals)
            if not totals.ticks:
                raise Misuse(f"{feed} has no slot in these {options.minutes} minutes")
        finally:
            site.ledger.close_interval(feed, passed + ONE_MINUTE)
        record_watch(site.store, site.ledger, feed)
        clock.set(passed + ONE_MINUTE)
        totals.failures += rotate(site, feed).findings
    return totals


@contextmanager
def _kept(settings: AllSettings) -> Iterator[AllSettings]:
    """Where a replay leaves what it makes: beside a store in memory, ledger and spool are temporary
    too."""
    if not settings.uses_memory:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="touchline-") as home:
        yield settings.model_copy(update={"home": Path(home), "ledger_url": None})


def alerts_added(site: Site, report: SlotReport) -> list[dict[str, Any]]:
    """Return the alerts that this slot added, as a replay's JSON has them, read from what landed.
    Raises StoreError, UnreadableObject."""
    found = []
    subject = site.plans[report.slot.feed].subject
    for name, step in report.steps.items():
        stage = site.stages.get(name)
        if stage is None or not stage.makes_alerts:
            continue
        for number in step.added:
            stored = site.days(stage.feed).read(name, report.slot.day, number)
            for alert in decode_stage(stage, stored.body).records:
                said = Telling.of(alert, subject)
                of = about(subject, said.subject_id)
                found.append({"rule": said.rule_id, **of, "fetch_number": number})
    return found


# --- the vendor's stand-in -----------------------------------------------------------------------

Fed = tuple[AllSettings, Callable[[datetime], None]]


@contextmanager
def _feed(settings: AllSettings, options: ReplayOptions) -> Iterator[Fed]:
    """Settings that name a vendor, and how to tell it the time."""
    if options.source == "live":
        yield _server_on_loopback(settings, options)
        return
    stand_in = PLANS[options.feed].stand_in
    if stand_in is None:
        raise Misuse(f"nothing stands in for the vendors of {options.feed}")
    fed = _replayed(settings, options).model_copy(update=stand_in.keys())
    with _simulator(options, fed) as control, httpx.Client(trust_env=False) as http:
        there = fed.model_copy(update=stand_in.at(control.removesuffix("/_control/")))
        yield there, lambda now: _set_clock(http, control, now)


def _replayed(settings: AllSettings, options: ReplayOptions) -> AllSettings:
    update = {
        "origin": options.origin,
        "s3_prefix": options.store_prefix,
        "feeds": options.feed,
    }
    return settings.model_copy(update=update)


def _server_on_loopback(settings: AllSettings, options: ReplayOptions) -> Fed:
    plan, fed = PLANS[options.feed], _replayed(settings, options)
    plan.client(fed, VirtualClock(options.start), None)  # Says which setting is missing.
    urls = {name: getattr(fed, name) for name in (plan.stand_in.urls if plan.stand_in else ())}
    for name, url in urls.items():
        if urlsplit(url).hostname not in LOOPBACK:
            raise SettingsError(
                f"{PREFIX}{name.upper()}: a replay needs a server on loopback, since a vendor has"
                " no past"
            )
    controls = {urljoin(url, "/_control/") for url in urls.values()}

    def set_clock(now: datetime) -> None:
        for control in controls:
            with contextlib.suppress(httpx.HTTPStatusError):  # A server with a clock of its own.
                _set_clock(httpx, control, now)

    return fed, set_clock


def _set_clock(http: Any, control: str, now: datetime) -> None:
    http.put(f"{control}clock", json={"now": utc_text(now)}).raise_for_status()


@contextmanager
def _simulator(options: ReplayOptions, settings: AllSettings) -> Iterator[str]:
    """A simulator that asks for the keys of these settings; where its control is."""
    command = [sys.executable, "-m", "simulator", "--port", "0", "--source", options.source]
    command += ["--seed", str(options.seed), "--now", utc_text(options.start)]
    command += ["--feeds", options.feed]
    command += ["--matches", str(options.matches)] if options.matches else []
    command += ["--data", str(options.data)] if options.data else []
    environment = {**os.environ, **settings.environment()}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if not line:
            raise Misuse(process.stderr.read().strip() or "the simulator did not start")
        yield json.loads(line)["control"]
    finally:
        process.terminate()
        process.wait()
