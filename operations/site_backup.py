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
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from operations import ledger as books
from operations.opened import refuse_while_running, sqlite_file
from operations.whole_file import whole
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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


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
        for name, why in _copy_waiting(settings, tar, progress).items():
            if why is not None:
                made.damaged[name] = why
            elif name.startswith(SPOOL):
                made.spooled += 1
            else:
                made.inbox += 1
        for key, why in _copied(site.store, tar, progress):
            if why is None:
                made.objects += 1
            else:
                made.damaged[key] = why
        _add(tar, END, msgspec.json.encode({"objects": made.objects}))
    made.bytes = file.stat().st_size
    return made


def _copy_waiting(
    settings: Settings, tar: tarfile.TarFile, progress: Progress
) -> dict[str, str | None]:
    """What lies in the spool, claims and alerts that wait for the ledger among it, and in the
    inbox, by name, with why something that an operator left there could not be read."""
    names: dict[str, str | None] = {}
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
            if name in names or path.name.endswith(".lock"):
                continue
            try:
                if not path.is_file():
                    continue
                progress(f"copying {path}")
                _add(tar, name, path.read_bytes())
                names[name] = None
            except FileNotFoundError:  # It has landed meanwhile, or was taken within the inbox.
                moved = True
            except OSError as error:
                if not name.startswith(INBOX):
                    raise
                names[name] = error.strerror
        if not moved:
            break
    return names


def _copied(
    store: Store, tar: tarfile.TarFile, progress: Progress
) -> Iterator[tuple[str, str | None]]:
    """Every object of the prefix by its key, with why it could not be read."""
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
                yield key, str(error)
            else:
                if key not in done:
                    yield key, None
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
    with _opened(file) as (about, tar, members):
        if about.prefix != settings.s3_prefix:
            raise Misuse(
                f"{file} is of the prefix {about.prefix!r}, which its ledger names in every row: "
                f"set TOUCHLINE_S3_PREFIX={about.prefix}"
            )
        _refuse_other_ledger(settings, about, file)
        made = Restored(str(file), about.at)
        begun = settings.home / "restore.json"
        earlier = read_private_json(begun) or {}
        again = earlier.get("of") == about.at
        with connected(settings) as access:
            store = store_at(settings, access)
            store.make_bucket()
            if not (again and earlier.get("ledger")):
                _refuse_a_ledger(settings)
            if not again:
                _refuse_objects(store)
                write_private_json(begun, {"of": about.at})
            newest = {member.name: member for member in members}.values()
            for number, member in enumerate(newest, 1):
                progress(f"restoring {number:,} of {len(newest):,}")
                _put_back(settings, store, tar, member, made)
        if about.ledger:
            with tempfile.TemporaryDirectory(dir=settings.home) as folder:
                with (copy := Path(folder, LEDGER)).open("wb") as part:
                    shutil.copyfileobj(_content(tar, tar.getmember(LEDGER)), part)
                write_private_json(begun, {"of": about.at, "ledger": True})
                books.restore(settings, copy, now)
            made.ledger = True
    begun.unlink()
    return made


def _put_back(
    settings: Settings,
    store: Store,
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    made: Restored,
) -> None:
    if member.name.startswith((SPOOL, INBOX)):
        path = settings.home / member.name
        if ".." in Path(member.name).parts:
            raise Misuse(f"{member.name} would be written outside of {settings.home}")
        path.unlink(missing_ok=True)
        write_durably(path, _content(tar, member).read())
        if member.name.startswith(SPOOL):
            made.spooled += 1
        else:
            made.inbox += 1
    elif member.name.startswith(STORE):
        if _put_object(store, member, _content(tar, member)):
            made.objects += 1
        else:
            made.there += 1


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


def _refuse_other_ledger(settings: Settings, about: About, file: Path) -> None:
    if about.ledger and sqlite_file(settings.ledger_database) is None:
        raise Misuse(
            f"{file} holds a ledger that lies in a file: leave TOUCHLINE_LEDGER_URL unset, which "
            "names a database"
        )


def _refuse_a_ledger(settings: Settings) -> None:
    """Two sites are never mixed."""
    ledger = sqlite_file(settings.ledger_database)
    if ledger is not None and ledger.exists():
        raise Misuse(f"there is a ledger at {ledger}: restore to another TOUCHLINE_HOME")


def _refuse_objects(store: Store) -> None:
    if next(store.list(""), None) is not None:
        raise Misuse(
            f"s3://{store.bucket}/{store.prefix} holds something already: restore to an empty one"
        )
