"""Which subject of a feed a text means: by the names that the feed brings, or by the id alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline_assets.subject_names import Named, folded, subject_meant
from resources.site import Site
from tests.chain import NOON
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.small_plan import small_plan
from touchline.day import Day
from touchline.errors import Ambiguous

NAMES = [("one", "Mars vs Venus"), ("two", "Gröden vs Pluto"), ("two", "St. Ulrich vs Pluto")]


def names(_: Site, day: Day) -> list[tuple[str, str]]:
    return NAMES if day == NOON.day else []


def test_a_subject_is_found_by_a_part_of_any_name_that_it_had(chain_of: ChainOf) -> None:
    with chain_of(plan=replace(small_plan(), names=names)).process() as site:
        for asked in ("two", "groden", " PLUTO", "ulrich"):
            meant = subject_meant(site, asked, NOON.day, lambda said: None)
            assert (meant.id, meant.name) == ("two", "St. Ulrich vs Pluto"), asked
        with pytest.raises(Ambiguous) as error:
            subject_meant(site, " vs ", NOON.day, lambda said: None)
        assert list(error.value.choices) == ["one", "two"]
        nobody = subject_meant(site, "pluto", NOON.day.shifted(1), lambda said: None)
    assert nobody == Named("pluto")


def test_where_a_feed_brings_no_names_the_id_is_taken_as_it_is(chain_of: ChainOf) -> None:
    with chain_of().process() as site:
        assert subject_meant(site, "two", NOON.day, lambda said: None) == Named("two")


def test_case_accents_and_white_space_say_nothing() -> None:
    assert folded("ATLÉTICO  Madrid ") == folded("atletico madrid")
    assert folded("Gröden") != folded("Graden")
