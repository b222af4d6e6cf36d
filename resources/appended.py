"""Files to which people append one JSON object a line, and the answers to their lines.

    <inbox>/requests.jsonl, qa.jsonl    appended by people, never written here
    <inbox>/answers.jsonl               one line for each of theirs that was dealt with

A line is known by its content. Its `id` names it to people, and one id stands for one content. A
last line without its line end may still be being written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from resources.spool import fsync_directory
from touchline.accounting import sha256_hex
from touchline.day import utc_text
from touchline.errors import Misuse
from touchline.formats import UNREADABLE_JSON

REQUESTS, REMARKS, ANSWERS = "requests.jsonl", "qa.jsonl", "answers.jsonl"
ASKING = (REQUESTS, REMARKS)
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a day is put right, or all of an asset's day made anew, as by `touchline reprocess`."""

    id: Id
    date: str
    reason: Text
    asset: str | None = None


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody has to say about a day, or about a match of it."""

    id: Id
    date: str
    by: Text
    says: Text
    match: Text | None = None


A = TypeVar("A", Request, Remark)


class Answered(StrEnum):
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`sha256` is that of the line; `id` is None where it could not be read."""

    file: str
    id: str | None
    sha256: str
    answer: Answered
    says: str
    at: str


class Malformed(Misuse, ValueError):
    """A line that asks for nothing; the text says what is wrong with it."""


@dataclass(frozen=True)
class Line:
    """A line without an answer. `is_open` where its end is not written yet."""

    file: str
    text: bytes
    is_open: bool

    @property
    def sha256(self) -> str:
        return sha256_hex(self.text)

    def read(self, kind: type[A]) -> A:
        """Raises Malformed."""
        try:
            return msgspec.json.decode(self.text, type=kind)
        except UNREADABLE_JSON as error:
            raise Malformed(f"not a line of {self.file}: {error}") from error


@dataclass(frozen=True)
class Appended:
    """The appended files of one inbox."""

    folder: Path

    def unanswered(self, file: str) -> Iterator[Line]:
        """In the order of the file, each content once."""
        try:
            data = (self.folder / file).read_bytes()
        except FileNotFoundError:
            return
        known = {answer.sha256 for answer in self.answers() if answer.file == file}
        *whole, last = data.split(b"\n")
        lines = [Line(file, text.strip(), False) for text in whole]
        for line in (*lines, Line(file, last.strip(), True)):
            if line.text and line.sha256 not in known:
                known.add(line.sha256)
                yield line

    def is_left(self, file: str) -> bool:
        """Whether a line of it waits for an answer, or it cannot be read, which is to be said."""
        try:
            return any(self.unanswered(file))
        except OSError:
            return True

    def answers(self) -> list[Answer]:
        """In order. One that was torn while it was written is none, and is given again."""
        try:
            lines = (self.folder / ANSWERS).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Answer))
            except UNREADABLE_JSON:
                continue
        return found

    def used_before(self, line: Line, said: Request | Remark) -> bool:
        """Whether this id was given to another content that was not refused."""
        return any(
            answer.id == said.id and answer.sha256 != line.sha256
            for answer in self.answers()
            if answer.file == line.file and answer.answer is not Answered.REFUSED
        )

    def answer(self, line: Line, id: str | None, how: Answered, says: str, at: datetime) -> Answer:
        """Durable on return."""
        given = Answer(
            file=line.file, id=id, sha256=line.sha256, answer=how, says=says, at=utc_text(at)
        )
        # A line end first: the answer before may have been torn.
        data = b"\n" + msgspec.json.encode(given) + b"\n"
        with (self.folder / ANSWERS).open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fsync_directory(self.folder)
        return given
