"""`touchline s3`: tell where the object store is, and how other tools read the lake there.

The keys of a store of your own are never shown. Those of the embedded store, which were made here,
stand in a file: DuckDB reads them there, and they are shown to who asks for them.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from boto3.session import Session

from resources.embedded_s3 import REGION, Server
from resources.env_file import ENV_FILE, read_env_file
from resources.settings import Settings

_WHO = "AWS_ACCESS_KEY_ID"


@dataclass(frozen=True)
class Keys:
    """A pair of them, to be shown."""

    key_id: str
    secret: str


@dataclass(frozen=True)
class StoreShown:
    """The object store in use, for people and for other tools. `keys` says where they are."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    lake: str
    """URI of the folder of all Delta tables."""
    is_embedded: bool
    is_running: bool | None
    """None where it is not ours to run."""
    keys: str
    duckdb: str
    """SQL that makes DuckDB's secret of the bucket."""
    storage_options: dict[str, str]
    """What Polars and delta-rs take; without keys they look in the environment."""


def look(settings: Settings, *, show_keys: bool = False) -> StoreShown:
    """What these settings say; the store itself is not asked. `show_keys` shows those of the
    embedded store. Raises EmbeddedS3Error where no embedded store was ever started."""
    shown = None
    if settings.s3_endpoint_url is None:
        server = Server(settings.s3_folder)
        access = server.access
        endpoint, region, is_running = access.endpoint_url, REGION, server.process is not None
        file = str(server.identities_file)
        where = f"{file}, made here" + ("" if show_keys else "; --show-keys shows them")
        if show_keys and access.access_key_id and access.secret_access_key:
            shown = Keys(access.access_key_id, access.secret_access_key)
    else:
        session = Session()
        endpoint, is_running, file = settings.s3_endpoint_url, None, None
        region, where = session.region_name or REGION, _where(session)
    path = "/".join(part for part in (settings.s3_bucket, settings.s3_prefix, "lake") if part)
    return StoreShown(
        endpoint=endpoint,
        region=region,
        bucket=settings.s3_bucket,
        prefix=settings.s3_prefix,
        lake=f"s3://{path}",
        is_embedded=settings.uses_embedded_s3,
        is_running=is_running,
        keys=where,
        duckdb=duckdb_secret(endpoint, region, settings.s3_bucket, keys=shown, keys_file=file),
        storage_options=_storage_options(endpoint, region, shown),
    )


def _where(session: Session) -> str:
    """Where the credentials come from, without any of them."""
    found = session.get_credentials()
    if found is None:
        return "nowhere: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if found.method != "env":
        return f"{found.method}, profile {session.profile_name}"
    here = (read_env_file().get(_WHO) or None) == os.environ.get(_WHO)
    return f"{os.path.abspath(ENV_FILE)} ({_WHO}, ...)" if here else f"environment ({_WHO}, ...)"


def duckdb_secret(
    endpoint: str, region: str, bucket: str, *, keys: Keys | None, keys_file: str | None
) -> str:
    """SQL that lets DuckDB read the bucket: with these keys, else with those of a file such as the
    embedded store has, else with those that DuckDB finds itself as other AWS tools do."""
    url = urlsplit(endpoint)
    before: list[str] = []
    after: list[str] = []
    if keys is not None:
        who = [f"KEY_ID {_text(keys.key_id)}", f"SECRET {_text(keys.secret)}"]
    elif keys_file is not None:
        read = "SELECT identities[1].credentials[1].{} FROM read_json({})"
        for variable, member in (("key_id", "accessKey"), ("secret", "secretKey")):
            query = read.format(member, _text(keys_file))
            before.append(f"SET VARIABLE touchline_{variable} = ({query});")
            after.append(f"RESET VARIABLE touchline_{variable};")
        who = [
            "KEY_ID getvariable('touchline_key_id')",
            "SECRET getvariable('touchline_secret')",
        ]
    else:
        who = ["PROVIDER credential_chain"]
    options = [
        "TYPE s3",
        *who,
        f"SCOPE {_text(f's3://{bucket}')}",
        f"REGION {_text(region)}",
        f"ENDPOINT {_text(url.netloc + url.path.rstrip('/'))}",
        "URL_STYLE 'path'",
        f"USE_SSL {str(url.scheme == 'https').lower()}",
    ]
    inside = ",\n    ".join(options)
    secret = f"CREATE OR REPLACE SECRET touchline (\n    {inside}\n);"
    return "\n".join([*before, secret, *after])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _storage_options(endpoint: str, region: str, keys: Keys | None) -> dict[str, str]:
    options = {"aws_endpoint_url": endpoint, "aws_region": region}
    if endpoint.startswith("http://"):
        options["aws_allow_http"] = "true"
    if keys is not None:
        options |= {"aws_access_key_id": keys.key_id, "aws_secret_access_key": keys.secret}
    return options


def as_json(store: StoreShown) -> dict[str, Any]:
    return asdict(store)


def as_text(store: StoreShown) -> str:
    """SQL as a whole, so that DuckDB takes it as it is: what is for people stands in comments."""
    running = {True: ", runs", False: ", does not run: `touchline up` starts it", None: ""}
    embedded = f" (embedded{running[store.is_running]})" if store.is_embedded else ""
    lines = [
        f"-- endpoint: {store.endpoint}{embedded}",
        f"-- bucket:   {store.bucket}" + (f", prefix {store.prefix}" if store.prefix else ""),
        f"-- lake:     {store.lake}/<asset>, such as {store.lake}/football/merged",
        f"-- keys:     {store.keys}",
        store.duckdb,
    ]
    return "\n".join(lines)
