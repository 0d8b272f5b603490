"""Each role can do what it is for, and the database refuses it everything else."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from ems_pipeline.cli.db import Role
from ems_pipeline.control.commands import WrongWish, check_wish
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import Battery, Charger, DeferrableLoad, Genset, HeatPump, PvArray, Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.sites.wish import Limits, Wish
from ems_pipeline.steps import settling
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import (
    Warehouse,
    alarms,
    logins,
    migrate,
    overrides,
    plans,
    roles,
    setpoints,
    telemetry,
)
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint, State, Step
from ems_pipeline_tests.conftest import ROOT, _admin
from ems_pipeline_tests.control.bench import store_plan
from ems_pipeline_tests.readings import answers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WITHHELD = {
    "notice_button", "notice_channel", "notice_code", "notice_poll", "notice_report", "notice_told", "notice_wish",
    "person", "web_draft", "web_once", "web_session", "web_token",
}  # fmt: skip
"""Tables an analyst must not read: secrets stand in them, or where somebody can be reached."""
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@pytest.fixture(scope="module")
def owned(warehouse: Warehouse, home01: Site) -> Warehouse:
    """The module's warehouse as its owner sees it, with the demo site and a login for every role."""
    migrate.upgrade(warehouse)  # a database cloned from a template has no rights of its own
    with warehouse.begin() as connection:
        registry.register(connection, [home01], NOON)
        for role in Role:
            roles.grant_login(connection, f"a_{role}", role, f"password of {role}")
    return warehouse


@contextmanager
def acting(owned: Warehouse, login: str) -> Iterator[Warehouse]:
    other = Warehouse(owned.url.set(username=login))
    yield other
    other.close()


