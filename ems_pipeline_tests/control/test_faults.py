"""The fault table: what a set-point comes to on a device or a line that misbehaves, over real sockets.

Each case is one control run and two looks, 2 and 6 minutes later; the neighbours of the troubled device never notice.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from datetime import timedelta

import pytest

from ems_pipeline.control import lifecycle
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.mapped_driver import MappedDriver
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading, Readings
from ems_pipeline.devices.web.gateway import WebGateway
from ems_pipeline.plant import modbus_server
from ems_pipeline.plant.faults import FAULTS, Fault
from ems_pipeline.warehouse import alarms, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.control.conftest import QUICK_S, Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.readings import answers

KEPT_GOING = {"inverter": "effective", "wallbox-1": "effective", "heat-pump": "effective", "loxone": "echoed"}
TABLE = [
    # fault, on, troubled device, its set-points, alarm
    ("freeze", "inverter", "inverter", ["failed", "released"], "no-effect"),
    ("busy", "wallbox-1", "wallbox-1", ["failed"], "setpoint-failed"),
    ("exception", "heat-pump", "heat-pump", ["failed"], "setpoint-failed"),
    ("zero", "inverter", "inverter", ["failed"], "setpoint-failed"),
    ("zero", "heat-pump", "heat-pump", ["failed"], "setpoint-failed"),
    ("out-of-range", "inverter", "inverter", ["failed"], "setpoint-failed"),
    ("ignored-write", "wallbox-1", "wallbox-1", ["failed", "released"], "setpoint-failed"),
    ("ignored-write", "inverter", "inverter", ["failed", "failed"], "release-failed"),
    ("no-effect", "inverter", "inverter", ["failed", "released"], "no-effect"),
    ("revert", "wallbox-1", "wallbox-1", ["reverted", "released"], "reverted"),
    ("revert", "heat-pump", "heat-pump", ["reverted", "released"], "reverted"),
    ("side-effect", "inverter", "inverter", ["failed", "released"], "setpoint-failed"),
    ("reboot", "wallbox-1", "wallbox-1", ["failed"], "setpoint-failed"),
    ("clock-jump", "inverter", "inverter", ["effective"], None),
    ("single-client", "rs485-heat", "heat-pump", ["effective"], None),
    ("slow", "rs485-heat", "heat-pump", ["effective"], None),
    ("dropped", "rs485-heat", "heat-pump", ["failed"], "setpoint-failed"),
    ("half-open", "rs485-heat", "heat-pump", ["failed"], "setpoint-failed"),
    ("garbage", "rs485-heat", "heat-pump", ["failed"], "setpoint-failed"),
    ("foreign", "rs485-heat", "heat-pump", ["effective"], None),
    ("other-unit", "rs485-heat", "heat-pump", ["failed"], "setpoint-failed"),
    ("fragment", "rs485-heat", "heat-pump", ["effective"], None),
    ("missing", "rs485-heat", "heat-pump", ["failed"], "setpoint-failed"),
    ("chatter", "rs485-heat", "heat-pump", ["effective"], None),
    ("serial-pace", "rs485-heat", "heat-pump", ["effective"], None),
    ("broadcast", "rs485-heat", "heat-pump", ["effective"], None),
]


@pytest.fixture
def days_lived(request: pytest.FixtureRequest) -> int:
    """A frozen inverter goes on saying what it did: after two days that is something else than it is told."""
    return 2 if "[freeze-inverter-" in request.node.name else 0


@pytest.fixture
def troubled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the wallboxes' line the reboot alone keeps silent, and the inverter, which must answer, is on it."""
    monkeypatch.setattr(modbus_server, "SLOW_S", QUICK_S / 5)  # the part of the time-out that it is in the field
    return "rs485" if "[reboot-wallbox" in request.node.name else "rs485-heat"


