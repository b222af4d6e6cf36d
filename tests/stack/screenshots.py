"""The pictures of the README, of a stack that has run for some minutes: `make screenshots`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import expect

from pipeline_assets.checks.specs import checks_for
from tests.stack.pages import LINEAGE_HEIGHT, LINEAGE_WIDTH, LOAD_MS, browsed
from tests.stack.stack import PLAN, Stack, coming_minute, stack_up

MINUTES = 15


def take(stack: Stack, folder: Path) -> None:
    """Both pictures, 1500 by 900 pixels; a run must have ended just now, so that nothing moves."""
    folder.mkdir(exist_ok=True)
    with browsed() as browser:
        status = browser.raw_fetches(stack.url)
        expect(status.get_by_label("run_success")).to_be_visible(timeout=LOAD_MS)
        expect(status.get_by_label("check_circle")).to_be_visible(timeout=LOAD_MS)
        # What is told of the moment holds the time zone.
        status.get_by_text(re.compile(" ago$")).hover()
        expect(browser.page.get_by_text(re.compile(" E[SD]T$")).first).to_be_visible()
        browser.page.screenshot(path=folder / "raw-fetches.png")
    with browsed(width=LINEAGE_WIDTH, height=LINEAGE_HEIGHT) as browser:
        for asset, node in zip(PLAN.assets, browser.lineage(stack.url).values(), strict=True):
            count = len(checks_for(asset))
            expect(node).to_contain_text(f"{count} / {count} Passed", timeout=LOAD_MS)
        browser.page.screenshot(path=folder / "lineage.png")


if __name__ == "__main__":
    with stack_up() as stack:
        minute = coming_minute()
        for _ in range(MINUTES):
            minute = stack.green_after(minute).minute
        take(stack, Path(sys.argv[1]))