@pytest.fixture
def as_login(owned: Warehouse, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A transaction of the login named by the parameter, taken back at the end."""
    with acting(owned, request.param) as other, other.engine.connect() as connection:
        yield connection
        connection.rollback()


def ask(connection: Connection, statement: str, **values: Any) -> Any:
    return connection.execute(sa.text(statement), values).scalar()


def refused(connection: Connection, statement: str, reason: str = "permission denied|must be owner") -> None:
    with pytest.raises(sa.exc.DBAPIError, match=reason), connection.begin_nested():
        connection.exec_driver_sql(statement)


def relations(connection: Connection) -> dict[str, str]:
    """Kind by name of every table and view of schema `ems`; partitions are their parent."""
    found = connection.exec_driver_sql(
        """SELECT relname, relkind FROM pg_class WHERE relnamespace = 'ems'::regnamespace
           AND relkind IN ('r', 'p', 'v') AND NOT relispartition"""
    )
    return dict(list(found))


def rights(connection: Connection, role: str) -> dict[str, set[str]]:
    """What a role may do with each relation of schema `ems`, also by what every role may."""
    has = "SELECT has_table_privilege(:role, :name, :right)"
    return {
        name: {right for right in PRIVILEGES if ask(connection, has, role=role, name=f"ems.{name}", right=right)}
        for name in relations(connection)
    }


def test_the_command_offers_the_roles_there_are() -> None:
    assert {role.value for role in Role} == set(roles.ROLES)


def test_roles_but_those_of_two_processes_cannot_log_in_and_are_nobodys_by_default(owned: Warehouse) -> None:
    select = """SELECT rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles
                WHERE rolname = ANY(:names)"""
    with owned.begin() as connection:
        found = connection.execute(sa.text(select), {"names": list(roles.ROLES.values())}).all()
    assert sorted(found) == [(name, name in roles.OWN_LOGINS.values(), False) for name in sorted(roles.ROLES.values())]


def test_a_password_is_stored_as_a_verifier_and_renewed(owned: Warehouse) -> None:
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'a_analyst'"
    with owned.begin() as connection:
        before = ask(connection, stored)
        roles.grant_login(connection, "a_analyst", "analyst", "another")
        after = ask(connection, stored)
        assert before.startswith("SCRAM-SHA-256$")
        assert after.startswith("SCRAM-SHA-256$")
        assert after != before


@pytest.mark.parametrize("name", ["postgres", "ems_service"])
def test_a_login_that_no_role_would_bind_is_refused(owned: Warehouse, name: str) -> None:
    with owned.begin() as connection, pytest.raises(ValueError, match="choose another name"):
        roles.grant_login(connection, name, "analyst", None)


def test_every_table_and_view_is_open_to_an_analyst_or_withheld_on_purpose(owned: Warehouse) -> None:
    with owned.begin() as connection:
        open_to = {name for name, may in rights(connection, "ems_analyst").items() if may}
        everything = set(relations(connection))
    assert everything - open_to == WITHHELD, "grant new tables in sql/roles/R__roles.sql, or withhold them here"


def test_an_analyst_reads_and_nothing_else(owned: Warehouse) -> None:
    with owned.begin() as connection:
        assert set(map(frozenset, rights(connection, "ems_analyst").values())) <= {frozenset({"SELECT"}), frozenset()}
        assert set(map(frozenset, rights(connection, "ems_writer").values())) == {frozenset()}
        assert set(map(frozenset, rights(connection, "ems_gateway").values())) == {frozenset()}


@pytest.mark.parametrize("as_login", ["a_analyst"], indirect=True)
def test_an_analyst_can_read_every_relation_and_ask_the_reading_functions(as_login: Connection) -> None:
    for name in relations(as_login):
        if name in WITHHELD:
            refused(as_login, f"SELECT count(*) FROM ems.{name}")
        else:
            ask(as_login, f"SELECT count(*) FROM ems.{name}")
    span = {"a": NOON, "b": NOON + HOUR}
    ask(as_login, "SELECT count(*) FROM ems.fn_effective_price('home01', :a, :b)", **span)
    ask(as_login, "SELECT count(*) FROM ems.fn_baseline_consumption('home01', :a, :b)", **span)
    ask(as_login, "SELECT ems.fn_cop_estimate('home01', 'heating', 5, 38)")
    assert migrate.current(Warehouse(as_login.engine.url)) == migrate.head()


NOBODYS = [
    "CREATE TABLE ems.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "DROP TABLE ems.alarm",
    "DROP VIEW ems.vw_setpoint",
    "ALTER TABLE ems.setpoint DROP COLUMN reason",
    "TRUNCATE ems.setpoint CASCADE",
    "DELETE FROM ems.setpoint",
    "DELETE FROM ems.alarm",
    "DELETE FROM ems.control_override",
    "DELETE FROM ems.asset_goal",
    "UPDATE ems.setpoint_event SET state = 'effective'",
    "DELETE FROM ems.setpoint_event",
    "UPDATE ems.site_config SET config = '{}'",
    "CREATE OR REPLACE FUNCTION ems.fn_requester() RETURNS text LANGUAGE sql AS $$ SELECT 'db:root' $$",
    "GRANT ems_service TO a_analyst",
    "COPY ems.site TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT rolpassword FROM pg_authid",
]
"""What no login of ours may do."""
NO_READERS = [
    "UPDATE ems.site SET is_active = false",
    "INSERT INTO ems.control_arm (site_key, armed_at, armed_by) VALUES ('home01', now(), 'x')",
    "INSERT INTO ems.control_override (site_key, asset_key, mode, from_at, until_at, created_at, created_by) "
    "VALUES ('home01', 'pack', 'hold', now(), now() + interval '1 hour', now(), 'x')",
    "INSERT INTO ems.asset_goal (site_key, asset_key, source, from_at, until_at, created_at, created_by) "
    "VALUES ('home01', 'car-1', 'any', now(), now() + interval '1 hour', now(), 'x')",
    "SELECT ems.fn_create_planning_run('{}')",
    "SELECT ems.fn_fill_audit_interval('home01', now(), now())",
    "SELECT ems.fn_ensure_partitions('telemetry', now(), now())",
]
"""What only the pipeline may do."""


@pytest.mark.parametrize(
    "as_login", ["a_service", "a_analyst", "a_writer", "a_gateway", "a_web", "ems_web", "ems_notices"], indirect=True
)
def test_no_login_changes_the_schema_rewrites_the_journal_or_leaves_the_database(as_login: Connection) -> None:
    for statement in NOBODYS:
        refused(as_login, statement, "permission denied|must be owner|read-only transaction")


@pytest.mark.parametrize(
    "as_login", ["a_analyst", "a_writer", "a_gateway", "a_web", "ems_web", "ems_notices"], indirect=True
)
def test_only_the_pipeline_writes(as_login: Connection) -> None:
    as_login.exec_driver_sql("SET transaction_read_only = off")  # a login's own setting is a convenience, not the lock
    for statement in NO_READERS:
        refused(as_login, statement)


def test_the_service_does_the_pipelines_work(owned: Warehouse, home01: Site) -> None:
    """Sites, telemetry of a month without a partition, a plan made again, control, alarms, settlement."""
    later = NOON + timedelta(days=70)
    intent = Intent("inverter", None, Source.PLAN, "r", later + HOUR)
    draft = Setpoint("home01", later, intent, is_shadow=False)
    with acting(owned, "a_service") as service:
        migrate.ensure(service)
        store_plan(service, home01, later, [("pack", "battery", "hold", 0.0, {})])
        store_plan(service, home01, later, [("pack", "battery", "hold", 0.0, {})])
        with service.begin() as connection:
            registry.register(connection, [home01.model_copy(update={"name": "Renamed"})], later)
            at = later + timedelta(minutes=1)
            reading = Reading("inverter", "grid_power_w", "W", 5.0, at, at, Quality.GOOD)
            assert telemetry.store(connection, answers([("home01", reading)])) == 1
            assert telemetry.fill_15m(connection, "home01", later, later + SLOT) > 0
            (kept,) = setpoints.intend(connection, [draft], later)
            setpoints.take(connection, [Step(kept.setpoint_id, State.INTENDED, State.SENT, later)])
            number = overrides.add(connection, "home01", "pack", "hold", {}, later, later + HOUR, "me", later)
            overrides.cancel(connection, number, later, "me")
            alarms.raise_alarm(connection, "home01", "test", "info", "t", later)
            assert alarms.clear(connection, "home01", "test", later)
            settling.settle_slots(connection, home01, later, later + SLOT, later + HOUR)
            found = plans.planned(connection, home01, later, later)
            assert found is not None
            assert [str(claim.wish) for claim in found.claims] == ["hold"]


def test_a_service_whose_schema_is_behind_says_who_can_help(owned: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "head", lambda: "999")
    with acting(owned, "a_service") as service, pytest.raises(migrate.SchemaBehind, match=r"needs 999.*as its owner"):
        migrate.ensure(service)


ADD = "SELECT ems.fn_override_add('home01', :asset, :mode, now() + interval '1 hour', CAST(:limits AS jsonb))"


def add(connection: Connection, asset: str = "pack", mode: str = "hold", **limits: Any) -> int:
    return int(ask(connection, ADD, asset=asset, mode=mode, limits=json.dumps(limits)))


@pytest.mark.parametrize("as_login", ["a_writer"], indirect=True)
def test_a_writer_files_overrides_in_its_own_name_and_reads_nothing(
    owned: Warehouse, as_login: Connection, home01: Site
) -> None:
    number = add(as_login, charge_limit_w=2000)
    as_login.commit()
    for name in relations(as_login):
        refused(as_login, f"SELECT * FROM ems.{name}")
    with owned.begin() as connection:
        filed = overrides.active(connection, home01, datetime.now(UTC))["pack"]
        assert filed.override_id == number
        assert filed.reason.startswith(f"override {number} by db:a_writer until")
        assert filed.wish == Wish(BatteryMode.HOLD, Limits(charge_limit_w=2000))
    assert ask(as_login, "SELECT ems.fn_override_cancel(:n)", n=number) == "home01"
    refused(as_login, f"SELECT ems.fn_override_cancel({number})", "no override .* holds or is to come")


@pytest.mark.parametrize("as_login", ["a_writer"], indirect=True)
def test_a_writer_cannot_cancel_what_others_filed_nor_claim_to_be_them(owned: Warehouse, as_login: Connection) -> None:
    now = datetime.now(UTC)
    with owned.begin() as connection:
        number = overrides.add(connection, "home01", "pack", "hold", {}, now, now + HOUR, "rest:anna", now)
    ask(as_login, """SELECT set_config('request.jwt.claims', '{"sub": "anna"}', false)""")
    refused(as_login, f"SELECT ems.fn_override_cancel({number})", "no override .* of db:a_writer holds")
    with owned.begin() as connection:
        assert overrides.cancel(connection, number, now, "test") == "home01"


@pytest.mark.parametrize("as_login", ["a_gateway"], indirect=True)
def test_a_gateway_is_nobody_until_it_becomes_somebody(as_login: Connection) -> None:
    refused(as_login, "SELECT * FROM ems.site")
    refused(as_login, "SET ROLE ems_service")
    as_login.exec_driver_sql("SET LOCAL ROLE ems_analyst")
    assert ask(as_login, "SELECT count(*) FROM ems.site") == 1
    refused(as_login, "SELECT ems.fn_override_cancel(1)")
    as_login.exec_driver_sql("SET LOCAL ROLE ems_writer")
    refused(as_login, "SELECT ems.fn_override_cancel(1)", "the token names nobody")
    ask(as_login, """SELECT set_config('request.jwt.claims', '{"sub": "anna", "role": "ems_writer"}', true)""")
    number = add(as_login)
    refused(as_login, "SELECT * FROM ems.control_override")
    ask(as_login, """SELECT set_config('request.jwt.claims', '{"sub": "bert", "role": "ems_writer"}', true)""")
    refused(as_login, f"SELECT ems.fn_override_cancel({number})", "no override .* of rest:bert holds")
    ask(as_login, """SELECT set_config('request.jwt.claims', '{"sub": "anna", "role": "ems_writer"}', true)""")
    assert ask(as_login, "SELECT ems.fn_override_cancel(:n)", n=number) == "home01"


MODES = ["self-use", "hold", "charge", "discharge", "produce", "curtail", "off", "blocked", "normal", "forced", "run"]
ASSETS = {"pack": Battery, "roof-south": PvArray, "car-1": Charger, "heating": HeatPump}
LIMITS = sorted({name for kind in ASSETS.values() for name in kind.limit_names} | {"warp_factor"})


def test_the_database_lists_the_modes_and_limits_of_every_kind_of_asset() -> None:
    """Also of those that no demo device obeys for."""
    kinds = {"batteries": Battery, "pv": PvArray, "chargers": Charger, "heat_pumps": HeatPump, "gensets": Genset}
    kinds |= {"fleets": Battery, "deferrables": DeferrableLoad}
    function = (ROOT / "sql" / "routines" / "R__fn_override_add.sql").read_text(encoding="utf-8")
    rows = re.findall(r"\('(\w+)', '{(.+?)}'(?:::text\[\])?,\s*'{(.*?)}'(?:::text\[\])?\)", function)
    listed = {kind: (set(modes.split(",")), set(limits.split(","))) for kind, modes, limits in rows}
    assert listed == {kind: ({*map(str, of.modes or ())}, {*of.limit_names} or {""}) for kind, of in kinds.items()}


@pytest.mark.parametrize("as_login", ["a_writer"], indirect=True)
@pytest.mark.parametrize("asset", [*ASSETS, "nothing-like-it"])
def test_the_database_takes_the_overrides_the_controller_takes(as_login: Connection, home01: Site, asset: str) -> None:
    """Two lists of modes and limits, one per language: here they meet for every asset, mode and limit."""
    for mode, limits in itertools.product(MODES, [(), *((name,) for name in LIMITS), tuple(LIMITS[:2])]):
        asked = dict.fromkeys(limits, 10)
        try:
            check_wish(home01, asset, mode, asked)
            is_right = True
        except WrongWish:
            is_right = False
        step = as_login.begin_nested()
        try:
            add(as_login, asset, mode, **asked)
            is_taken = True
        except sa.exc.DBAPIError:
            is_taken = False
        step.rollback()
        assert is_taken == is_right, (asset, mode, asked)


@pytest.mark.parametrize("as_login", ["a_writer"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("'elsewhere', 'pack', 'hold', now() + interval '1 hour'", "no active site elsewhere"),
        ("'home01', 'pack', 'hold', now() - interval '1 minute'", "name a later end"),
        ("'home01', 'pack', 'hold', now() + interval '8 days'", "more than a week away"),
        ("'home01', 'pack', 'hold', 'infinity'", "more than a week away"),
        ("'home01', 'pack', 'hold', NULL", "name a later end"),
        ("'home01', 'pack', NULL, now() + interval '1 hour'", "mode null is none of"),
        ("""'home01', 'pack', 'charge', now() + interval '1 hour', '{"charge_limit_w": -1}'""", "number from 0 on"),
        ("""'home01', 'pack', 'charge', now() + interval '1 hour', '{"charge_limit_w": "all"}'""", "number from 0 on"),
        ("'home01', 'pack', 'charge', now() + interval '1 hour', '[1]'", "an object of names and numbers"),
        ("'home01', 'pack', 'hold', now() + interval '1 hour', '{}', NULL", None),
        ("'home01', 'pack', 'hold', now() + interval '1 hour', '{}', NULL, 'guests tonight'", None),
        ("'home01', 'pack', 'hold', now() + interval '1 hour', '{}', NULL, repeat('x', 201)", "one printable line"),
        ("'home01', 'pack', 'hold', now() + interval '1 hour', '{}', NULL, E'a\\u202Eb'", "one printable line"),
        ("'home01', 'pack', 'hold', now() + interval '1 hour', '{}', NULL, E'a\\nb'", "one printable line"),
    ],
)  # fmt: skip
def test_an_override_that_is_wrong_is_refused_with_its_reason(
    as_login: Connection, arguments: str, reason: str | None
) -> None:
    if reason is None:  # no begin means at once
        assert ask(as_login, f"SELECT ems.fn_override_add({arguments})") > 0
    else:
        refused(as_login, f"SELECT ems.fn_override_add({arguments})", reason)


@pytest.mark.parametrize("as_login", ["a_writer"], indirect=True)
def test_one_writer_cannot_flood_the_table(owned: Warehouse, as_login: Connection) -> None:
    with owned.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ems.control_override")
    for _ in range(50):
        add(as_login)
    with pytest.raises(sa.exc.DBAPIError, match="has 50 overrides already"), as_login.begin_nested():
        add(as_login)


def test_an_owner_who_may_not_create_roles_still_migrates_and_is_told_so(database_server: URL) -> None:
    """Roles belong to the whole server: on one without them, a database is as it was before there were any."""
    _admin(database_server, "CREATE ROLE plain_owner LOGIN")
    _admin(database_server, "CREATE DATABASE plainly_owned OWNER plain_owner")
    hidden = {name: f"{name}_elsewhere" for name in roles.ROLES.values()}
    for name, other in hidden.items():
        _admin(database_server, f"ALTER ROLE {name} RENAME TO {other}")
    plain = Warehouse(database_server.set(username="plain_owner", database="plainly_owned"))
    try:
        assert migrate.upgrade(plain) == migrate.head()
        with plain.begin() as connection:
            assert roles.missing(connection) == sorted(roles.ROLES.values())
            with pytest.raises(roles.RolesMissing, match="let a superuser run"):
                roles.grant_login(connection, "anybody", "analyst", None)
    finally:
        for name, other in hidden.items():
            _admin(database_server, f"ALTER ROLE {other} RENAME TO {name}")
    assert migrate.upgrade(plain) == migrate.head()
    with plain.begin() as connection, pytest.raises(PermissionError, match="plain_owner may not"):
        roles.grant_login(connection, "anybody", "analyst", None)
    plain.close()


def test_dagsters_database_becomes_the_services_with_all_its_tables(database_server: URL, owned: Warehouse) -> None:
    _admin(database_server, "CREATE DATABASE dagster_of_roles")
    dagster = Warehouse(owned.url.set(database="dagster_of_roles"))
    with dagster.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE runs (id serial PRIMARY KEY)")
        roles.hand_over_dagster(connection)
    dagster.close()
    with acting(Warehouse(dagster.url), "a_service") as service, service.begin() as connection:
        connection.exec_driver_sql("INSERT INTO runs DEFAULT VALUES")
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN status text")
        connection.exec_driver_sql("CREATE TABLE event_logs (id serial)")


def test_rights_outlive_the_views_that_are_made_anew(owned: Warehouse) -> None:
    with owned.begin() as connection:
        before = {role: rights(connection, role) for role in roles.ROLES.values()}
    migrate.upgrade(owned)
    with owned.begin() as connection:
        assert {role: rights(connection, role) for role in roles.ROLES.values()} == before
    assert before["ems_service"]["vw_setpoint"] >= {"SELECT"}


def test_every_login_is_shown_with_what_binds_it(owned: Warehouse) -> None:
    with owned.begin() as connection:
        found = {login.name: login for login in logins.logins(connection)}
    analyst = found["a_analyst"]
    assert (analyst.sessions, analyst.settings["statement_timeout"]) == (6, "60s")
    assert analyst.roles == {"ems_analyst"}
    assert found["postgres"].is_superuser
    assert not any(found[name].unbound() for name in ("postgres", "a_analyst", "a_writer", "a_gateway", "a_service"))
    assert not {"ems_analyst", "ems_service"} & set(found), "roles are no logins"


def test_a_login_without_the_limits_of_its_role_is_named(owned: Warehouse) -> None:
    with owned.engine.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE loose LOGIN IN ROLE ems_writer")
        (loose,) = [login for login in logins.logins(connection) if login.name == "loose"]
        connection.rollback()
    wanted = ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout", "CONNECTION LIMIT"]
    assert loose.unbound() == wanted
