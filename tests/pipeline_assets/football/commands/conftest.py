"""Days that the board shows, and that commands of football read."""

from __future__ import annotations

from tests.operations.conftest import own_day as own_day
from tests.operations.conftest import run_day as run_day
from tests.operations.conftest import run_minutes as run_minutes
from tests.operations.conftest import small_day as small_day
