"""A whole site in one file, and a site made of it: ledger, spool, inbox, and every object of the
prefix.

The file is a tar archive. Each object stands in it with its metadata, without which it could not be
read. What was copied first is the oldest: the ledger, then the spool and the inbox, then the
store, so that nothing is claimed that the file does not have, however much goes on meanwhile.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from operations import ledger as books
from operations.console import whole
from operations.opened import refuse_while_running, sqlite_file
from resources.embedded_s3 import connected
from resources.private_json import read_private_json, write_private_json
from resources.run_record import commit
from resources.settings import Settings
from resources.site import Site, store_at
from resources.spool import write_durably
from resources.store import Corrupted, NotFound, PreconditionFailed, Store
from touchline.day import utc_text
from touchline.errors import Misuse
from touchline.formats import UNREADABLE_JSON, unread, unread_json

FORMAT = 1
READABLE_FORMATS = (1,)
ABOUT, LEDGER, END = "site.json", "ledger.sqlite", "end.json"
SPOOL, INBOX, STORE = "spool/", "inbox/", "store/"
METADATA = "TOUCHLINE.metadata"
"""The name, in the archive, of what an object's metadata stand under."""
OFTEN = ("status/", "reference/")
"""What is written again and again, and belongs to nothing else."""
PASSES = 5
"""How often the store is listed, as objects go into a window or a sealed day meanwhile."""

Progress = Callable[[str], None]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. `at` is when it was begun (UTC), by code of `commit`."""

    format: int
    at: str
    commit: str
    prefix: str
    ledger: bool
    """Whether the ledger is in it; one in a database of its own is copied by that one's tools."""


@dataclass
class Backup:
    """What a backup holds. `damaged` are objects by their keys, and files of the inbox, that could
    not be read, and why."""

    file: str
    bytes: int = 0
    objects: int = 0
    spooled: int = 0
    inbox: int = 0
    ledger: bool = False
    damaged: dict[str, str] = field(default_factory=dict)


@dataclass
class Restored:
    """What a restore brought; `there` are objects that an earlier attempt had brought already."""

    file: str
    at: str
    objects: int = 0
    there: int = 0
    spooled: int = 0
    inbox: int = 0
    ledger: bool = False


# --- backing up ----------------------------------------------------------------------------------


def back_up(site: Site, file: Path, progress: Progress) -> Backup:
    """Copy the site to a file, while others go on with it.

    Raises Misuse where the file exists or objects keep moving, StoreError, LedgerUnavailable.
    """
    if file.exists():
        raise Misuse(f"{file} exists: choose another name, since no backup is written over")
    settings, made = site.settings, Backup(str(file))
    made.ledger = sqlite_file(settings.ledger_database) is not None
    about = About(
        format=FORMAT,
        at=utc_text(site.clock.now()),
        commit=commit(),
        prefix=site.store.prefix,
        ledger=made.ledger,
    )
    with whole(file) as target, tarfile.open(fileobj=target, mode="w|") as tar:
        _add(tar, ABOUT, msgspec.json.encode(about))
        if made.ledger:
            progress("copying the ledger")
            with tempfile.TemporaryDirectory(dir=file.absolute().parent) as folder:
                books.backup(settings, copy := Path(folder, LEDGER))
                tar.add(copy, LEDGER)
        _copy_waiting(settings, tar, made, progress)
        _copy_objects(site.store, tar, made, progress)
        _add(tar, END, msgspec.json.encode({"objects": made.objects}))
    made.bytes = file.stat().st_size
    return made


def _copy_waiting(
    settings: Settings, tar: tarfile.TarFile, made: Backup, progress: Progress
) -> None:
    """What lies in the spool, claims and alerts that wait for the ledger among it, and in the
    inbox; with why something that an operator left there could not be read."""
    done: set[str] = set()
    for _ in range(PASSES):
        moved = False
        # Not `rglob`: that of Python 3.11.2 raises at a link that cannot be followed.
        for path in sorted(
            Path(folder, name)
            for top in (SPOOL, INBOX)
            for folder, _, files in os.walk(settings.home / top)
            for name in files
        ):
            name = str(path.relative_to(settings.home))
            if name in done or path.name.endswith(".lock"):
                continue
            try:
                if not path.is_file():
                    continue
                progress(f"copying {path}")
                _add(tar, name, path.read_bytes())
            except FileNotFoundError:  # It has landed meanwhile, or was taken within the inbox.
                moved = True
                continue
            except OSError as error:
                if not name.startswith(INBOX):
                    raise
                made.damaged[name] = error.strerror or str(error)
            else:
                made.spooled += name.startswith(SPOOL)
                made.inbox += name.startswith(INBOX)
            done.add(name)
        if not moved:
            break


def _copy_objects(store: Store, tar: tarfile.TarFile, made: Backup, progress: Progress) -> None:
    """Every object of the prefix, with why one could not be read."""
    done: dict[str, str] = {}
    for passed in range(PASSES):
        listed = {i.key: i.etag for i in store.list("") if done.get(i.key) != i.etag}
        # An object that was replaced is what it is together with another that is new.
        moved = not passed or any(key in done and not key.startswith(OFTEN) for key in listed)
        for number, key in enumerate(listed, 1):
            progress(f"copying object {number:,} of {len(listed):,}")
            try:
                _copy_object(store, tar, key)
            except NotFound:
                moved = True
                continue
            except Corrupted as error:
                made.damaged[key] = str(error)
            else:
                made.objects += key not in done
            done[key] = listed[key]
        if not moved:
            return
    raise Misuse("objects kept moving while they were copied: try again, or end Touchline first")


