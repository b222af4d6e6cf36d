"""Settings, from the environment or `.env` in the working directory, validated once.

Here are those of no feed, and the base of those that a feed brings. `pipeline_assets.settings` puts
all of them together.

The environment wins over `.env`; an empty value counts as unset. Secrets are `SecretStr`: they
appear in no repr, no error and no command line, and reach child processes through their
environment alone.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.env_file import ENV_FILE, aws_settings
from resources.legal_hold import LegalHold
from touchline.accounting import sha256_hex
from touchline.day import Day
from touchline.errors import Misuse

PREFIX = "TOUCHLINE_"
_DAGSTERS_DRIVER = "postgresql+psycopg2"


class SettingsError(Misuse, ValueError):
    """A setting is missing or wrong; the text is one line that names the variable."""

    kind = "settings"
    advice = "touchline doctor"


def _url(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"needs a URL that begins with {' or '.join(schemes)}://")
        if parts.username or parts.password or parts.query:
            raise ValueError("must not carry credentials or a query: they have their own variables")
        return value

    return check


HttpUrl = Annotated[str, AfterValidator(_url("http", "https"))]
MEMORY = "memory:"
StoreUrl = Literal["memory:"] | HttpUrl
NOT_IN_MEMORY = (
    f"{PREFIX}S3_ENDPOINT_URL: {MEMORY} is a store that ends with its command, for `touchline"
    " replay` alone: unset it, or name an S3 endpoint"
)
Seconds = Annotated[float, Field(gt=0)]
Origin = Literal["live", "simulated", "recorded"]
Megabytes = Annotated[int, Field(gt=0)]
Hours = Annotated[float, Field(gt=0)]
KeptDays = Annotated[int, Field(ge=2)]
KeptHours = Annotated[float, Field(ge=0.25)]
DayText = Annotated[str, AfterValidator(lambda text: str(Day.parse(text)))]
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


class FeedSettings(BaseSettings):
    """The settings that a feed brings.

    Each field is read from the variable of its name, and has a default, so that a feed can be
    simulated without any. Its docstring is what `touchline init` says of it.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Settings(BaseSettings):
    """The settings of one process, but for those that its feeds bring: made once by `load`, passed
    down, never changed."""

    model_config = FeedSettings.model_config

    home: Path = Path(".touchline")
    """State folder: embedded object store, spool, ledger, Dagster home, keys."""

    s3_endpoint_url: StoreUrl | None = None
    """S3 endpoint, like https://s3.example.com; unset for the embedded server; memory: for a store
    that ends with the command, which `touchline replay` alone takes. Credentials and
    region are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, in the environment or in
    this file, or come from any other place where AWS tools look."""
    s3_bucket: BucketName = "touchline"
    """The bucket is made if it does not exist and may be made."""
    s3_prefix: str = ""
    """Everything goes below this prefix; empty for the whole bucket. A feed has one origin within a
    prefix: live, simulated or recorded."""

    mirror_endpoint_url: HttpUrl | None = None
    """S3 endpoint of the second copy of sealed days, which `touchline mirror` makes; unset for
    AWS."""
    mirror_bucket: BucketName | None = None
    """The bucket of the second copy, which exists, in another place; unset for none."""
    mirror_prefix: str = ""
    """The prefix in the second copy."""
    mirror_profile: str | None = None
    """The profile that holds the second copy's credentials; unset for the usual chain."""

    keep_raw_days: KeptDays | None = None
    """How many days sealed raw fetches are kept, 2 or more; unset for ever."""
    keep_lake_days: KeptDays | None = None
    """The same of sealed derived days."""
    legal_hold: str = ""
    """Days that never expire: like 2025-05-28,2025-06-01..2025-06-30, or all."""
    keep_run_hours: KeptHours = 0.5
    """How many hours every run stays in Dagster; later those alone that its pages show."""

    first_day: DayText | None = None
    """The first day that Dagster's pages have a partition of, like 2025-05-28; unset for the first
    that was watched. What landed before it stays, and commands read it."""

    feeds: str | None = None
    """The feeds that are watched, comma-separated, like football,basketball; unset for football
    alone. Commands read every feed."""

    origin: Origin = "live"
    """Where data come from: live, simulated or recorded. Alerts of a feed reach people only where
    its data are live. `touchline up` and `replay` set it for their stand-ins."""

    ledger_url: SecretStr | None = None
    """The ledger's database, as an SQLAlchemy URL like
    postgresql://touchline@db.example.com/touchline; unset for SQLite in the state folder."""

    dagster_url: SecretStr | None = None
    """The PostgreSQL database of Dagster's own records, a URL like
    postgresql://touchline@db.example.com/dagster; unset for SQLite in the state folder. It may be
    the ledger's, and needs the extra postgres."""

    notify_urls: SecretStr | None = None
    """Where alerts go: Apprise URLs, comma-separated; the later ones are for escalation. Unset:
    alerts are kept and shown, not sent."""

    real_data: Path = Path("../shared/data")
    """Real recordings for tests and benchmarks; what needs them is skipped where they are not."""

    spool_limit_megabytes: Megabytes = 5000
    """What waits in the spool may grow so large. Nothing is dropped beyond that; a check fails from
    80 % of it on."""
    spool_limit_hours: Hours = 24.0
    """What waits in the spool may grow so old, likewise."""

    minimum_free_disk_megabytes: Megabytes = 2048
    """`touchline up` refuses to start with less free disk."""
    startup_timeout_seconds: Seconds = 90.0
    """How long one part of the stack may take until it is ready."""
    shutdown_grace_seconds: Seconds = 15.0
    """How long a process may take to end after SIGTERM, before SIGKILL."""

    @field_validator("home", "real_data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("begins with the home folder of somebody unknown") from None

    @field_validator("legal_hold")
    @classmethod
    def _days_and_ranges(cls, value: str) -> str:
        LegalHold.parse(value)
        return value

    @field_validator("s3_prefix", "mirror_prefix")
    @classmethod
    def _no_outer_slashes(cls, value: str) -> str:
        prefix = value.strip("/")
        if any(part in ("", ".", "..") for part in prefix.split("/")) and prefix:
            raise ValueError("must not have empty parts, '.' or '..'")
        return prefix

    @field_validator("ledger_url")
    @classmethod
    def _sqlalchemy_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from resources.database_url import database_url

            database_url(value.get_secret_value())
        return value

    @field_validator("dagster_url")
    @classmethod
    def _postgresql_url(cls, value: SecretStr | None) -> SecretStr | None:
        """With the one driver that Dagster's storage works with, whatever driver it names."""
        if value is None:
            return None
        from resources.database_url import database_url

        url = database_url(value.get_secret_value())
        if url.get_backend_name() != "postgresql":
            raise ValueError("needs a URL that begins with postgresql://")
        url = url.set(drivername=_DAGSTERS_DRIVER)
        return SecretStr(url.render_as_string(hide_password=False))

    @classmethod
    def load(cls, *, takes_memory: bool = False, **overrides: Any) -> Self:
        """From the environment and `.env`. Raises SettingsError, one line for all that is wrong; a
        store in memory is, unless the caller takes one."""
        try:
            loaded = cls(**overrides)
        except ValidationError as error:
            raise SettingsError(_all_errors(error)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{ENV_FILE} cannot be read: {error}") from None
        if loaded.uses_memory and not takes_memory:
            raise SettingsError(NOT_IN_MEMORY)
        return loaded

    @classmethod
    def load_despite_errors(cls) -> tuple[Self, str]:
        """As `load`, with the default of each setting that is wrong, and without a `.env` that
        cannot be read; and the line that says what is wrong, empty where nothing is.

        Raises SettingsError where the state folder is what is wrong.
        """
        try:
            loaded = cls()
            if loaded.uses_memory:
                return loaded.model_copy(update={"s3_endpoint_url": None}), NOT_IN_MEMORY
            return loaded, ""
        except ValidationError as error:
            wrong = {str(part["loc"][0]) for part in error.errors() if part["loc"]}
            fields = {name: cls.model_fields[name] for name in wrong - {"home"}}
            defaults = {name: field.default for name, field in fields.items()}
            return cls.load(**defaults), _all_errors(error)
        except (OSError, UnicodeDecodeError) as error:
            return cls.load(_env_file=None), f"{ENV_FILE} cannot be read: {error}"

    def require_mirror_bucket(self) -> str:
        """The second copy's bucket. Raises SettingsError when it is not set."""
        if self.mirror_bucket is None:
            raise SettingsError(f"{PREFIX}MIRROR_BUCKET is not set: there is nowhere to mirror to")
        return self.mirror_bucket

    @property
    def uses_embedded_s3(self) -> bool:
        return self.s3_endpoint_url is None

    @property
    def uses_memory(self) -> bool:
        """Whether store, ledger and spool end with the command."""
        return self.s3_endpoint_url == MEMORY

    @property
    def ledger_database(self) -> str:
        """The ledger's SQLAlchemy URL, with its password if it has one: not for logs."""
        if self.ledger_url:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.ledger_file}"

    @property
    def notify_targets(self) -> tuple[str, ...]:
        """Apprise URLs in their order: not for logs."""
        urls = self.notify_urls.get_secret_value() if self.notify_urls else ""
        return tuple(url.strip() for url in urls.split(",") if url.strip())

    @property
    def held_days(self) -> LegalHold:
        return LegalHold.parse(self.legal_hold)

    @property
    def ledger_file(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def spool_folder(self) -> Path:
        return self.home / "spool"

    @property
    def prefix_folder(self) -> Path:
        """What waits for one prefix, and never lands in another."""
        return self.spool_folder / (self.s3_prefix or "_")

    @property
    def inbox_folder(self) -> Path:
        """What operators leave for one prefix, in a folder for each feed."""
        return self.home / "inbox" / self.s3_prefix

    @property
    def quota_file(self) -> Path:
        return self.home / "quota.sqlite"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def s3_folder(self) -> Path:
        return self.home / "s3"

    @property
    def memory_folder(self) -> Path:
        """Of a store that ends with the command."""
        return self.home / "memory"

    @property
    def logs_folder(self) -> Path:
        return self.home / "logs"

    @property
    def run_folder(self) -> Path:
        """One file for each running process."""
        return self.home / "run"

    def fingerprints(self, salt: str, environ: Mapping[str, str]) -> dict[str, str]:
        """Of every setting that is set, by its variable, and of what the environment says of a
        store that is not the embedded one: tells that it is another, and not what."""
        of_store = {} if self.uses_embedded_s3 else aws_settings(environ)
        settings = {**self.environment(), **of_store}
        if "real_data" not in self.model_fields_set:
            settings.pop(f"{PREFIX}REAL_DATA", None)  # Where it is depends on where we are.
        return {
            name: sha256_hex(f"{salt}{name}={text}".encode())[:12]
            for name, text in settings.items()
        }

    def environment(self) -> dict[str, str]:
        """These settings as variables, for a child process; unset ones are left out."""
        variables = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None:
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                variables[f"{PREFIX}{name.upper()}"] = text
        return variables

    @classmethod
    def sample_env(cls) -> str:
        """Return a `.env` in which every setting is explained and none is set."""
        parts, says_of = [_SAMPLE_BEGINS], _docstrings(cls)
        for name, field in cls.model_fields.items():
            says = textwrap.fill(
                " ".join(says_of[name].split()),
                width=98,
                initial_indent="# ",
                subsequent_indent="# ",
            )
            default = "" if field.default is None else field.default
            if isinstance(default, float):
                default = f"{default:g}"
            parts.append(f"{says}\n#{PREFIX}{name.upper()}={default}")
        return "\n\n".join(parts) + "\n"


_SAMPLE_BEGINS = (
    "# Settings of Touchline. The environment wins over this file; empty counts as unset."
)


def _docstrings(settings: type[BaseSettings]) -> dict[str, str]:
    """Return the docstring of each field. Only `touchline init` asks for them; pydantic would
    collect them in every process, which is half of what importing the settings costs."""
    said = {}
    for each in reversed(settings.__mro__):
        if issubclass(each, BaseSettings):
            [definition] = ast.parse(inspect.getsource(each)).body
            assert isinstance(definition, ast.ClassDef)
            for field, below in pairwise(definition.body):
                match field, below:
                    case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                        said[name] = text
    return said


def required(value: SecretStr | None, name: str) -> str:
    """Return a secret that a feed needs, whose variable has this name behind the prefix. Raises
    SettingsError when it is not set."""
    if value is None:
        raise SettingsError(f"{PREFIX}{name} is not set: the feed needs it")
    return value.get_secret_value()


def _all_errors(error: ValidationError) -> str:
    return "; ".join(_one_error(part["loc"], part["msg"]) for part in error.errors())


def _one_error(location: tuple[int | str, ...], message: str) -> str:
    variable = PREFIX + str(location[0]).upper() if location else PREFIX + "*"
    return f"{variable}: {message.removeprefix('Value error, ')}"