@pytest.mark.parametrize(("kind", "key", "device", "states", "alarm"), TABLE, ids=lambda v: str(v))
def test_a_fault_has_its_stated_outcome(
    home: Bench, kind: str, key: str, device: str, states: list[str], alarm: str | None
) -> None:
    home.plan(CHARGE, CAR, WARM)
    home.plant.inject(Fault(kind, key))
    home.control()
    home.advance(minutes=2)
    home.verify()
    home.advance(minutes=4)
    home.verify()
    assert home.states(device) == states
    with home.warehouse.begin() as connection:
        filed = alarms.open_alarms(connection)
    assert (device, alarm) in set(filed.select("device_key", "kind").rows()) or alarm is None, filed
    neighbours = set(KEPT_GOING) - {device} - ({"wallbox-1"} if device == "inverter" else set())  # it measures the grid
    assert {d: home.states(d)[-1] for d in neighbours} == {d: KEPT_GOING[d] for d in neighbours}


def test_every_fault_has_an_outcome_and_the_documentation_says_it() -> None:
    assert {kind for kind, *_ in TABLE} == {kind for kind, of in FAULTS.items() if not of.of_datagrams}
    text = (ROOT / "docs" / "plant.md").read_text(encoding="utf-8").partition("### What a set-point comes to")[2]
    cells = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:3] == "| `"]
    told = [(kind, key, states.split(", "), alarm or None) for kind, key, states, alarm, _ in cells]
    assert told == [(kind, key, states, alarm) for kind, key, _, states, alarm in TABLE]


def test_a_line_whose_one_place_is_taken_answers_when_it_is_free_again(home: Bench) -> None:
    gateway = home.site.gateway_of(home.site.device("heat-pump"))
    home.plan(WARM)
    home.plant.inject(Fault("single-client", "rs485-heat"))
    with socket.create_connection((gateway.host, gateway.port)):
        assert home.control()["heat-pump"].state == "failed"
    home.advance(minutes=15)
    home.control()
    assert home.states("heat-pump") == ["failed", "echoed"]


@pytest.mark.parametrize("kind", ["revert", "ignored-write", "no-effect", "reboot", "garbage"])
def test_when_the_fault_is_gone_the_next_slot_steers_again(home: Bench, kind: str) -> None:
    key = "rs485-heat" if kind == "garbage" else "heat-pump"
    home.plan(WARM)
    home.plant.inject(Fault(kind, key))
    home.control()
    home.advance(minutes=2)
    home.verify()
    home.plant.clear()
    home.advance(minutes=13)
    home.plan(WARM)
    home.control()
    home.advance(minutes=2)
    home.verify()
    assert home.states("heat-pump")[-1] == "effective"
    assert home.held("heat-pump")["flow_setpoint"] == 40
    with home.warehouse.begin() as connection:
        assert alarms.open_alarms(connection).is_empty()


def test_the_device_of_a_dead_gateway_keeps_its_setpoint_until_it_expires(home: Bench) -> None:
    """Nobody can release what does not answer: it is tried once a quarter-hour and succeeds when the line is back."""
    home.plan(WARM)
    home.control()
    home.plant.inject(Fault("dropped", "rs485-heat"))
    for _ in range(3):
        home.advance(minutes=15)
        home.verify()
    assert home.states("heat-pump")[0] == "expired"
    assert set(home.states("heat-pump")[1:]) == {"failed"}
    home.plant.clear()
    home.advance(minutes=15)
    home.verify()
    assert home.states("heat-pump")[-1] == "released"
    assert home.held("heat-pump")["flow_setpoint"] == 38


def test_a_device_with_an_open_circuit_is_not_asked(home: Bench) -> None:
    from ems_pipeline.devices.fleet.health import Health, failed
    from ems_pipeline.warehouse import health

    now, state = home.clock.now(), Health()
    for _ in range(3):
        state = failed(state, now, "silent")
    with home.warehouse.begin() as connection:
        health.save(connection, {("home01", "heat-pump"): state})
    home.plan(WARM)
    assert "not asked: 3 failures in a row, the last: silent" in home.control()["heat-pump"].text


