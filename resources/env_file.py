"""`.env` of the working directory, and what of it the AWS libraries are to know.

Settings read their own variables there. The AWS libraries read the environment alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values

ENV_FILE = ".env"
_WHO = frozenset({"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"})
_CREDENTIALS = _WHO | {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
_REACH = _CREDENTIALS | {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"}


def read_env_file() -> dict[str, str | None]:
    """The variables of `.env`; none where there is no such file, or it cannot be read, for which
    `Settings.load` has the error."""
    try:
        return dotenv_values(ENV_FILE)
    except (OSError, UnicodeDecodeError):
        return {}


def take_aws_variables() -> None:
    """Give this process, and so its children, the AWS_* variables of `.env` that the environment
    has not; empty counts as unset. Where the environment says whose credentials count, it says all
    of them: those of two accounts are never mixed."""
    given = {name for name, value in os.environ.items() if value}
    kept = given | _CREDENTIALS if given & _WHO else given
    for name, value in read_env_file().items():
        if name.startswith("AWS_") and name not in kept and value:
            os.environ[name] = value


def aws_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The AWS_* variables that decide how and as whom a store is reached."""
    return {name: value for name in sorted(_REACH) if (value := environ.get(name))}
