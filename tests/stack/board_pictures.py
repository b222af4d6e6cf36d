"""The pictures of the live board, on a desk and on a phone: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from operations.board_server import serving
from operations.opened import opened
from tests.stack.pages import LOAD_MS, browsed
from tests.stack.report_pictures import START, replayed
from touchline.accounting import MissedReason
from touchline.clock import VirtualClock

MINUTES, MISSED = 50, 30
AGE_SECONDS = 14
DESK, PHONE = (1280, 1600), (380, 820)


@contextmanager
def board(home: Path) -> Iterator[str]:
    """The URL of a board of fifty minutes, two of which nobody fetched."""
    with replayed(home, "board") as day:
        day.minutes(0, MISSED)
        day.missed(MISSED, 2, MissedReason.NOT_REQUESTED)
        day.minutes(MISSED + 2, MINUTES - MISSED - 2)
        newest = START.later(MINUTES - 1).utc
        clock = VirtualClock(newest + timedelta(seconds=AGE_SECONDS))
        with opened(day.settings, clock=clock) as site, serving(site, 0) as url:
            yield url


def take(url: str, folder: Path) -> None:
    width, height = DESK
    with browsed(width=width, height=height, pixels=width) as browser:
        browser.page.goto(f"{url}/?status=in_play")
        told = browser.page.locator(".match", has=browser.page.locator(".alert"))
        told.first.locator(".moves").click()
        expect(told.first.locator("svg").first).to_be_visible(timeout=LOAD_MS)
        box = told.first.bounding_box()
        assert box is not None
        down_to_it: Any = {"x": 0, "y": 0, "width": width, "height": box["y"] + box["height"] + 12}
        browser.page.screenshot(path=folder / "board.png", full_page=True, clip=down_to_it)
    width, height = PHONE
    with browsed(width=width, height=height, pixels=width) as browser:
        browser.page.emulate_media(color_scheme="dark")
        browser.page.goto(f"{url}/?status=in_play")
        expect(browser.page.locator(".match").first).to_be_visible(timeout=LOAD_MS)
        browser.page.screenshot(path=folder / "board-phone.png")


if __name__ == "__main__":
    docs = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="touchline-") as scratch, board(Path(scratch)) as url:
        take(url, docs)
