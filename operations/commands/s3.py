"""`touchline s3`: tell where the object store is, and how other tools read the lake there.

The keys of a store of your own are never shown. Those of the embedded store, which were made here,
stand in a file: DuckDB reads them there, and they are shown to who asks for them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from boto3.session import Session

from operations.arguments import Json, Prefix
from operations.console import answer
from operations.opened import refuse_without_store, settings_for
from resources.embedded_s3 import REGION, S3Access, Server
from resources.env_file import ENV_FILE, read_env_file
from resources.settings import Settings

_WHO = "AWS_ACCESS_KEY_ID"


def s3(
    show_keys: Annotated[
        bool,
        typer.Option("--show-keys", help="Also the embedded store's keys; never your own store's."),
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Print where the object store is, where its keys are, and a DuckDB secret for it. The whole
    output is SQL: `duckdb -init <(touchline s3)`."""
    settings = settings_for(prefix)
    refuse_without_store(settings)
    store = _look(settings, show_keys=show_keys)
    answer(store, _as_sql(store), as_json=as_json)


def _look(settings: Settings, *, show_keys: bool) -> dict[str, Any]:
    """What these settings say; the store itself is not asked. `show_keys` shows those of the
    embedded store. Raises EmbeddedS3Error where no embedded store was ever started."""
    if settings.s3_endpoint_url is None:
        server = Server(settings.s3_folder)
        access, is_running = server.access, server.process is not None
        file = str(server.identities_file)
        where = f"{file}, made here" + ("" if show_keys else "; --show-keys shows them")
        keys = access if show_keys else None
    else:
        session = Session()
        access = S3Access(settings.s3_endpoint_url, region=session.region_name)
        is_running, file, where, keys = None, None, _where(session), None
    endpoint, region = access.endpoint_url, access.region or REGION
    path = "/".join(part for part in (settings.s3_bucket, settings.s3_prefix, "lake") if part)
    return {
        "endpoint": endpoint,
        "region": region,
        "bucket": settings.s3_bucket,
        "prefix": settings.s3_prefix,
        "lake": f"s3://{path}",
        "is_embedded": settings.uses_embedded_s3,
        "is_running": is_running,
        "keys": where,
        "duckdb": duckdb_secret(endpoint, region, settings.s3_bucket, keys=keys, keys_file=file),
        "storage_options": _storage_options(endpoint, region, keys),
    }


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
    endpoint: str, region: str, bucket: str, *, keys: S3Access | None, keys_file: str | None
) -> str:
    """SQL that lets DuckDB read the bucket: with these keys, else with those of a file such as the
    embedded store has, else with those that DuckDB finds itself as other AWS tools do."""
    url = urlsplit(endpoint)
    before: list[str] = []
    after: list[str] = []
    if keys is not None:
        who = [f"KEY_ID {_text(keys.access_key_id)}", f"SECRET {_text(keys.secret_access_key)}"]
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


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _storage_options(endpoint: str, region: str, keys: S3Access | None) -> dict[str, str]:
    """What Polars and delta-rs take; without keys they look in the environment."""
    options = {"aws_endpoint_url": endpoint, "aws_region": region}
    if endpoint.startswith("http://"):
        options["aws_allow_http"] = "true"
    if keys is not None:
        options["aws_access_key_id"] = str(keys.access_key_id)
        options["aws_secret_access_key"] = str(keys.secret_access_key)
    return options


def _as_sql(store: Mapping[str, Any]) -> list[str]:
    """SQL as a whole, so that DuckDB takes it as it is: what is for people stands in comments."""
    running = {True: ", runs", False: ", does not run: `touchline up` starts it", None: ""}
    embedded = f" (embedded{running[store['is_running']]})" if store["is_embedded"] else ""
    return [
        f"-- endpoint: {store['endpoint']}{embedded}",
        f"-- bucket:   {store['bucket']}"
        + (f", prefix {store['prefix']}" if store["prefix"] else ""),
        f"-- lake:     {store['lake']}/<asset>, such as {store['lake']}/football/merged",
        f"-- keys:     {store['keys']}",
        store["duckdb"],
    ]
