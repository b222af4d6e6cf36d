"""A zero is classified from three inputs, row by row of the decision table."""

from __future__ import annotations

import pytest

from touchline.accounting import LossClass
from touchline.zeros import Expected, Source, classify

ERROR, LOSS = LossClass.TRACKING_ERROR, LossClass.REAL_LOSS
EARLY, EMPTY, UNKNOWN = LossClass.NOT_YET, LossClass.LEGITIMATELY_EMPTY, LossClass.UNKNOWN


@pytest.mark.parametrize("expected", Expected)
@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(("recorded", "loss"), [(0, ERROR), (None, ERROR), (347, None)])
def test_rows_that_are_all_there_were_only_counted_wrongly(
    expected: Expected, source: Source, recorded: int | None, loss: LossClass | None
) -> None:
    """Four days with 347, 211, 106 and 348 rows were recorded as 0."""
    assert classify(expected, source, 347, recorded=recorded, full=347) is loss


@pytest.mark.parametrize(
    ("expected", "source", "rows", "loss"),
    [
        (Expected.SOME, Source.DATA, 0, LOSS),
        (Expected.SOME, Source.DATA, 347, LOSS),
        (Expected.SOME, Source.NOTHING, 0, LOSS),
        (Expected.NOT_YET, Source.NOTHING, 0, EARLY),
        (Expected.NONE, Source.NOTHING, 0, EMPTY),
        (Expected.NONE, Source.DATA, 0, UNKNOWN),
        (Expected.NONE, Source.DATA, 5, UNKNOWN),
        (Expected.NOT_YET, Source.DATA, 0, UNKNOWN),
        (Expected.UNKNOWN, Source.NOTHING, 0, UNKNOWN),
        (Expected.SOME, Source.UNKNOWN, 0, UNKNOWN),
        (Expected.NONE, Source.NOTHING, None, UNKNOWN),
        (Expected.SOME, Source.DATA, None, UNKNOWN),
    ],
)
def test_the_decision_table(
    expected: Expected, source: Source, rows: int | None, loss: LossClass
) -> None:
    assert classify(expected, source, rows, recorded=0, full=348) is loss
