"""Dagster's pages in a real browser, as somebody in New York sees them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.stack.stack import FEED, PLAN

REQUIRED = "TOUCHLINE_REQUIRE_BROWSER"
LOAD_MS = 60_000
"""For one thing to appear on a page, on a machine under load."""
LINEAGE_WIDTH, LINEAGE_HEIGHT = 2800, 1680
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class NoBrowser(RuntimeError):
    """There is no Chromium on this machine."""


@dataclass
class Browsed:
    """A page, and what a visitor would never know of it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def raw_fetches(self, url: str) -> Locator:
        """Open the overview of the raw fetches: the part that tells how they stand."""
        self.page.goto(f"{url}/assets/{PLAN.raws[0].name}")
        expect(self.page.get_by_text("lateness_seconds")).to_be_visible(timeout=LOAD_MS)
        return self.page.get_by_text("Latest materialization").locator("xpath=../..")

    def check(self, url: str, name: str) -> Locator:
        """Open a check of the raw fetches: the part that tells its latest result."""
        self.page.goto(f"{url}/assets/{PLAN.raws[0].name}?view=checks&checkDetail={name}")
        return self.page.get_by_text("Evaluation result").locator("xpath=../..")

    def lineage(self, url: str) -> dict[str, Locator]:
        """Open the graph of the feed: its nodes by the assets' names.

        A node tells how its asset stands where there is room, and has a whole name: on a page of
        the lineage's width.
        """
        self.page.goto(f"{url}/locations/touchline/asset-groups/{FEED}/lineage")
        nodes = self.page.locator("[class*=AssetNode_assetNodeContainer]")
        return {
            asset.name: nodes.filter(has=self.page.get_by_text(title, exact=True))
            for asset in PLAN.assets
            if (title := asset.name.rpartition("/")[2])
        }


@contextmanager
def browsed(*, width: int = 1500, height: int = 900, pixels: int = 1500) -> Iterator[Browsed]:
    """A browser with one page, whose screenshots are so many `pixels` wide.

    Raises NoBrowser.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NoBrowser("no `chromium` on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                device_scale_factor=pixels / width,
                timezone_id="America/New_York",
                locale="en-US",
            )
            seen = Browsed(page)
            page.on("console", lambda said: _note(seen, said.type, said.text))
            page.on("pageerror", lambda error: seen.errors.append(str(error)))
            page.on("request", lambda request: seen.hosts.add(request.url.split("/")[2]))
            yield seen
        finally:
            browser.close()


def is_required() -> bool:
    return bool(os.environ.get(REQUIRED))


def _note(seen: Browsed, kind: str, text: str) -> None:
    if kind == "error":
        seen.errors.append(text)
