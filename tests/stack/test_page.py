"""What somebody sees who opens Dagster's pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from pipeline_assets.checks.specs import checks_for
from tests.stack.pages import (
    LINEAGE_HEIGHT,
    LINEAGE_WIDTH,
    LOAD_MS,
    Browsed,
    NoBrowser,
    browsed,
    is_required,
)
from tests.stack.stack import PLAN, Stack, current_minute

pytestmark = [pytest.mark.daemon, pytest.mark.browser, pytest.mark.timeout(600)]

NEXT_MINUTE_MS = 120_000
"""For what shows as unfinished while a minute is under way."""


@pytest.fixture
def browser() -> Iterator[Browsed]:
    try:
        with browsed(width=LINEAGE_WIDTH, height=LINEAGE_HEIGHT) as seen:
            yield seen
    except NoBrowser as missing:
        if is_required():
            raise
        pytest.skip(str(missing))


@pytest.fixture
def url(stack: Stack) -> str:
    """Of a stack that has had a whole minute."""
    stack.green_after(current_minute().later(-3))
    return stack.url


def test_the_raw_fetches_show_their_last_materialization_and_green_checks(
    url: str, browser: Browsed
) -> None:
    status = browser.raw_fetches(url)
    expect(status).to_contain_text(str(current_minute().day))
    expect(status.get_by_label("run_success")).to_be_visible(timeout=NEXT_MINUTE_MS)
    for check in checks_for(PLAN.raws[0]):
        result = browser.check(url, check.name)
        expect(result).to_contain_text("Passed", timeout=NEXT_MINUTE_MS)
        expect(result).to_contain_text(str(current_minute().day))
    nothing_went_wrong(browser, url)


def test_the_lineage_shows_every_asset_with_green_checks(url: str, browser: Browsed) -> None:
    nodes = browser.lineage(url)
    for asset in PLAN.assets:
        expect(nodes[asset.name]).to_be_visible(timeout=LOAD_MS)
    for asset in PLAN.assets:
        count = len(checks_for(asset))
        expect(nodes[asset.name]).to_contain_text(
            f"{count} / {count} Passed", timeout=NEXT_MINUTE_MS
        )
    nothing_went_wrong(browser, url)


def nothing_went_wrong(browser: Browsed, url: str) -> None:
    assert browser.errors == []
    assert browser.hosts == {url.partition("//")[2]}, "the pages ask somebody else"
