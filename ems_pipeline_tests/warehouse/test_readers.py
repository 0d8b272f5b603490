"""Whoever reads, however long and with however many sessions, holds up neither the pipeline nor other readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from ems_pipeline.cli.db import Role
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, migrate, programs, retention, roles, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.holders import InTheWay, begin_without_waiting
from ems_pipeline_tests.readings import answers
from ems_pipeline_tests.servers import tcp_server

LONG_AGO = datetime(2024, 1, 14, 11, 0, tzinfo=UTC)
PATIENCE = "2s"
"""Of those who would wait behind a change that waits; longer than such a change may wait."""


@pytest.fixture(scope="module")
def owned(warehouse: Warehouse, home01: Site) -> Warehouse:
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        registry.register(connection, [home01], LONG_AGO)
        for role in Role:
            roles.grant_login(connection, f"r_{role}", role, None)
    return warehouse


@contextmanager
def session(owned: Warehouse, login: str) -> Iterator[Connection]:
    engine = sa.create_engine(owned.url.set(username=login), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        yield connection


@contextmanager
def reading(owned: Warehouse, login: str = "r_analyst") -> Iterator[Connection]:
    """A reader in the middle of a transaction, who went for lunch."""
    with session(owned, login) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM ems.telemetry")
        connection.exec_driver_sql("SELECT count(*) FROM ems.vw_setpoint")
        yield connection


def store(warehouse: Warehouse, at: datetime) -> int:
    measured = Reading("inverter", "pv_power_w", "W", 1500.0, at, at, Quality.GOOD, "")
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        return telemetry.store(connection, answers([("home01", measured)]))


@pytest.mark.parametrize("role", ["analyst", "writer", "gateway"])
def test_a_login_has_so_many_sessions_and_no_more(owned: Warehouse, role: str) -> None:
    with ExitStack() as stack:
        for _ in range(roles.SESSIONS[roles.ROLES[role]]):
            stack.enter_context(session(owned, f"r_{role}"))
        with pytest.raises(sa.exc.OperationalError, match="too many connections for role"):
            stack.enter_context(session(owned, f"r_{role}"))
        for _ in range(5):
            stack.enter_context(session(owned, "r_service"))


@pytest.mark.parametrize("role", ["analyst", "writer", "gateway"])
def test_no_reader_may_idle_in_a_transaction_nor_wait_for_a_lock_for_long(owned: Warehouse, role: str) -> None:
    with session(owned, f"r_{role}") as connection:
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
            found = connection.exec_driver_sql(
                f"SELECT setting::int, unit FROM pg_settings WHERE name = '{setting}'"
            ).one()
            assert found.unit == "ms"
            assert 0 < found.setting <= 60_000, setting


def test_a_login_of_before_there_were_limits_is_bound_by_the_next_upgrade(owned: Warehouse) -> None:
    with owned.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE older LOGIN")
        connection.exec_driver_sql("GRANT ems_analyst TO older")
        connection.exec_driver_sql("CREATE ROLE chosen LOGIN CONNECTION LIMIT 2")
        connection.exec_driver_sql("GRANT ems_analyst TO chosen")
    migrate.upgrade(owned)
    with owned.begin() as connection:
        found = dict(
            connection.exec_driver_sql(
                "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname IN ('older', 'chosen')"
            ).all()
        )
    assert found == {"older": roles.SESSIONS["ems_analyst"], "chosen": 2}


def test_next_months_telemetry_is_stored_beside_a_reader(owned: Warehouse) -> None:
    """Its partition does not exist yet; making one must wait for nobody."""
    with reading(owned):
        assert store(owned, LONG_AGO + timedelta(days=400)) == 1
        assert store(owned, LONG_AGO + timedelta(days=400, minutes=1)) == 1


def test_a_partition_made_beside_others_is_like_them(owned: Warehouse) -> None:
    store(owned, LONG_AGO)
    parts = """SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), count(x.indexrelid) FROM pg_inherits i
               JOIN pg_class c ON c.oid = i.inhrelid LEFT JOIN pg_index x ON x.indrelid = c.oid
               WHERE i.inhparent = 'ems.telemetry'::regclass AND c.relname = 'telemetry_202401' GROUP BY 1, 2"""
    with owned.begin() as connection:
        (found,) = connection.exec_driver_sql(parts).all()
        indexes = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_index WHERE indrelid = 'ems.telemetry'::regclass"
        ).scalar()
        assert connection.exec_driver_sql("SELECT bool_and(indisvalid) FROM pg_index").scalar()
    assert found[1] == "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')"
    assert found[2] == indexes


def test_minutes_that_somebody_reads_go_later_and_nobody_queues_behind(owned: Warehouse) -> None:
    store(owned, LONG_AGO)
    before = datetime(2024, 2, 1, tzinfo=UTC)
    with (
        reading(owned),
        pytest.raises(InTheWay, match=r"held by r_analyst \(pid \d+, idle in transaction\); nothing was changed"),
        begin_without_waiting(owned, lock_s=1) as connection,
    ):
        retention.drop_minutes(connection, before)
    with begin_without_waiting(owned, lock_s=1) as connection:
        assert retention.drop_minutes(connection, before) == ["telemetry_202401"]


def test_dropping_gives_up_by_itself_whoever_calls_it(owned: Warehouse) -> None:
    store(owned, LONG_AGO)
    with (
        reading(owned),
        session(owned, "r_service") as service,
        pytest.raises(sa.exc.OperationalError, match="timeout"),
    ):
        retention.drop_minutes(service, datetime(2024, 2, 1, tzinfo=UTC))


def test_an_upgrade_that_somebody_is_in_the_way_of_says_who(owned: Warehouse) -> None:
    with reading(owned), pytest.raises(InTheWay, match="r_analyst"):
        migrate.upgrade(owned, patience_s=0)
    assert migrate.upgrade(owned, patience_s=0) == migrate.head()


def test_the_last_sessions_of_a_server_are_the_pipelines() -> None:
    """Many logins, each within its limit: the pipeline comes in all the same, where the server reserves sessions."""
    run = programs.binaries()[0]
    with tcp_server(run, max_connections="12", superuser_reserved_connections="2", reserved_connections="5") as server:
        warehouse = _with_logins(server)
        with ExitStack() as stack:
            readers = (session(warehouse, f"reader_{number}") for number in range(12))
            with pytest.raises(sa.exc.OperationalError, match="remaining connection slots are reserved"):
                list(map(stack.enter_context, readers))
            stack.enter_context(session(warehouse, "the_service"))
        warehouse.close()


def _with_logins(server: URL) -> Warehouse:
    """Empty but for the roles; logins with the owner's password."""
    warehouse = Warehouse(server.set(database="postgres"))
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        for number in range(12):
            roles.grant_login(connection, f"reader_{number}", "analyst", server.password)
        roles.grant_login(connection, "the_service", "service", server.password)
    return warehouse
