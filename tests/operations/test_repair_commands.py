"""`touchline losses` and `touchline reprocess`, on a day that was really run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.operations.conftest import FEED, RunDay
from tests.slots import RAW, asset_keys, slot_at
from touchline.accounting import LossClass, MissedReason, Outcome
from touchline.fetch import FetchRef

DAY = "2025-05-28"
MONITOR = "football/monitor_central"


def delete(day: RunDay, asset: str) -> None:
    """By hand, behind everybody's back."""
    for number in day.numbers:
        day.site().store.delete(asset_keys(asset).single(day.day, number))


def digests(day: RunDay) -> dict[int, str]:
    days = day.site().days(FEED)
    return {n: days.read_back(MONITOR, day.day, n).digest for n in day.numbers}


def test_a_good_day_has_no_losses(run_day: RunDay) -> None:
    answer = run_day.touchline("losses", "--json")
    assert (answer.exit_code, answer.json) == (0, {"losses": [], "next": None})
    assert "nothing is lost" in run_day.touchline("losses", "--from", DAY).stdout.decode()


def test_minutes_without_data_are_told_by_their_reasons(own_day: RunDay) -> None:
    died, late = MissedReason.RUN_DIED, MissedReason.STARTED_LATE
    first = own_day.day.minute(own_day.numbers[0])
    for passed, reason in ((1, died), (2, late), (3, late)):
        minute = first.later(passed)
        own_day.site().ledger.slot_missed(slot_at(minute), reason, minute.end)
    ref = FetchRef(FEED, first.later(4), "aB3dE6gH9jK2")
    own_day.site().ledger.fetch_landed(ref, Outcome.FAILED, "quota", ref.minute.end, 0.0)

    found = own_day.touchline("losses").stdout.decode()

    numbers = [first.number + passed for passed in range(5)]
    assert f"fetch {numbers[1]}: real_loss" in found
    assert "the minute was missed: run_died" in found
    assert f"fetch {numbers[2]}-{numbers[3]} (2): real_loss" in found
    why = "real_loss, an unknown number of records, not recoverable: the fetch failed"
    assert f"fetch {numbers[4]}: {why}" in found
    verified = own_day.touchline("verify", "--date", DAY)
    said = f"touchline losses --from {DAY} --to {DAY} --prefix {own_day.settings.s3_prefix}\n"
    assert f"minutes without data: 1 failed, 3 missed: {said}" in verified.stdout.decode()
    said = own_day.touchline("verify", "--date", DAY, "--json").json["not_fetched"]
    assert said == {DAY: {"failed": 1, "missed": 3}}


def test_a_lost_display_is_found_planned_and_restored(own_day: RunDay) -> None:
    [number], before = own_day.numbers, digests(own_day)
    delete(own_day, MONITOR)
    checked = own_day.touchline("verify", "--date", DAY, "--json")
    assert checked.json["days"][DAY][MONITOR]["verdict"] == "BAD"

    losses = own_day.touchline("losses", "--from", DAY, "--to", DAY, "--json")
    assert losses.exit_code == 1
    [loss] = losses.json["losses"]
    assert {name: loss[name] for name in ("day", "asset", "fetch_number", "records")} == {
        "day": DAY,
        "asset": MONITOR,
        "fetch_number": number,
        "records": 2,
    }
    assert (loss["class"], loss["recoverable"]) == (LossClass.REAL_LOSS, True)
    assert asset_keys(MONITOR).single(own_day.day, number) in loss["evidence"]
    assert MONITOR in own_day.touchline("losses").stdout.decode()

    planned = own_day.touchline("reprocess", "--date", DAY, "--dry-run", "--json")
    assert planned.exit_code == 0
    assert planned.json["dry_run"] is True
    assert planned.json["plan"] == [
        {
            "asset": MONITOR,
            "first": number,
            "last": number,
            "fetches": 1,
            "action": "do",
            "work": "make",
            "why": "lost",
            "reason": "real_loss",
            "source": "football/pretty_print_conversion",
            "expected": 2,
            "key": None,
        }
    ]
    assert planned.json["totals"] == {
        "do": 1,
        "skip": 0,
        "cannot": 0,
        "expected": 2,
        "expected_unknown": 0,
    }
    assert own_day.touchline("losses", "--json").json == losses.json, "a dry run changes nothing"

    done = own_day.touchline("reprocess", "--date", DAY, "--reason", "deleted by hand", "--json")
    assert done.exit_code == 0
    assert done.json["plan"] == planned.json["plan"]
    assert done.json["verdict"] == "OK"
    assert done.json["done"]["landed"] == {MONITOR: {str(number): "landed"}}
    assert digests(own_day) == before
    assert own_day.touchline("verify", "--date", DAY, "--deep").exit_code == 0
    run = own_day.site().ledger.run(done.json["done"]["run_id"])
    assert run is not None
    assert (run.reason or "").endswith(": deleted by hand")

    again = own_day.touchline("reprocess", "--date", DAY, "--json")
    assert (again.exit_code, again.json["plan"], again.json["done"]) == (0, [], None)
    assert again.json["next"] is None
    text = own_day.touchline("reprocess", "--date", DAY).stdout.decode()
    assert text.startswith("nothing to repair\n")
    assert text.endswith("verdict: OK\n")