@pytest.mark.parametrize(("age_minutes", "current_a"), [(4, 10), (6, 0)])
def test_state_is_remembered_as_long_as_the_site_accepts_and_no_longer(
    home: Bench, age_minutes: int, current_a: int
) -> None:
    """The inverter, which measures the grid, is silent: telemetry of 4 minutes ago lets the car charge, of 6 not."""
    at = home.clock.now() - timedelta(minutes=age_minutes)
    told = {"grid_power_w": 500.0, "battery_power_w": 0.0}
    with home.warehouse.begin() as connection:
        readings = [Reading("inverter", q, "W", v, at, at, Quality.GOOD) for q, v in told.items()]
        telemetry.store(connection, answers(("home01", reading) for reading in readings))
    home.plant.inject(Fault("busy", "inverter"))
    home.plan(CAR)
    home.control()
    assert home.held("wallbox-1")["current_limit"] == current_a


def test_every_setpoint_of_a_bad_hour_ends(home: Bench) -> None:
    """Faults come and go for an hour; whatever happened, nothing stays open and nothing is left steered."""
    faults = [("revert", "wallbox-1"), ("ignored-write", "inverter"), ("dropped", "rs485-heat"), ("reboot", "inverter")]
    for kind, key in faults:
        home.plan(CHARGE, CAR, WARM)
        home.control()
        home.plant.inject(Fault(kind, key))
        for _ in range(5):
            home.advance(minutes=3)
            home.verify()
        home.plant.clear()
    for _ in range(3):
        home.advance(minutes=15)
        home.verify()
    with home.warehouse.begin() as connection:
        found = query(connection, "SELECT DISTINCT state FROM ems.setpoint")["state"].to_list()
    assert set(found) <= lifecycle.ENDS
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.held("wallbox-1")["current_limit"] == 16
    assert home.held("heat-pump")["flow_setpoint"] == 38
    assert home.held("loxone")["ems_permission"] == 0


def test_a_device_with_a_spent_write_budget_is_handed_back(home: Bench) -> None:
    point_map = load_map("teltonika-teltocharge")
    budget = point_map.point("current_limit").writes_per_day
    home.plan(CAR)
    home.control()
    home.advance(minutes=15)
    with home.warehouse.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ems.point_write_count SET writes = {budget}")
    home.plan(("car-1", "charger", "charge", 8280.0, {"current_a": 12, "phases": 3}))
    home.control()
    assert home.states("wallbox-1") == ["superseded", "failed", "released"]
    assert home.held("wallbox-1")["current_limit"] == 16


def test_a_fault_in_a_driver_is_that_devices_trouble(home: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    original = MappedDriver.read

    async def read(driver: MappedDriver, quantities: Collection[str] | None = None) -> Readings:
        if driver.device == "heat-pump":
            raise IndexError("a fault of ours")
        return await original(driver, quantities)

    monkeypatch.setattr(MappedDriver, "read", read)
    home.plan(CHARGE, WARM)
    outcomes = home.control()
    assert (outcomes["heat-pump"].state, outcomes["inverter"].state) == ("failed", "echoed")
    assert "IndexError: a fault of ours" in outcomes["heat-pump"].text


def test_a_device_that_refuses_with_unprintable_words_is_written_once_and_journalled(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def refusing(_gateway: WebGateway, path: str, *_: object) -> bytes:
        said.append(path)
        raise DeviceFault(Quality.REFUSED, f"out of order \x00 \ud800 \x1b[2J {'x' * 10_000}")

    home.plan(CHARGE)
    monkeypatch.setattr(WebGateway, "get", refusing)
    outcomes = home.control()
    assert home.states("inverter") == ["echoed"], "its words cost the rest of the site nothing"
    assert outcomes["loxone"].state == "failed"
    assert "out of order \\x00 \\ud800 \\x1b[2J xxx" in outcomes["loxone"].text
    assert len(outcomes["loxone"].text) < 2000
    writes = len(home.written)
    home.verify()
    assert len(home.written) == writes
