"""One table of zones: what a site may name is what a source serves."""

from __future__ import annotations

import pytest

from ems_pipeline.market import sources
from ems_pipeline.market.settings import SourceSettings
from ems_pipeline.sites import market_zones


@pytest.mark.parametrize("zone", sorted(market_zones.ZONES))
def test_every_zone_that_a_site_may_name_has_two_sources(zone: str) -> None:
    assert market_zones.fault(zone) == ""
    assert len(sources.sources_of(zone, SourceSettings())) >= 2


def test_every_zone_that_a_source_serves_may_be_named() -> None:
    assert {zone for source in sources.SOURCES.values() for zone in source.ZONES} == market_zones.ZONES


@pytest.mark.parametrize(("zone", "says"), [("DE", "write DE-LU, or"), ("dk", "DK1 or DK2, or"), ("XX", "AT or BE or")])
def test_an_unknown_zone_is_told_with_those_it_may_mean(zone: str, says: str) -> None:
    assert says in market_zones.fault(zone)


def test_no_market_is_a_choice() -> None:
    assert market_zones.fault(market_zones.NONE) == ""
