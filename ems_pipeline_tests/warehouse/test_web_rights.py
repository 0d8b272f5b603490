"""The web process's login has what it needs and no more; what is asked for is checked by the database again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, migrate, people, roles
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def owned(warehouse: Warehouse, home01: Site) -> Warehouse:
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOON)
        people.add(connection, people.Person("anna", "viewer", None), "hash", "test", NOON)
    return warehouse


@contextmanager
def acting(owned: Warehouse) -> Iterator[Connection]:
    other = Warehouse(owned.url.set(username=roles.WEB_LOGIN))
    with other.engine.connect() as connection:
        yield connection
        connection.rollback()
    other.close()


def ask(connection: Connection, kind: Any, site: Any = "home01", by: str = "anna", **parameters: Any) -> Any:
    """File a request as the web process does for somebody."""
    connection.exec_driver_sql("SET LOCAL ROLE ems_writer")
    claims = json.dumps({"sub": by, "role": "ems_writer"})
    connection.execute(sa.text("SELECT set_config('request.jwt.claims', :claims, true)"), {"claims": claims})
    return connection.execute(
        sa.text("SELECT ems.fn_request_add(:kind, :site, CAST(:parameters AS jsonb))"),
        {"kind": kind, "site": site, "parameters": json.dumps(parameters)},
    ).scalar()


BEYOND = [
    "UPDATE ems.person SET role = 'owner'",
    "UPDATE ems.person SET password_hash = 'x'",
    "UPDATE ems.person SET sites = NULL",
    "INSERT INTO ems.person SELECT 'eve', 'owner', NULL, 'x', now(), 'eve', now(), NULL",
    "DELETE FROM ems.person",
    "UPDATE ems.web_session SET person = 'anna'",
    "UPDATE ems.web_token SET resources = '{control:write}'",
    "UPDATE ems.web_token SET sites = NULL",
    "UPDATE ems.web_token SET expires_at = 'infinity'",
    "SELECT * FROM ems.web_write",
    "UPDATE ems.web_write SET who = 'x'",
    "DELETE FROM ems.web_write",
    "SELECT * FROM ems.request",
    "INSERT INTO ems.request (kind, requested_by, requested_at) VALUES ('plan-rolling', 'x', now())",
    "SELECT * FROM ems.site",
    "SELECT ems.fn_request_add('plan-rolling', 'home01')",
    "INSERT INTO ems.control_arm (site_key, armed_at, armed_by, until_at) VALUES ('home01', now(), 'x', 'infinity')",
    "SET ROLE ems_service",
    "SET ROLE postgres",
]


def test_the_web_process_by_itself_cannot_raise_anybody_nor_rewrite_what_was_done(owned: Warehouse) -> None:
    with acting(owned) as connection:
        for statement in BEYOND:
            with pytest.raises(sa.exc.DBAPIError, match="permission denied"), connection.begin_nested():
                connection.exec_driver_sql(statement)
        assert connection.exec_driver_sql("SELECT name FROM ems.person").scalar() == "anna"


def test_a_request_names_who_asked(owned: Warehouse) -> None:
    with acting(owned) as connection:
        number = ask(connection, "plan-rolling", by="token:shop:0123abcd", horizon_h=24)
        connection.exec_driver_sql("SET LOCAL ROLE ems_analyst")
        row = connection.execute(sa.text("SELECT * FROM ems.request WHERE request_id = :n"), {"n": number}).one()
    assert (row.kind, row.site_key, row.parameters) == ("plan-rolling", "home01", {"horizon_h": 24})
    assert (row.requested_by, row.state) == ("web:token:shop:0123abcd", "queued")


@pytest.mark.parametrize(
    ("kind", "site", "reason"),
    [
        ("arm", "home01", "no request is called arm"),
        (None, "home01", "no request is called null"),
        ("plan-rolling", None, "is about a site"),
        ("plan-rolling", "elsewhere", "no active site elsewhere"),
        ("prices-import", "elsewhere", "no active site elsewhere"),
    ],
)
def test_a_request_that_is_wrong_is_refused_with_its_reason(
    owned: Warehouse, kind: str | None, site: str | None, reason: str
) -> None:
    with acting(owned) as connection, pytest.raises(sa.exc.DBAPIError, match=reason):
        ask(connection, kind, site)


def test_prices_are_imported_for_all_sites_or_for_the_zone_of_one(owned: Warehouse) -> None:
    with acting(owned) as connection:
        assert ask(connection, "prices-import", None) != ask(connection, "prices-import", "home01")


def test_long_parameters_are_refused(owned: Warehouse) -> None:
    with acting(owned) as connection, pytest.raises(sa.exc.DBAPIError, match="parameters are longer than"):
        ask(connection, "plan-rolling", text="".join(map(str, range(5000))))


def test_the_same_asked_again_while_it_waits_is_one_request(owned: Warehouse) -> None:
    with acting(owned) as connection:
        first = ask(connection, "plan-rolling", a=1)
        assert ask(connection, "plan-rolling", a=1) == first
        others = {ask(connection, "plan-rolling", a=2), ask(connection, "plan-daily", a=1),
                  ask(connection, "plan-rolling", by="bert", a=1)}  # fmt: skip
        assert len(others | {first}) == 4
        connection.exec_driver_sql("RESET ROLE")


def test_nobody_has_more_than_twenty_requests_waiting(owned: Warehouse) -> None:
    with acting(owned) as connection:
        for number in range(20):
            ask(connection, "plan-rolling", number=number)
        with pytest.raises(sa.exc.DBAPIError, match="web:anna has 20 requests waiting"), connection.begin_nested():
            ask(connection, "plan-rolling", number=20)
        assert ask(connection, "plan-rolling", by="bert", number=20)


def test_whoever_is_removed_loses_sessions_and_the_tokens_he_gave(owned: Warehouse) -> None:
    with owned.begin() as connection:
        people.add(connection, people.Person("carl", "owner", ("home01",)), "hash", "test", NOON)
        connection.exec_driver_sql(
            "INSERT INTO ems.web_session VALUES ('x', 'carl', now(), now(), now()); "
            "INSERT INTO ems.web_token (token_id, name, resources, created_at, created_by, expires_at) "
            "VALUES (gen_random_uuid(), 'p', '{}', now(), 'carl', now() + interval '1 day')"
        )
        assert people.remove(connection, "carl", "root", NOON) == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM ems.web_session").scalar() == 0
        assert connection.exec_driver_sql("SELECT revoked_by FROM ems.web_token").scalar() == "root"
        with pytest.raises(people.UnknownPerson, match="ems user list"):
            people.remove(connection, "carl", "root", NOON)


@pytest.mark.parametrize("name", ["Anna", "token:x", "", "a b", "-", "x" * 65])
def test_a_name_is_nobody_elses_and_none_that_could_be_a_tokens(owned: Warehouse, name: str) -> None:
    with pytest.raises(ValueError, match="is no name to log in by"), owned.begin() as connection:
        people.add(connection, people.Person(name, "viewer", None), "hash", "test", NOON)


def test_the_web_processs_own_login_is_bound_and_gets_a_password(owned: Warehouse) -> None:
    select = "SELECT rolconnlimit, rolpassword FROM pg_authid WHERE rolname = 'ems_web'"
    with owned.begin() as connection:
        assert connection.exec_driver_sql(select).one()[0] == roles.SESSIONS["ems_web"]
        roles.grant_login(connection, "ems_web", "web", "a password of its own")
        assert connection.exec_driver_sql(select).one()[1].startswith("SCRAM-SHA-256$")
        with pytest.raises(ValueError, match="choose another name"):
            roles.grant_login(connection, "ems_web", "service", None)
        connection.rollback()
