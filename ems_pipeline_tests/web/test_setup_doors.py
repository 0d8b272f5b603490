"""What the set-up opens leads to no live write: not by HTTP alone, whoever asks, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from starlette.testclient import TestClient

from ems_pipeline import control, time_grid
from ems_pipeline.api.rights import RIGHTS
from ems_pipeline.steps import site_documents
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_site
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse.asked import Asked, NotAnswered
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.api.test_attack import PLACES
from ems_pipeline_tests.control.bench import store_plan
from ems_pipeline_tests.rights import routes
from ems_pipeline_tests.web.setting_up import DUTCH, Home, aside, moved_in, search, set_up

pytestmark = pytest.mark.usefixtures("now_is_now")
CHARGE = ("inverter-battery", "battery", "charge", -3000.0, {"charge_limit_w": 3000, "target_soc_pct": 80})
KINDS = ("device-find", "device-try", "site-begin")


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with moved_in(house, tmp_path, monkeypatch) as found:
        yield found


def steer(home: Home, now: datetime, wanted: Any = CHARGE) -> set[str]:
    """A quarter-hour of control by a plan that wants the battery charged; what became of its set-points."""
    (site,) = home.platform.sites()
    store_plan(home.platform.warehouse, site, now, [wanted])
    slot = time_grid.floor_slot(now)
    told = aside(lambda: control.run_control(home.platform.warehouse, [site], slot, now, home.house.clock))
    return {str(outcome.state) for outcome in told}


def test_the_file_that_was_written_steers_the_twin_once_the_machine_says_so_twice(home: Home) -> None:
    anna = home.house.login("anna")
    set_up(home, anna)
    before, now = home.held(), home.house.clock.now()
    assert steer(home, now) == {"shadow"}
    assert home.held() == before
    page = anna.get("/ui/setup/first").text
    assert page.count("<td>test</td>") == 2, "eight slots of one mode are one line of the plan, with its reason"
    assert "grid_charge_enable" in page, "a register that would have been written"
    (file,) = home.folder.glob("*.yaml")
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(said | {"control": {"enabled": True}}), encoding="utf-8")  # by hand, on the machine
    assert follow_files(home.platform).faults == []
    home.house.clock.advance_to(now + timedelta(minutes=15))
    assert steer(home, home.house.clock.now()) == {"shadow"}, "one opt-in of two"
    assert home.held() == before
    with home.platform.warehouse.begin() as connection:
        arming.arm(connection, "ons-huis", home.house.clock.now(), "local:anna")
    home.house.clock.advance_to(now + timedelta(minutes=30))
    assert steer(home, home.house.clock.now()) == {"echoed"}
    assert home.held()["inverter"]["grid_charge_enable"] == 1
    assert home.held()["inverter"]["slot1_soc"] == 80


def quarter_hour(home: Home, now: datetime) -> None:
    """Control and its second look, for whatever sites there are."""
    warehouse, sites = home.platform.warehouse, home.platform.sites()
    control.run_control(warehouse, sites, time_grid.floor_slot(now), now, home.house.clock)
    control.run_verification(warehouse, sites, now, home.house.clock)


BODIES: list[dict[str, Any]] = [
    {"control": {"enabled": True}},
    {"active": False},
    {"gateways": [{"key": "gateway-1", "transport": "http", "host": "127.0.0.1", "port": 80}]},
    {"unit_id": 3},
    {"asset": "inverter-battery", "mode": "charge", "minutes": 30},
    {},
]


def test_an_owner_with_a_site_of_the_set_up_gets_no_register_written_by_http_alone(home: Home) -> None:
    """Every path that changes something, then whatever the pipeline makes of it, control's quarter-hours included."""
    anna = home.house.login("anna")
    set_up(home, anna)
    before = home.held()
    program = home.house.program(*RIGHTS["owner"])
    now, asked = home.house.clock.now(), 0
    places = PLACES | {"battery": "ons-huis.inverter-battery", "device": "ons-huis.inverter", "site": "ons-huis"}
    for browser in (anna, program):
        for method, route in routes():
            if method == "GET" or route.path in ("/logout", "/login", "/tokens/generate"):
                continue
            path = "/api/v1" + route.path.replace(":path}", "}").format(**places)
            for body in BODIES:
                home.house.seconds.at += 3600.0
                assert browser.request(method, path, json=body).status_code < 500, path
                asked += 1
        home.work()
        now += timedelta(minutes=15)
        home.house.clock.advance_to(now)
        aside(partial(quarter_hour, home, now))
    assert asked > 300
    assert home.held() == before
    (said,) = (read_site(file) for file in home.folder.glob("[!.]*.yaml"))
    assert not said.control.enabled
    assert [g.host for g in said.gateways] == ["127.0.0.1"]


