"""One master per wire: who gets a gateway, who waits, and who cannot take part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ems_pipeline.devices.installed.address import address_of
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.warehouse import Warehouse, migrate, roles
from ems_pipeline.warehouse.gateway_lock import Grant, gateway_locks, is_alive

WIRES = ["10.0.0.1:502", "10.0.0.2:502"]


@pytest.fixture(scope="module")
def owned(warehouse: Warehouse) -> Warehouse:
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        for login, role in (("an_analyst", "analyst"), ("a_writer", "writer"), ("a_service", "service")):
            roles.grant_login(connection, login, role, "password")
    return warehouse


@pytest.fixture
def service(owned: Warehouse) -> Iterator[Warehouse]:
    other = Warehouse(owned.url.set(username="a_service"))
    yield other
    other.close()


def test_of_two_controllers_one_is_master_of_all_or_of_nothing(service: Warehouse) -> None:
    with gateway_locks(service) as first, gateway_locks(service) as second:
        assert first.steer(WIRES[:1]) is Grant.TAKEN
        assert second.steer(WIRES) is Grant.REFUSED
        assert first.steer(WIRES) is Grant.TAKEN, "the second one took nothing"
        first.release(WIRES)
        assert second.steer(WIRES) is Grant.TAKEN


def test_a_controller_waits_for_a_reader_and_then_goes_first(service: Warehouse) -> None:
    with gateway_locks(service) as control, gateway_locks(service) as one, gateway_locks(service) as other:
        assert one.talk(WIRES) == set(WIRES)
        assert control.steer(WIRES) is Grant.AWAITED
        one.pause(WIRES)
        assert other.talk(WIRES) == set(), "somebody with a set-point waits"
        assert control.steer(WIRES) is Grant.TAKEN
        assert one.talk(WIRES) == set()
        control.pause(WIRES)
        assert one.talk(WIRES) == set(WIRES), "while a device settles its wire is free"
        assert other.steer(WIRES) is Grant.REFUSED, "and its master is the same"
        assert control.steer(WIRES) is Grant.AWAITED


def test_what_a_party_held_is_free_when_its_session_ends(service: Warehouse) -> None:
    with gateway_locks(service) as survivor:
        with gateway_locks(service) as gone:
            assert gone.steer(WIRES) is Grant.TAKEN
            with service.begin() as connection:
                assert is_alive(connection, gone.party_id)
        assert survivor.steer(WIRES) is Grant.TAKEN
        with service.begin() as connection:
            assert not is_alive(connection, gone.party_id)


KILL_OTHERS = """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def test_a_party_whose_session_broke_holds_nothing_whatever_it_believes(owned: Warehouse, service: Warehouse) -> None:
    with gateway_locks(service) as broken:
        assert broken.steer(WIRES) is Grant.TAKEN
        with owned.begin() as connection:
            connection.exec_driver_sql(KILL_OTHERS)
            assert not is_alive(connection, broken.party_id)
        with gateway_locks(service) as next_one:
            assert next_one.steer(WIRES) is Grant.TAKEN


@pytest.mark.parametrize("login", ["an_analyst", "a_writer"])
def test_who_may_only_read_or_wish_can_neither_take_a_gateway_nor_keep_the_service_from_one(
    owned: Warehouse, service: Warehouse, login: str
) -> None:
    """Everything such a login can hold, held in an open transaction while the service takes gateways and tells them."""
    other = Warehouse(owned.url.set(username=login))
    attempts = [
        "SELECT ems.fn_gateway_take('{10.0.0.1:502}', 1, true)",
        "INSERT INTO ems.gateway_party (name) VALUES ('x')",
        *(
            statement.format(table)
            for table in ("ems.gateway_party", "ems.gateway_lease", "ems.control_arm", "ems.site", "ems.setpoint")
            for statement in (
                "SELECT FROM {} FOR UPDATE",
                "SELECT FROM {} FOR SHARE",
                "SELECT FROM {} FOR KEY SHARE",
                "LOCK TABLE {} IN ROW SHARE MODE",
                "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            )
        ),
    ]
    with gateway_locks(service) as locks:
        locks.steer(WIRES)  # rows there are to be locked
        locks.release(WIRES)
        with other.engine.connect() as connection:
            for attempt in attempts:
                with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|read-only"), connection.begin_nested():
                    connection.exec_driver_sql(attempt)
            connection.exec_driver_sql("SELECT pg_advisory_lock(k) FROM generate_series(1, 100) k")
            if login == "an_analyst":
                for table in ("gateway_party", "gateway_lease", "control_arm", "site", "setpoint"):
                    connection.exec_driver_sql(f"LOCK TABLE ems.{table} IN ACCESS SHARE MODE")
            with service.begin(patience_s=1.0) as steering:
                steering.exec_driver_sql("SELECT FROM ems.site FOR SHARE")
            assert locks.steer(WIRES) is Grant.TAKEN
            locks.release(WIRES)
    other.close()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1", "127.1", "0177.0.0.1", "2130706433", "0.0.0.0", "::1", "::ffff:127.0.0.1"],
)
def test_one_socket_has_one_name_however_it_is_spelt(host: str, home01: Site) -> None:
    assert address_of(gateway(home01, host)) == "127.0.0.1:502"


@pytest.mark.parametrize("host", ["127.0.0.2", "10.0.0.7", "no-such-host.invalid"])
def test_other_hosts_are_others(host: str, home01: Site) -> None:
    assert address_of(gateway(home01, host)) == f"{host}:502"


def gateway(site: Site, host: str) -> Gateway:
    return site.gateways[0].model_copy(update={"host": host, "port": 502})
