"""The registry remembers every configuration, and hands out the newest of active sites."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, sites
from ems_pipeline_tests.copies import copy_of

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


def corrupt(warehouse: Warehouse, site_key: str, config: str, at: datetime) -> None:
    """A version that nobody wrote through `register`."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO ems.site_config VALUES (:key, :hash, CAST(:config AS jsonb), :at)"),
            {"key": site_key, "hash": "x", "config": config, "at": at},
        )


@pytest.mark.parametrize("config", ["null", "[]", '"text"', "1", "{}", '{"key": "home01"}', "OTHER", "NULLED"])
def test_a_configuration_that_is_none_puts_its_site_alone_out_of_service(
    warehouse: Warehouse, home01: Site, config: str
) -> None:
    other, later = copy_of(home01, "home02"), NOW + timedelta(hours=1)
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ems.site CASCADE"))
        sites.register(connection, [home01, other], NOW)
    written = {"OTHER": other.model_dump_json(), "NULLED": home01.model_dump_json().replace("-10.0", "null")}
    corrupt(warehouse, "home01", written.get(config, config), later)
    with warehouse.begin() as connection:
        assert sites.configured(connection) == [other]
        assert set(sites.unreadable(connection)) == {"home01"}
        assert sites.newest(connection, "home01") == home01, "its devices are let go by what can be read"
        assert sites.register(connection, [home01], later + timedelta(hours=1)) == 1, "saying it once more mends it"
        assert {site.key for site in sites.configured(connection)} == {"home01", "home02"}


def test_what_does_not_read_back_is_not_registered(warehouse: Warehouse, home01: Site) -> None:
    infinite = home01.grid.model_copy(update={"import_limit_w": float("inf")})
    with pytest.raises(ValueError, match="does not read back as it was written"), warehouse.begin() as connection:
        sites.register(connection, [home01.model_copy(update={"grid": infinite})], NOW + timedelta(days=1))
    with warehouse.begin() as connection:
        assert sites.newest(connection, "home01").grid == home01.grid


def test_a_site_that_was_never_registered_is_named_with_the_remedy(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection, pytest.raises(LookupError, match="ems site add FILE"):
        sites.newest(connection, "nowhere")
