"""Dagster's home: made for `touchline up`, and opened by whoever looks into Dagster's records."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import operations
from pipeline_assets.housekeeping import DagsterUnreadable
from resources.settings import Settings

if TYPE_CHECKING:
    import dagster as dg


def prepare_dagster_home(settings: Settings, workspace: str) -> Path:
    """Copy the instance's settings, write the workspace, whose path is returned, and make each of
    Dagster's databases that is not there yet. Raises DagsterUnreadable, OSError.

    Of several that make the same SQLite database at once, Dagster lets the slower ones stamp it
    with a revision of their own. No process can open a database with two revisions.
    """
    home = settings.dagster_home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(_instance_settings(), home / "dagster.yaml")
    file = home / "workspace.yaml"
    file.write_text(workspace)
    with opened_dagster(settings):
        pass
    return file


@contextmanager
def opened_dagster(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of this Dagster home, after each of its databases has answered once. One
    process after the other opens it, since opening makes what is not there.

    Raises DagsterUnreadable.
    """
    home = settings.dagster_home
    with ExitStack() as stack:
        try:
            with _alone(home):
                instance = stack.enter_context(_instance(home))
                instance.get_daemon_heartbeats()
                instance.all_instigator_state()
                instance.event_log_storage.get_maximum_record_id()
        except Exception as error:  # Of its YAML, imports, Alembic and any database driver.
            first = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise DagsterUnreadable(
                f"Dagster's storage in {home} cannot be used: {first}"
            ) from error
        yield instance


def _instance(home: Path) -> dg.DagsterInstance:
    import dagster as dg

    return dg.DagsterInstance.from_config(str(home))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / ".opening.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _instance_settings() -> Path:
    """`dagster.yaml` of the installed package, or of the checkout."""
    package = Path(operations.__file__).parent
    installed, checkout = package / "dagster.yaml", package.parent / "dagster.yaml"
    return installed if installed.exists() else checkout
