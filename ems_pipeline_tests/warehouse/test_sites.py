"""The registry remembers every configuration, and hands out the newest of active sites."""

from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, sites

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def test_a_site_comes_back_as_it_was_registered(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        assert sites.register(connection, [home01], NOW) == 1
        (found,) = sites.configured(connection)
    assert found == home01
    assert sites.config_hash(found) == sites.config_hash(home01)


def test_registering_again_adds_nothing_and_a_change_adds_a_version(warehouse: Warehouse, home01: Site) -> None:
    changed = home01.model_copy(update={"name": "Renamed"})
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOW)
        assert sites.register(connection, [home01], NOW + timedelta(minutes=1)) == 0
        assert sites.register(connection, [changed], NOW + timedelta(minutes=2)) == 1
        assert [site.name for site in sites.configured(connection)] == ["Renamed"]


def test_a_site_taken_out_of_service_stays_out_when_its_file_is_read_again(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOW)
        sites.set_active(connection, home01.key, False)
        sites.register(connection, [home01], NOW + timedelta(minutes=5))
        assert sites.configured(connection) == []
        sites.set_active(connection, home01.key, True)
        assert sites.active_keys(connection) == [home01.key]


def test_an_unregistered_site_cannot_be_switched(warehouse: Warehouse) -> None:
    with pytest.raises(LookupError, match="ems site list"), warehouse.begin() as connection:
        sites.set_active(connection, "nowhere", True)