def call(browser: TestClient, kind: str) -> Any:
    said = {"p_kind": kind, "p_parameters": {"gateway": {"transport": "modbus-tcp", "host": "10.0.0.7", "port": 502}}}
    return browser.post("/rest/rpc/fn_request_add", json=said)


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_names_an_address_whatever_it_lists(home: Home, kind: str) -> None:
    """The database itself asks who it is; the page is not the only thing that would have to fail."""
    home.house.login("anna")
    program = home.house.program(*RIGHTS["owner"])
    answer = call(program, kind)
    assert answer.status_code >= 400
    assert "just typed the password" in answer.text
    assert home.house.rows("SELECT FROM ems.request") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ems.web_session SET confirmed_at = now() - interval '16 minutes'",
        "UPDATE ems.web_session SET confirmed_at = now() + interval '1 day'",
        "UPDATE ems.person SET role = 'operator' WHERE name = 'anna'",
        "UPDATE ems.person SET sites = '{home01}' WHERE name = 'anna'",
        "UPDATE ems.person SET changed_at = now() + interval '1 hour'",
    ],
)
def test_an_address_is_named_by_an_owner_of_all_who_typed_the_password_just_now(home: Home, change: str) -> None:
    home.house.login("anna")
    with home.house.warehouse.begin() as connection:
        connection.execute(sa.text("SELECT set_config('request.jwt.claims', '{\"sub\": \"anna\"}', false)"))
        ask = sa.text("SELECT ems.fn_request_add('device-find')")
        connection.execute(sa.text("SET LOCAL SESSION AUTHORIZATION ems_web"))
        connection.execute(sa.text("SET LOCAL ROLE ems_writer"))
        connection.execute(ask)
    with home.house.warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.request")
        connection.exec_driver_sql(change)
        connection.execute(sa.text("SELECT set_config('request.jwt.claims', '{\"sub\": \"anna\"}', true)"))
        connection.execute(sa.text("SET LOCAL SESSION AUTHORIZATION ems_web"))
        connection.execute(sa.text("SET LOCAL ROLE ems_writer"))
        with pytest.raises(sa.exc.DBAPIError, match="just typed the password"):
            connection.execute(ask)
        connection.rollback()


def test_one_look_at_a_time_whoever_asks(home: Home) -> None:
    anna = home.house.login("anna")
    assert anna.post("/ui/setup/find", data=search(home.port), follow_redirects=False).status_code == 303
    again = anna.post("/ui/setup/find", data=search(home.port + 1), follow_redirects=False)
    assert (again.status_code, "under way" in again.text) == (429, True)
    home.work()
    assert anna.post("/ui/setup/find", data=search(home.port), follow_redirects=False).status_code == 303


def begun(home: Home, **changes: Any) -> Asked:
    gateway = DUTCH["gateways"][0] | {"port": home.port}
    document = DUTCH | {"gateways": [gateway], "control": {"enabled": False}} | changes
    return Asked("1", "site-begin", "", {"document": document}, "web:anna", home.house.clock.now(), "running")


GATEWAY = DUTCH["gateways"][0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"control": {"enabled": True}}, "control.enabled"),
        ({"gateways": [GATEWAY | {"host": "8.8.8.8"}]}, "none of this house"),
        ({"gateways": [GATEWAY | {"host": "inverter.example"}]}, "is no number"),
        ({"gateways": [GATEWAY, {"key": "page", "transport": "http", "host": "10.0.0.9", "port": 80}]}, "speaks http"),
        (
            {"gateways": [GATEWAY, {"key": "ha", "transport": "home-assistant", "host": "10.0.0.9", "port": 8123}]},
            "speaks home",
        ),
        ({"gateways": [GATEWAY | {"user": "ems", "password_env": "EMS_ENTSOE_TOKEN"}]}, "names a user or a password"),
        ({"devices": [DUTCH["devices"][0] | {"options": {"limit_control": 1}}, DUTCH["devices"][1]]}, "has options"),
        ({"devices": [DUTCH["devices"][0] | {"map": "no-such-map"}, DUTCH["devices"][1]]}, "no-such-map"),
    ],
)
def test_a_pipeline_that_is_asked_past_the_pages_refuses_the_same(
    home: Home, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(NotAnswered, match=told):
        site_documents.begin(home.platform, begun(home, **changes))
    assert list(home.folder.iterdir()) == []
    assert home.house.rows("SELECT FROM ems.site") == []


def test_a_site_of_the_set_up_takes_no_key_and_no_gateway_of_another(home: Home) -> None:
    site_documents.begin(home.platform, begun(home))
    (file,) = home.folder.iterdir()
    before = file.read_bytes()
    with pytest.raises(NotAnswered, match="there is a site thuis already"):
        site_documents.begin(home.platform, begun(home))
    with pytest.raises(NotAnswered, match="is a gateway of thuis"):
        site_documents.begin(home.platform, begun(home, key="other"))
    assert [path.read_bytes() for path in home.folder.iterdir()] == [before]


def test_an_environment_that_names_no_network_looks_nowhere(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_SETUP_NETWORKS", "none")
    answer = home.house.login("anna").post("/ui/setup/find", data=search(home.port), follow_redirects=False)
    assert (answer.status_code, "EMS_SETUP_NETWORKS is none" in answer.text) == (422, True)
    with pytest.raises(NotAnswered, match="EMS_SETUP_NETWORKS is none"):
        site_documents.begin(home.platform, begun(home))
