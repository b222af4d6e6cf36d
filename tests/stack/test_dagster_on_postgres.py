"""The stack with Dagster's records in PostgreSQL: a minute, an outage of the server, the end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url

from resources.ledger.database import with_driver
from resources.settings import PREFIX
from tests.postgres import NoServer, Postgres, postgres_server
from tests.slots import PATIENCE
from tests.stack.stack import Stack, current_minute, stack_up, until, vendor_of

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(900)]

PASSWORD = "hush-hush-1729"
"""Nobody asks for it."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    try:
        with postgres_server() as server:
            yield server
    except NoServer as error:
        pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture(scope="module")
def stack(
    no_settings_of_ours: None, a_test_failed: Callable[[], bool], server: Postgres
) -> Iterator[Stack]:
    # Not the driver that Dagster's storage works with.
    url = make_url(server.url).set(drivername="postgresql+psycopg", password=PASSWORD)
    dagster = {f"{PREFIX}DAGSTER_URL": url.render_as_string(hide_password=False)}
    with (
        vendor_of(matches=5) as vendor,
        stack_up(vendor.feed | dagster, keep=a_test_failed) as stack,
    ):
        yield stack


def said(stack: Stack, *arguments: str) -> Any:
    """What a command says as JSON; no traceback beside it."""
    answer = stack.touchline(*arguments, "--json")
    assert "Traceback" not in answer.stderr
    assert PASSWORD not in answer.stdout + answer.stderr
    return json.loads(answer.stdout)


def dagster_home_of(stack: Stack) -> dict[str, Any]:
    """What doctor says of it."""
    [found] = [one for one in said(stack, "doctor")["checks"] if one["name"] == "Dagster home"]
    return found


def test_a_minute_lands_and_is_green(stack: Stack, server: Postgres) -> None:
    stack.green_after(current_minute().later(-1))
    engine = create_engine(with_driver(make_url(server.url)))
    assert {"runs", "event_logs", "job_ticks"} <= set(inspect(engine).get_table_names())
    engine.dispose()
    assert list((stack.home / "dagster").rglob("*.db")) == []
    assert said(stack, "status")["signals"]["liveness"]["daemon"]["state"] == "OK"
    assert said(stack, "drift")["settings"] == []
    assert said(stack, "housekeep", "--dry-run")["findings"] == []
    assert dagster_home_of(stack)["state"] == "OK"


def until_a_minute_has_passed() -> None:
    """So long that no run of it can be asked for any more."""
    passed = current_minute().later(1)
    until(
        f"the end of {passed}'s time",
        lambda: datetime.now(UTC) > passed.utc + PATIENCE.ask_until,
        120,
    )


@pytest.mark.skipif(
    os.environ.get("TOUCHLINE_SLOW") == "sampled", reason="it waits for minutes: make test-slow"
)
def test_minutes_come_again_after_an_outage_that_commands_name(
    stack: Stack, server: Postgres
) -> None:
    with server.away():
        liveness = said(stack, "status")["signals"]["liveness"]
        assert liveness["Dagster"]["state"] == "UNKNOWN"
        assert "Dagster's storage at postgresql://postgres:***@" in liveness["Dagster"]["detail"]
        assert dagster_home_of(stack)["state"] == "BAD"
        assert said(stack, "housekeep")["error"]["kind"] == "dagster_unreadable"
        until_a_minute_has_passed()
    stack.green_after(current_minute())


def test_the_password_is_in_no_file(stack: Stack) -> None:
    """Processes have it from their environment."""
    files = [file for file in stack.home.rglob("*") if file.is_file()]
    assert len(files) > 9
    assert [file for file in files if PASSWORD.encode() in file.read_bytes()] == []


def test_it_ends_without_the_server_and_does_not_start(stack: Stack, server: Postgres) -> None:
    with server.away():
        stack.down()
        again = stack.touchline("up", "--detach")
    assert again.returncode == 1
    [line] = again.stderr.strip().splitlines()
    assert f"check {PREFIX}DAGSTER_URL" in line
