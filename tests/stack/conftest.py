"""One stack for the tests that leave it whole: the usual one, with up's own simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipeline_assets.settings import AllSettings
from resources.settings import PREFIX
from tests.stack.stack import Stack, stack_up


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_ours() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in AllSettings.model_fields:
            patch.delenv(PREFIX + name.upper(), raising=False)
        yield


@pytest.fixture(scope="session")
def a_test_failed(request: pytest.FixtureRequest) -> Callable[[], bool]:
    """For deciding whether somebody will want to look at what a stack left behind."""
    return lambda: request.session.testsfailed > 0


@pytest.fixture(scope="session")
def stack(no_settings_of_ours: None, a_test_failed: Callable[[], bool]) -> Iterator[Stack]:
    with stack_up(keep=a_test_failed) as stack:
        yield stack
