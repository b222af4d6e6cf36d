"""What the web server tells of Dagster, and that nothing else is taken for it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from operations.commands.status import dagster_of
from operations.dagster_web import ask_web_server
from pipeline_assets.dagster_state import SENSOR_ORDER, DaemonState, SensorState
from resources.processes import ProcessId
from resources.settings import Settings
from resources.up_record import Up
from sensors import SENSORS
from touchline.health import DAEMON, Health

NOW = datetime(2025, 5, 28, 16, 0, tzinfo=UTC)
AT = NOW.timestamp() - 5
RAISED = {"message": "it is locked", "className": "LedgerUnavailable", "cause": None}
WRAPPED = {"message": "Error in sensor", "className": "SensorExecutionError", "cause": RAISED}


def daemon(name: str, at: float | None = AT, *errors: str) -> dict[str, Any]:
    said = [{"message": error} for error in errors]
    return {"daemonType": name, "lastHeartbeatTime": at, "lastHeartbeatErrors": said}


def sensor(
    name: str, *ticks: dict[str, Any], status: str = "RUNNING", at: float | None = AT
) -> dict[str, Any]:
    data = None if at is None else {"lastTickTimestamp": at}
    state = {"status": status, "typeSpecificData": data, "ticks": [*ticks]}
    return {"name": name, "minIntervalSeconds": 15, "sensorState": state}


def answer(daemons: list[dict[str, Any]], sensors: list[dict[str, Any]]) -> bytes:
    health = {"daemonHealth": {"allDaemonStatuses": daemons}}
    data = {"instance": health, "sensorsOrError": {"results": sensors}}
    return json.dumps({"data": data}).encode()


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """The URL of a web server that says this to whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_what_it_answers_is_what_dagster_keeps() -> None:
    body = answer(
        [daemon("SENSOR"), daemon("SCHEDULER", None), daemon("ASSET", AT, "no room", "again")],
        [
            sensor("football_seal", {"status": "SKIPPED", "error": None}, status="STOPPED"),
            sensor("heartbeat", at=None),
            sensor("watchdog", {"status": "FAILURE", "error": WRAPPED}),
            sensor("housekeeping", {"status": "FAILURE", "error": RAISED}),
            sensor("check_alerts", {"status": "FAILURE", "error": None}),
        ],
    )
    with answering(body) as url:
        state = ask_web_server(url, 5)
    assert state is not None
    assert state.daemons == [
        DaemonState("SENSOR", AT, None),
        DaemonState("SCHEDULER", None, None),
        DaemonState("ASSET", AT, "no room"),
    ]
    assert state.sensors == [
        SensorState("football_seal", 15, True, AT, None),
        SensorState("heartbeat", 15, False, None, None),
        SensorState("watchdog", 15, False, AT, "it is locked"),
        SensorState("housekeeping", 15, False, AT, "it is locked"),
        SensorState("check_alerts", 15, False, AT, "no word"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>another server</html>",
        b"[]",
        b'{"errors": [{"message": "no such field"}]}',
        b'{"data": {"instance": {"daemonHealth": {"allDaemonStatuses": []}},'
        b' "sensorsOrError": {}}}',
    ],
)
def test_another_answer_is_none(body: bytes) -> None:
    with answering(body) as url:
        assert ask_web_server(url, 5) is None


def test_one_that_is_not_there_or_hangs_is_none() -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{somebody.getsockname()[1]}"
        assert ask_web_server(url, 5) is None
        somebody.listen()
        assert ask_web_server(url, 0.1) is None


def test_status_asks_the_web_server_of_what_runs(home: Any) -> None:
    settings = Settings.load(_env_file=None)
    for folder in (settings.dagster_home, settings.run_folder):
        folder.mkdir(parents=True)
    # As the web server does, by name; they are shown in the order of the chain.
    names = sorted(each.name for each in SENSORS)
    with answering(answer([daemon("SENSOR")], [sensor(name) for name in names])) as url:
        Up(ProcessId.own(), "ready", url).write(settings)
        signals = list(dagster_of(settings, NOW))
    assert [each.name for each in signals] == [DAEMON, *(f"sensor {each.name}" for each in SENSORS)]
    assert {each.state for each in signals} == {Health.OK}


def test_every_sensor_has_its_place() -> None:
    assert all(each.name.endswith(SENSOR_ORDER) for each in SENSORS)
