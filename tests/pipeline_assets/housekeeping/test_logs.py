"""Logs that begin anew while somebody writes to them."""

from __future__ import annotations

from pathlib import Path

from pipeline_assets.housekeeping.logs import LARGEST_LOG_BYTES, begin_anew, long_logs


def test_a_long_log_begins_anew_for_whoever_appends_to_it(tmp_path: Path) -> None:
    short, log = tmp_path / "webserver.log", tmp_path / "daemon.log"
    short.write_text("a line\n")
    with log.open("ab", buffering=0) as writer:
        for _ in range(2):
            writer.write(b"x" * LARGEST_LOG_BYTES + b"\n")
            assert long_logs(tmp_path) == [log]
            begin_anew(log)
            writer.write(b"and on\n")
            assert log.read_bytes() == b"and on\n"
    assert {path.name for path in tmp_path.iterdir()} == {short.name, log.name, "daemon.log.1"}
    assert long_logs(tmp_path) == []
