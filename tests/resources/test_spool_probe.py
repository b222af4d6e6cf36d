"""The spool's disk: another process's file is there after its end, and memory is no disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from resources.spool_probe import SpoolNotKept, mounted, probe_spool


class Mounted(NamedTuple):
    mountpoint: str
    fstype: str


def on_disk() -> list[Mounted]:
    return [Mounted("/", "ext4")]


def test_a_disk_keeps_what_another_process_wrote_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "spool"
    probe_spool(folder, "scratch", on_disk)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_memory_is_no_disk(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "spool"
    memory = [Mounted(str(tmp_path), kind), Mounted("/", "ext4"), Mounted("/elsewhere", "ext4")]
    with pytest.raises(SpoolNotKept, match=rf"in memory \({kind}\).* TOUCHLINE_HOME"):
        probe_spool(folder, "scratch", lambda: memory)
    assert not folder.exists()


def test_what_counts_is_what_is_mounted_nearest_and_last(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    for fine in (
        [Mounted("/", "tmpfs"), Mounted(str(tmp_path), "ext4")],
        [Mounted(str(tmp_path), "tmpfs"), Mounted(str(tmp_path), "xfs"), Mounted("/", "ext4")],
        [Mounted(str(tmp_path) + "-beside", "tmpfs"), Mounted("/", "ext4")],
    ):
        probe_spool(folder, "scratch", lambda fine=fine: fine)


def test_a_link_to_memory_is_memory(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "memory")
    memory = [Mounted("/", "ext4"), Mounted(str(tmp_path / "memory"), "tmpfs")]
    with pytest.raises(SpoolNotKept, match="tmpfs"):
        probe_spool(tmp_path / "home" / "spool", "scratch", lambda: memory)


def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(SpoolNotKept, match=r"cannot be written: .*spool.* TOUCHLINE_HOME"):
        probe_spool(tmp_path / "spool", "scratch", on_disk)


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="has no /dev/shm")
def test_this_machine_tells_its_memory() -> None:
    with pytest.raises(SpoolNotKept, match="tmpfs"):
        probe_spool(Path("/dev/shm/touchline"), "scratch", mounted)
