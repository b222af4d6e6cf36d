"""A target that messages are sent to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.targets import Target, target


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as taken:
        yield taken
