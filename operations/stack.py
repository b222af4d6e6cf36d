"""What `touchline up` starts: the command, the environment and the readiness probe of each part."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx

from operations.dagster_web import LOCATION
from operations.supervisor import ChildSpec, UpError
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import STOP_GRACE_SECONDS, S3Access, Server
from resources.settings import Settings
from touchline.health import ALIVE, CODE_SERVER
from touchline.plan import FeedPlan

DEFINITIONS = "sensors.definitions"
_HOST = "127.0.0.1"
_PROBE_SECONDS = 2.0
_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    # Python's own allocator gives a megabyte back when nothing of it is in use, the C library's a
    # page.
    "PYTHONMALLOC": "malloc",
}
_HEALTH = """{
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
  workspaceOrError { ... on Workspace { locationEntries {
    name locationOrLoadError { ... on PythonError { message } } } } }
}"""


def child_environment(settings: Settings, access: S3Access) -> dict[str, str]:
    """The environment of Dagster's processes and their runs: ours, with every setting resolved.

    Secrets travel here and on no command line.
    """
    environment = {**os.environ}
    # Each run is a new process: without cached bytecode it would compile everything again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if access.access_key_id:
        # The generated keys alone count for the embedded server.
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
            environment.pop(name, None)
    no_proxy = environment.get("NO_PROXY", environment.get("no_proxy", ""))
    loopback = ",".join(filter(None, [no_proxy, _HOST, "localhost"]))
    return {
        **environment,
        **settings.environment(),
        **access.environment(),
        "DAGSTER_HOME": str(settings.dagster_home),
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "PYTHONUNBUFFERED": "1",
    }


def workspace(code_port: int) -> str:
    """What webserver and daemon read of where the code server listens; YAML."""
    server = f"{{host: {_HOST}, port: {code_port}, location_name: {LOCATION}}}"
    return f"load_from:\n  - grpc_server: {server}\n"


def object_store(settings: Settings, server: Server) -> ChildSpec:
    return ChildSpec(
        "object-store",
        server.command,
        lambda: server.is_ready(settings.s3_bucket),
        server.environment(),
        settings.s3_folder,
        on_start=server.record,
        grace_seconds=STOP_GRACE_SECONDS,
        lives=lambda: server.lives(settings.s3_bucket),
    )


def simulator(settings: AllSettings, plans: Mapping[str, FeedPlan], data: Path | None) -> ChildSpec:
    """At the URLs of these feeds' vendors, all on one port of loopback; `data` is the directory of
    a recorded poll."""
    [port] = {
        urlsplit(getattr(settings, name)).port
        for plan in plans.values()
        if plan.stand_in
        for name in plan.stand_in.urls
    }
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--source", settings.origin]
    command += ["--feeds", ",".join(plans)]
    if settings.simulated_until is not None:
        command += ["--speedup", str(settings.simulated_speedup)]
        command += ["--anchor", settings.simulated_until.isoformat()]
    if data:
        command += ["--data", str(data)]
    return ChildSpec(
        "simulator",
        lambda: command,
        lambda: _answers(f"http://{_HOST}:{port}/_control/health"),
        {**os.environ, **settings.environment()},
        settings.home,
    )


def code_server(
    settings: Settings, port: int, module: str, environment: Mapping[str, str]
) -> ChildSpec:
    """One for webserver and daemon. The runs are its children, in its group.

    Its threads share one arena of glibc's malloc, since they wait for Python's lock anyway, and
    blocks of 128 KB and more, which many a tick takes for a moment, stay out of it for good: else
    what lies free between what is kept grows for hours.
    """
    command = [
        *(sys.executable, "-m", "operations.code_server", "--module-name", module),
        *("--host", _HOST, "--port", str(port), "--location-name", LOCATION),
        # Answers with the error where the definitions do not load, instead of ending.
        "--lazy-load-user-code",
        "--use-python-environment-entry-point",
        "--empty-working-directory",
    ]
    return ChildSpec(
        CODE_SERVER,
        lambda: command,
        lambda: _serves(port),
        {**environment, **_MALLOC},
        settings.home,
        lives=lambda: _can_start_runs(port),
    )


@dataclass(frozen=True)
class Webserver:
    """Dagster's UI, which is also where the health of the rest is asked."""

    port: int

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def spec(
        self, settings: Settings, workspace: Path, environment: Mapping[str, str]
    ) -> ChildSpec:
        command = [
            *(sys.executable, "-m", "dagster_webserver", "--workspace", str(workspace)),
            *("--host", _HOST, "--port", str(self.port)),
        ]
        return ChildSpec(
            "webserver",
            lambda: command,
            lambda: self.is_ready,
            environment,
            settings.home,
            # It holds nothing that could be lost, and may take its time.
            grace_seconds=5.0,
        )

    @property
    def is_ready(self) -> bool:
        return _answers(f"{self.url}/server_info")

    def daemon_spec(
        self, settings: Settings, workspace: Path, environment: Mapping[str, str]
    ) -> ChildSpec:
        """The daemon is ready when each of its required parts has had a heartbeat."""
        command = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)]
        asked_at = time.time()
        return ChildSpec(
            "daemon",
            lambda: command,
            lambda: self._daemon_beats(since=asked_at),
            environment,
            settings.home,
            lives=self._daemon_lives,
        )

    def check_location(self) -> None:
        """Raises UpError with the first line of what is wrong with the definitions."""
        try:
            entries = self._health()["workspaceOrError"]["locationEntries"]
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise UpError(f"the webserver does not say what it loaded: {error}") from error
        for entry in entries:
            if message := (entry["locationOrLoadError"] or {}).get("message"):
                lines = [line.strip() for line in message.splitlines() if line.strip()]
                raise UpError(f"the definitions do not load: {lines[-1]}")

    def _daemon_beats(self, *, since: float) -> bool:
        required = self._required_daemons()
        return bool(required) and all(
            status["healthy"] and (status["lastHeartbeatTime"] or 0) >= since for status in required
        )

    def _daemon_lives(self) -> bool | None:
        """Whether no part of it is silent; None where the webserver, which is asked, does not
        say."""
        required, silent_before = self._required_daemons(), time.time() - ALIVE.total_seconds()
        if not required:
            return None
        return all((status["lastHeartbeatTime"] or 0) >= silent_before for status in required)

    def _required_daemons(self) -> list[Any]:
        """What the webserver tells of each; nothing where it does not answer."""
        try:
            statuses = self._health()["instance"]["daemonHealth"]["allDaemonStatuses"]
        except (httpx.HTTPError, KeyError, TypeError, ValueError):
            return []
        return [status for status in statuses if status["required"]]

    def _health(self) -> Any:
        answer = httpx.post(
            f"{self.url}/graphql",
            json={"query": _HEALTH},
            timeout=_PROBE_SECONDS * 5,
            trust_env=False,
        )
        return answer.json()["data"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=_PROBE_SECONDS, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _serves(port: int) -> bool:
    """gRPC's own health protocol, as raw bytes: `service: "DagsterApi"` is asked, 1 is SERVING."""
    health = "/grpc.health.v1.Health/Check"
    return _asked(port, health, b"\n\x0aDagsterApi", _PROBE_SECONDS) == b"\x08\x01"


def _can_start_runs(port: int) -> bool:
    """A code server whose health is good may be unable to: it waits, under the lock that it starts
    runs with, for a run that was asked to end and does not hear it."""
    current_runs = "/api.DagsterApi/GetCurrentRuns"
    return _asked(port, current_runs, b"", _PROBE_SECONDS * 5) is not None


def _asked(port: int, method: str, message: bytes, seconds: float) -> bytes | None:
    """What is answered; None where nothing is in so long."""
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(f"{_HOST}:{port}", options=options) as channel:
        try:
            return channel.unary_unary(method)(message, timeout=seconds)
        except grpc.RpcError:
            return None
