"""`touchline inbox`, and where what was left there is seen."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.operations.conftest import START, RunDay
from tests.pipeline_assets.football.fetches import envelope

REMARK = {"id": "calm", "date": "2025-05-28", "by": "Ada <A.>", "says": "calm", "match": "m1"}


def left(day: RunDay, name: str, content: bytes) -> Path:
    """A file in the inbox, in which nothing has changed for long."""
    assert day.settings.s3_prefix, "each prefix has its own"
    path = day.settings.home / "inbox" / day.settings.s3_prefix / "football" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (0, 0))
    return path


def test_what_was_left_is_taken_and_told(own_day: RunDay) -> None:
    empty = own_day.touchline("inbox", "--json")
    assert (empty.exit_code, empty.json) == (
        0,
        {"feeds": {"football": {"landed": {}, "aside": {}, "waiting": [], "answers": []}}},
    )

    minute = START.later(1)
    left(own_day, "a", envelope([{"id": "m" * 15}], minute=minute).data)
    left(own_day, "qa.jsonl", json.dumps(REMARK).encode() + b"\n")
    taken = own_day.touchline("inbox")
    assert taken.exit_code == 0, taken.stderr
    assert b"captures: 1 landed" in taken.stdout
    assert b"qa.jsonl calm: done: it stands beside the day" in taken.stdout

    left(own_day, "b", b"{")
    os.utime(left(own_day, "c", b"{"))
    wrong = own_day.touchline("inbox", "--json")
    assert wrong.exit_code == 1
    said = wrong.json["feeds"]["football"]
    assert [name.partition(".")[0] for name in said["aside"]] == ["b"]
    assert said["waiting"][0].startswith("c: ")
    assert own_day.touchline("inbox").exit_code == 2, "one is still being written"


def test_a_remark_is_shown_with_the_verdicts_of_its_day(own_day: RunDay, tmp_path: Path) -> None:
    left(own_day, "qa.jsonl", json.dumps(REMARK).encode())
    assert own_day.touchline("inbox").exit_code == 0

    day = ("--date", str(own_day.day))
    assert b"2025-05-28 Ada <A.> on m1: calm" in own_day.touchline("verify", *day).stdout
    assert own_day.touchline("verify", *day, "--json").json["remarks"] == {"2025-05-28": [REMARK]}
    page = tmp_path / "page.html"
    said = own_day.touchline("report", str(own_day.day), "--json", "--out", str(page))
    assert said.json["remarks"] == [REMARK]
    assert "<td>Ada &lt;A.&gt;</td><td>m1</td>" in page.read_text()
