"""A grid operator's contact: cars, pump and battery give way at once, the planner knows, people hear, and it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import demand
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, HeatPumpCommand
from ems_pipeline.devices.points.reading import Reading
from ems_pipeline.plant import Fault
from ems_pipeline.sites import DemandInput, Device, Gateway, Site
from ems_pipeline.sites.demand import least_w
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode
from ems_pipeline.steps import demand as followed
from ems_pipeline.warehouse import Warehouse, alarms, events, telemetry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.readings import answers

CAR: Row = ("car-1", "charger", "charge", 11_040.0, {"current_a": 16, "phases": 3})
CHARGE: Row = ("pack", "battery", "charge", -3000.0, {"charge_limit_w": 3000, "target_soc_pct": 80})
INPUT = DemandInput(key="contact-14a", device="contact")


def with_contact(site: Site, one: DemandInput = INPUT) -> Site:
    gateway = Gateway(key="box", transport="http", host="127.0.0.1", port=1)
    contact = Device(key="contact", map="shelly-input", gateway="box")
    update = {"gateways": (*site.gateways, gateway), "devices": (*site.devices, contact), "demand_inputs": (one,)}
    return Site.model_validate({**site.model_dump(), **{k: [r.model_dump() for r in v] for k, v in update.items()}})


@pytest.fixture
def boxed(warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with conftest.living(warehouse, with_contact(home01), 0, monkeypatch) as found:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ems.grid_event")
        yield found


def close(home: Bench, closed: float = 1.0) -> None:
    home.plant.twins["contact"].hold({"contact": closed})


@pytest.mark.parametrize(
    ("draws_w", "heat_w", "left_w"),
    [
        ([11_000.0], 0.0, 4200.0),
        ([11_000.0, 8000.0], 0.0, 7560.0),  # 4.2 + 0.8 * 4.2
        ([11_000.0, 11_000.0, 8000.0], 3200.0, 10_500.0),  # 4.2 + 2 * 0.75 * 4.2
        ([12_000.0, 11_000.0], 12_000.0, 8160.0),  # 0.4 * 12 + 0.8 * 4.2
        ([3000.0], 3000.0, 4200.0),
        ([11_000.0] * 12, 0.0, 24_990.0),  # 4.2 + 11 * 0.45 * 4.2
    ],
)
def test_the_formula_of_section_14a(draws_w: list[float], heat_w: float, left_w: float) -> None:
    assert least_w(draws_w, heat_w) == pytest.approx(left_w)


def live_of(site: Site, contact: float | None, **values: Mapping[str, float]) -> Live:
    said = {name.replace("_", "-"): v for name, v in values.items()}
    said["contact"] = {} if contact is None else {"demand_limited": contact}
    return Live(site, {d.key: Observed(said.get(d.key, {})) for d in site.devices})


@given(
    contact=st.sampled_from([0.0, 1.0, None]),
    limit_w=st.none() | st.floats(0, 30_000),
    grid_w=st.none() | st.floats(-15_000, 15_000),
    heat_w=st.none() | st.floats(0, 3200),
    battery=st.builds(
        BatteryCommand, st.just("inverter"), st.sampled_from(BatteryMode), charge_limit_w=st.none() | st.floats(0, 8000)
    ),
    amperes=st.tuples(st.none() | st.floats(6, 16), st.none() | st.floats(6, 16)),
    mode=st.none() | st.sampled_from(HeatPumpMode),
)
def test_what_is_controllable_never_draws_more_than_limit_and_surplus(
    home01: Site, contact: float | None, limit_w: float | None, grid_w: float | None, heat_w: float | None,
    battery: BatteryCommand, amperes: tuple[float | None, float | None], mode: HeatPumpMode | None,
) -> None:  # fmt: skip
    """The worst the commands allow, those without one at full current; and with an open contact nothing changes."""
    site = with_contact(home01, DemandInput(key="contact-14a", device="contact", limit_w=limit_w))
    values = {"battery_power_w": 0.0} | ({} if grid_w is None else {"grid_power_w": grid_w})
    pump = {} if heat_w is None else {"heat_pump_power_w": heat_w}
    live = live_of(site, contact, inverter=values, heat_pump=pump)
    cars = {
        f"wallbox-{n}": None if a is None else ChargerCommand(f"wallbox-{n}", ChargerMode.CHARGE, a)
        for n, a in enumerate(amperes, 1)
    }
    asked: dict[str, Command | None] = {
        "inverter": battery, "heat-pump": None if mode is None else HeatPumpCommand("heat-pump", mode), **cars,
    }  # fmt: skip
    given_, notes = demand.dimmed(site, asked, live)
    if contact == 0.0:
        assert (given_, notes) == ({}, [])
        return
    final = {**asked, **given_}
    left_w = (limit_w if limit_w is not None else 7560.0) + max(
        0.0, (heat_w or 0.0) - grid_w if grid_w is not None else 0.0
    )
    draws_w, per_ampere_w = 0.0, {str(c.device): c.phases * c.voltage_v for c in site.chargers}
    for command in final.values():
        match command:
            case ChargerCommand(mode=ChargerMode.CHARGE, current_a=current_a):
                draws_w += current_a * per_ampere_w[command.device]
            case BatteryCommand(mode=BatteryMode.CHARGE, charge_limit_w=charge_w):
                draws_w += 8000.0 if charge_w is None else charge_w
    pump_command = final["heat-pump"]
    if not (isinstance(pump_command, HeatPumpCommand) and pump_command.mode is HeatPumpMode.BLOCKED):
        draws_w += home01.heat_pumps[0].max_power_w
    full_w = {str(c.device): c.max_power_w for c in site.chargers}
    draws_w += sum(w for device, w in full_w.items() if final[device] is None)
    assert draws_w <= left_w + 1e-6


def test_a_closed_contact_dims_at_the_next_look_and_an_open_one_ends_it(boxed: Bench) -> None:
    boxed.plan(CAR, CHARGE)
    boxed.control()
    assert boxed.held("wallbox-1")["current_limit"] == 16
    close(boxed)
    boxed.advance(minutes=2)
    boxed.verify()
    assert boxed.held("wallbox-1")["current_limit"] < 16
    assert boxed.held("wallbox-2")["current_limit"] == 0, "left to itself it would draw 11 kW"
    with boxed.warehouse.begin() as connection:
        told = query(connection, "SELECT source, reason FROM ems.setpoint WHERE device_key = 'wallbox-2'")
    assert set(told["source"]) == {"grid"}
    assert "contact-14a asks for 7560 W at most" in told["reason"][0]
    close(boxed, 0.0)
    boxed.advance(minutes=13)
    boxed.plan(CAR, CHARGE)
    boxed.control()
    assert boxed.held("wallbox-1")["current_limit"] == 16
    assert boxed.held("wallbox-2")["current_limit"] == 16, "released to its own logic"


def test_the_contact_may_be_a_discrete_input_of_a_modbus_module(
    warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Device(key="contact", map="modbus-contact", gateway="rs485", unit_id=5)
    update = {"devices": [d.model_dump() for d in (*home01.devices, module)], "demand_inputs": [INPUT.model_dump()]}
    site = Site.model_validate({**home01.model_dump(), **update})
    with conftest.living(warehouse, site, 0, monkeypatch) as home:
        home.plan(CAR, CHARGE)
        home.control()
        assert home.held("wallbox-1")["current_limit"] == 16
        close(home)
        home.advance(minutes=2)
        home.verify()
        assert 6 <= home.held("wallbox-1")["current_limit"] < 16
        with warehouse.begin() as connection:
            told = query(connection, "SELECT reason FROM ems.setpoint WHERE device_key = 'wallbox-2'")["reason"]
        assert "contact-14a asks for 7560 W at most" in told[0]


def test_a_quarter_hour_begins_within_the_limit(boxed: Bench) -> None:
    close(boxed)
    boxed.plan(CAR, CHARGE)
    boxed.control()
    assert 6 <= boxed.held("wallbox-1")["current_limit"] < 16
    assert boxed.held("wallbox-2")["current_limit"] == 0


def test_pump_first_then_cars_then_the_battery(home01: Site) -> None:
    """7560 W without a surplus: 3.2 kW are kept for the pump, 6 A (4140 W) go to the first car, 220 W are left."""
    site = with_contact(home01)
    live = live_of(site, 1.0, inverter={"battery_power_w": 0.0, "grid_power_w": 900.0})
    asked: dict[str, Command | None] = {
        "wallbox-1": ChargerCommand("wallbox-1", ChargerMode.CHARGE, 16.0),
        "inverter": BatteryCommand("inverter", BatteryMode.CHARGE, charge_limit_w=3000.0),
    }
    given_, notes = demand.dimmed(site, asked, live)
    assert notes == ["contact-14a asks for 7560 W at most"]
    car, other, battery = (given_[device] for device in ("wallbox-1", "wallbox-2", "inverter"))
    assert isinstance(car, ChargerCommand)
    assert isinstance(other, ChargerCommand)
    assert isinstance(battery, BatteryCommand)
    assert (car.current_a, other.mode, battery.charge_limit_w) == (6.0, ChargerMode.OFF, 220.0)


@pytest.mark.parametrize("when", ["limit", "ignore"])
def test_an_input_that_nobody_can_read_is_what_the_file_says(
    warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    site = with_contact(home01, INPUT.model_copy(update={"when_unreadable": when}))
    with conftest.living(warehouse, site, 0, monkeypatch) as home:
        home.plant.inject(Fault("exception", "contact"))
        home.plan(CAR, CHARGE)
        home.control()
        assert (home.held("wallbox-1")["current_limit"] < 16) == (when == "limit")
        with warehouse.begin() as connection:
            reasons = query(connection, "SELECT reason FROM ems.setpoint WHERE device_key = 'wallbox-1'")["reason"]
        assert ("contact-14a cannot be read and counts as asked: 7560 W" in reasons[0]) == (when == "limit")


def test_planner_and_people_are_told_and_it_ends_by_itself(boxed: Bench) -> None:
    def minute(contact: float) -> None:
        now = boxed.clock.now()
        with boxed.warehouse.begin() as connection:
            said = Reading("contact", "demand_limited", "", contact, now, now)
            telemetry.store(connection, answers([(boxed.site.key, said)]))
            followed.follow(connection, [boxed.site], now)

    def known() -> tuple[list[float], set[str]]:
        with boxed.warehouse.begin() as connection:
            listed = events.listing(connection, [boxed.site.key], boxed.clock.now())
            return listed["limit_w"].to_list(), {kind for _, kind in alarms.open_texts(connection, boxed.site.key)}

    minute(0.0)
    assert known() == ([], set())
    boxed.advance(minutes=1)
    minute(1.0)
    assert known() == ([8060.0], {"demand-limit"}), "7560 W and the usual 400 W of the house, in steps of 500 W"
    boxed.advance(minutes=1)
    minute(0.0)
    assert known() == ([], set())
    boxed.advance(minutes=1)
    minute(1.0)
    boxed.advance(minutes=46)
    assert known()[0] == [], "nobody looked any more"


def test_an_input_names_what_there_is(home01: Site) -> None:
    with pytest.raises(ValueError, match="demand input 'contact-14a' names asset 'lamp'"):
        with_contact(home01, INPUT.model_copy(update={"assets": ("lamp",)}))
    with pytest.raises(ValueError, match="demand input 'contact-14a' names device 'none'"):
        with_contact(home01, INPUT.model_copy(update={"device": "none"}))
