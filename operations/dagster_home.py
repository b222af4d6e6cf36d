"""Dagster's home: made for `touchline up`, and opened by whoever looks into Dagster's records."""

from __future__ import annotations

import fcntl
import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

import operations
from pipeline_assets.housekeeping import DagsterUnreadable
from resources.database_url import shown, without_secrets
from resources.settings import PREFIX, Settings

if TYPE_CHECKING:
    import dagster as dg

_VARIABLE = f"{PREFIX}DAGSTER_URL"
_POSTGRES = f"""
storage:
  postgres:
    postgres_url: {{env: {_VARIABLE}}}
"""
"""The end of the instance's settings. Of two `storage` in one file the last one counts."""
_MEND_DATABASE = f"check {_VARIABLE}, that its server runs and that the database is there"
_MEND_HOME = (
    "mend it or move it away while Touchline is down; the next touchline up makes what is not there"
)
_MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
_ANSWERS_WITHIN_SECONDS = 5


def prepare_dagster_home(settings: Settings, workspace: str) -> Path:
    """Copy the instance's settings, write the workspace, whose path is returned, and make each of
    Dagster's databases that is not there yet. Raises DagsterUnreadable, OSError.

    Of several that make the same SQLite database at once, Dagster lets the slower ones stamp it
    with a revision of their own. No process can open a database with two revisions.
    """
    home = settings.dagster_home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    card = _instance_settings().read_text()
    (home / "dagster.yaml").write_text(card + (_POSTGRES if settings.dagster_url else ""))
    file = home / "workspace.yaml"
    file.write_text(workspace)
    with opened_dagster(settings):
        pass
    return file


@contextmanager
def opened_dagster(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of this Dagster home, after each of its databases has answered once. One
    process after the other opens it, since opening makes what is not there.

    Raises DagsterUnreadable, also for what the instance raises of its storage later.
    """
    url = _database_in_use(settings)
    where = f"in {settings.dagster_home}" if url is None else f"at {shown(url)}"

    def unreadable(error: Exception) -> DagsterUnreadable:
        said = _first_line(_of_database(error) or error)
        if url is not None:
            said = without_secrets(url, said)
        advice = _MEND_HOME if url is None else _MEND_DATABASE
        return DagsterUnreadable(f"Dagster's storage {where} cannot be used: {said}", advice=advice)

    if url is not None:
        _probe(url)
    with ExitStack() as stack:
        try:
            with _alone(settings.dagster_home):
                instance = stack.enter_context(_instance(settings.dagster_home, url))
                instance.get_daemon_heartbeats()
                instance.all_instigator_state()
                instance.event_log_storage.get_maximum_record_id()
        except Exception as error:  # Of its YAML, imports, Alembic and any database driver.
            raise unreadable(error) from error
        try:
            yield instance
        except Exception as error:
            # Dagster's storage for PostgreSQL raises an error of its own, made from the driver's.
            if _of_database(error):
                raise unreadable(error) from error
            raise


def probe_database(settings: Settings) -> str | None:
    """The database of TOUCHLINE_DAGSTER_URL, for people, after it has answered; None where that is
    not set. Raises DagsterUnreadable where Dagster could not keep its records in it."""
    if settings.dagster_url is None:
        return None
    url = make_url(settings.dagster_url.get_secret_value())
    _probe(url)
    return shown(url)


def _probe(url: URL) -> None:
    where = f"Dagster's storage at {shown(url)}"
    for package in ("dagster_postgres", "psycopg2"):
        if importlib.util.find_spec(package) is None:
            raise DagsterUnreadable(
                f"{where} needs the Python package {package}, which is not installed",
                advice="pip install 'touchline[postgres]'",
            )
    patience = {"connect_timeout": _ANSWERS_WITHIN_SECONDS}
    try:
        with create_engine(url, poolclass=NullPool, connect_args=patience).connect() as connection:
            may_create = connection.scalar(text(_MAY_CREATE))
            has_tables = inspect(connection).has_table("event_logs")
    except DBAPIError as error:
        said = without_secrets(url, _first_line(error.orig or error))
        raise DagsterUnreadable(f"{where} cannot be used: {said}", advice=_MEND_DATABASE) from None
    if not may_create and not has_tables:
        raise DagsterUnreadable(
            f"{where} cannot be used: its user may not create tables there",
            advice=f"make this user the owner of the database of {_VARIABLE}",
        )


def _database_in_use(settings: Settings) -> URL | None:
    """Return the database that the last `up` chose for Dagster; None for SQLite in its home.

    Raises DagsterUnreadable where the database's setting has been removed since.
    """
    try:
        written = (settings.dagster_home / "dagster.yaml").read_text()
    except (OSError, UnicodeDecodeError):
        return None  # Dagster says what is wrong with it.
    if not written.endswith(_POSTGRES):
        return None
    if settings.dagster_url is None:
        raise DagsterUnreadable(
            f"Dagster's storage is in PostgreSQL since the last `touchline up`, and {_VARIABLE}, "
            "which says where, is not set",
            advice=f"set {_VARIABLE} as it was then; or touchline down, then touchline up without "
            "it",
        )
    return make_url(settings.dagster_url.get_secret_value())


def _instance(home: Path, url: URL | None) -> dg.DagsterInstance:
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    overrides = {}
    if url is not None:
        # A setting may come from `.env`, and its variable is not in our environment then.
        overrides = {"storage": {"postgres": {"postgres_url": url.render_as_string(False)}}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides))


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


def _of_database(error: Exception) -> SQLAlchemyError | None:
    """The driver's error that this one is, or is made from."""
    both = (error, error.__cause__)
    return next((each for each in both if isinstance(each, SQLAlchemyError)), None)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