def test_each_command_ends_with_the_one_that_helps_next(own_day: RunDay, tmp_path: Path) -> None:
    report = ("report", DAY, "--out", str(tmp_path))

    def ends_with(*arguments: str) -> str | None:
        """What the last line names, which is also the field `next`."""
        answer = own_day.touchline(*arguments)
        text = answer.stderr if arguments[0] == "report" else answer.stdout.decode()
        named = re.findall(r"^next: (.+)\Z", text.rstrip("\n"), re.MULTILINE)
        assert own_day.touchline(*arguments, "--json").json["next"] == (named or [None])[0]
        return named[0] if named else None

    for arguments in (("verify", "--date", DAY), ("losses",), report):
        assert ends_with(*arguments) is None
    delete(own_day, MONITOR)
    begun = f"touchline reprocess --date {DAY} --prefix {own_day.settings.s3_prefix}"
    for arguments in (("verify", "--date", DAY), ("losses",), report):
        assert ends_with(*arguments) == f"{begun} --dry-run"
    assert f"Next: <code>{begun} --dry-run</code>" in next(tmp_path.iterdir()).read_text()
    assert ends_with(*begun.split()[1:], "--dry-run") == begun
    assert ends_with("reprocess", "--date", DAY, "--dry-run", "--asset", "monitor_central") == (
        f"{begun} --asset monitor_central"
    )
    for arguments in (("verify", "--date", DAY), ("losses",), report):
        assert ends_with(*arguments, "--deep") == f"{begun} --deep --dry-run"
    assert ends_with(*begun.split()[1:], "--deep", "--dry-run") == f"{begun} --deep"
    assert own_day.touchline(*begun.split()[1:]).stdout.decode().endswith("verdict: OK\n")


def test_a_raw_fetch_that_is_gone_cannot_be_had_again(own_day: RunDay) -> None:
    for entry in list(own_day.site().spool(FEED).entries()):
        own_day.site().spool(FEED).clear(entry)
    delete(own_day, RAW)
    losses = own_day.touchline("losses", "--json")
    assert losses.exit_code == 1
    assert {(loss["asset"], loss["recoverable"]) for loss in losses.json["losses"]} == {
        (RAW, False)
    }
    answer = own_day.touchline("reprocess", "--date", DAY)
    assert answer.exit_code == 1
    [line, *_] = answer.stdout.decode().splitlines()
    assert line.startswith(f"cannot {RAW} {own_day.numbers[0]}: ")
    assert line.endswith("the past cannot be fetched again")
    text = answer.stdout.decode()
    assert "do 0, skip 0, cannot 1" in text
    assert f"{DAY} {RAW}: fetch {own_day.numbers[0]}: real_loss: " in text, "why it is BAD"
    told = f"--from {DAY} --to {DAY} --prefix {own_day.settings.s3_prefix}"
    assert text.endswith(f"verdict: BAD\nnext: touchline losses {told}\n")