def _copy_object(store: Store, tar: tarfile.TarFile, key: str) -> None:
    with tempfile.TemporaryFile() as part:
        found = store.download(key, part)
        info = tarfile.TarInfo(f"{STORE}{key}")
        info.size = part.tell()
        info.pax_headers = {METADATA: json.dumps(dict(found.metadata))}
        part.seek(0)
        tar.addfile(info, part)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


# --- restoring -----------------------------------------------------------------------------------


def restore(settings: Settings, file: Path, now: datetime, progress: Progress) -> Restored:
    """Make the site of a backup where there is none; an attempt that died is gone on with.

    The ledger comes last: without it nothing takes the rest for a site. Raises Misuse where the
    file is no whole backup, or is of another prefix, or where there is a site already;
    EmbeddedS3Error, StoreError, LedgerUnavailable.
    """
    refuse_while_running(settings)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = sqlite_file(settings.ledger_database)
    with _opened(file) as (about, tar, members):
        if about.prefix != settings.s3_prefix:
            raise Misuse(
                f"{file} is of the prefix {about.prefix!r}, which its ledger names in every row: "
                f"set TOUCHLINE_S3_PREFIX={about.prefix}"
            )
        if about.ledger and ledger is None:
            raise Misuse(
                f"{file} holds a ledger that lies in a file: leave TOUCHLINE_LEDGER_URL unset, "
                "which names a database"
            )
        made = Restored(str(file), about.at)
        begun = settings.home / "restore.json"
        earlier = read_private_json(begun) or {}
        again = earlier.get("of") == about.at
        with connected(settings) as access:
            store = store_at(settings, access)
            store.make_bucket()
            if ledger and ledger.exists() and not (again and earlier.get("ledger")):
                # Two sites are never mixed.
                raise Misuse(f"there is a ledger at {ledger}: restore to another TOUCHLINE_HOME")
            if not again:
                if next(store.list(""), None) is not None:
                    raise Misuse(
                        f"s3://{store.bucket}/{store.prefix} holds something already: restore to "
                        "an empty one"
                    )
                write_private_json(begun, {"of": about.at})
            newest = {member.name: member for member in members}.values()
            for number, member in enumerate(newest, 1):
                progress(f"restoring {number:,} of {len(newest):,}")
                if member.name.startswith((SPOOL, INBOX)):
                    _put_file(settings.home, member.name, _content(tar, member).read())
                    made.spooled += member.name.startswith(SPOOL)
                    made.inbox += member.name.startswith(INBOX)
                elif member.name.startswith(STORE):
                    is_new = _put_object(store, member, _content(tar, member))
                    made.objects += is_new
                    made.there += not is_new
        if about.ledger:
            with tempfile.TemporaryDirectory(dir=settings.home) as folder:
                with (copy := Path(folder, LEDGER)).open("wb") as part:
                    shutil.copyfileobj(_content(tar, tar.getmember(LEDGER)), part)
                write_private_json(begun, {"of": about.at, "ledger": True})
                books.restore(settings, copy, now)
            made.ledger = True
    begun.unlink()
    return made


def _put_file(home: Path, name: str, data: bytes) -> None:
    if ".." in Path(name).parts:
        raise Misuse(f"{name} would be written outside of {home}")
    (home / name).unlink(missing_ok=True)
    write_durably(home / name, data)


def _put_object(store: Store, member: tarfile.TarInfo, content: IO[bytes]) -> bool:
    """False where it stands there already. Raises Misuse where something else does."""
    key = member.name.removeprefix(STORE)
    with tempfile.TemporaryFile() as part:
        shutil.copyfileobj(content, part)
        try:
            store.put_new(key, part, json.loads(member.pax_headers[METADATA]))
        except PreconditionFailed:
            part.seek(0)
            if store.get(key).body != part.read():
                raise Misuse(f"{key} stands there already with other bytes") from None
            return False
    return True


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None
    return content


@contextmanager
def _opened(
    file: Path,
) -> Iterator[tuple[About, tarfile.TarFile, Sequence[tarfile.TarInfo]]]:
    """A backup that is whole, and its files. Raises Misuse."""
    try:
        tar = tarfile.open(file, "r:")  # noqa: SIM115
    except (OSError, tarfile.TarError) as error:
        raise Misuse(f"{file} is no backup of a site that can be read: {error}") from None
    with tar:
        try:
            members = [member for member in tar.getmembers() if member.isfile()]
        except tarfile.TarError as error:
            raise Misuse(f"{file} is no whole backup of a site: {error}") from None
        if not members or (members[0].name, members[-1].name) != (ABOUT, END):
            raise Misuse(f"{file} is no whole backup of a site: take another one")
        yield _about(file, _content(tar, members[0]).read()), tar, members


def _about(file: Path, text: bytes) -> About:
    try:
        about = msgspec.json.decode(text, type=About)
    except UNREADABLE_JSON as error:
        why = unread_json(text, READABLE_FORMATS) or error
        raise Misuse(f"{file} is no backup of a site: {why}") from None
    if why := unread(about.format, READABLE_FORMATS):
        raise Misuse(f"{file}: {why}")
    return about
