"""Signs of life of Dagster, as its web server tells them: without loading Dagster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from pipeline_assets.dagster_state import DaemonState, DagsterState, SensorState

LOCATION = "touchline"
"""The name of our code location in the workspace."""
_WRAPPED_IN = "SensorExecutionError"
_QUERY = """
query Signs($location: String!) {
  instance { daemonHealth { allDaemonStatuses {
    daemonType lastHeartbeatTime lastHeartbeatErrors { message }
  } } }
  sensorsOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: $location
  }) { ... on Sensors { results {
    name minIntervalSeconds
    sensorState {
      status
      typeSpecificData { ... on SensorData { lastTickTimestamp } }
      ticks(limit: 1) { status error { message className cause { message } } }
    }
  } } }
}
"""


def ask_web_server(url: str, within_seconds: float) -> DagsterState | None:
    """Return what the instance of the web server at `url` keeps; None where it does not answer,
    or not with that."""
    query = {"query": _QUERY, "variables": {"location": LOCATION}}
    try:
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=within_seconds)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/graphql", json.dumps(query), headers)
            said = json.loads(connection.getresponse().read())["data"]
        daemons = said["instance"]["daemonHealth"]["allDaemonStatuses"]
        sensors = said["sensorsOrError"]["results"]
        return DagsterState([*map(_daemon, daemons)], [*map(_sensor, sensors)])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None


def _daemon(said: Mapping[str, Any]) -> DaemonState:
    errors = said["lastHeartbeatErrors"]
    error = errors[0]["message"] if errors else None
    return DaemonState(said["daemonType"], said["lastHeartbeatTime"], error)


def _sensor(said: Mapping[str, Any]) -> SensorState:
    state = said["sensorState"]
    data = state["typeSpecificData"] or {}
    failed = [tick for tick in state["ticks"] if tick["status"] == "FAILURE"]
    return SensorState(
        said["name"],
        said["minIntervalSeconds"],
        state["status"] == "STOPPED",
        data.get("lastTickTimestamp") or None,
        _raised(failed[0]["error"]) if failed else None,
    )


def _raised(error: Mapping[str, Any] | None) -> str:
    """What the sensor raised, out of what Dagster wraps it in."""
    if error is None:
        return "no word"
    if error["cause"] and error["className"] == _WRAPPED_IN:
        return error["cause"]["message"]
    return error["message"]
