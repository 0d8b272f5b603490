"""What may not flow between battery, grid and car holds in the inverter's registers, whoever asks, in its hours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline.control import beside_car
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import BatteryCommand
from ems_pipeline.sites import GridTerms, Site
from ems_pipeline.sites.electric import BatteryTerms
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE

SELL: Row = ("pack", "battery", "discharge", 3000.0, {"discharge_limit_w": 3000, "target_soc_pct": 20})
SELLING_FIRST = 0


@pytest.fixture
def bound(warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """At noon UTC (13:00 in Prague) nothing may flow either way and 2 kW are all it gives, from 14:00 on as ever."""
    hours = {"start": "13:00", "end": "14:00"}
    terms = GridTerms.model_validate(hours | {"grid_to_battery": False, "battery_to_grid": False})
    grid = home01.grid.model_copy(update={"at_times": (terms,)})
    slow = BatteryTerms.model_validate(hours | {"discharge_limit_w": 2000})
    pack = home01.batteries[0].model_copy(update={"at_times": (slow,)})
    site = home01.model_copy(update={"grid": grid, "batteries": (pack,)})
    with conftest.living(warehouse, site, 0, monkeypatch) as found:
        yield found


def test_neither_flow_is_told_to_the_inverter_in_the_hours_that_forbid_it(bound: Bench) -> None:
    bound.plan(CHARGE)
    bound.control()
    told = bound.held("inverter")
    assert (told["grid_charge_enable"], told["slot1_flags"] % 2, told["slot1_soc"]) == (0, 0, 100)
    bound.advance(minutes=15)
    bound.plan(SELL)
    bound.control()
    told = bound.held("inverter")
    assert (told["limit_control"] == SELLING_FIRST, told["slot1_soc"], told["slot1_power"]) == (False, 20, 2000)
    bound.advance(minutes=45)
    bound.plan(CHARGE)
    bound.control()
    assert bound.held("inverter")["grid_charge_enable"] == 1


FOLLOW: Row = ("pack", "battery", "self-use", 2000.0, {})


def test_a_battery_kept_out_of_the_car_rests_at_the_inverter_while_it_charges(
    warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held: its floor is 100 %. When no car charges any more it follows the meter again."""
    chargers = tuple(c.model_copy(update={"battery_to_car": False}) for c in home01.chargers)
    with conftest.living(warehouse, home01.model_copy(update={"chargers": chargers}), 0, monkeypatch) as home:
        home.plan(FOLLOW, CAR)
        home.control()
        assert (home.held("inverter")["slot1_soc"], home.held("wallbox-1")["current_limit"]) == (100, 10)
        home.advance(minutes=15)
        home.plan(FOLLOW, ("car-1", "charger", "off", 0.0, {}))
        home.control()
        assert home.held("inverter")["slot1_soc"] < 100


def test_whether_a_silent_charger_charges_is_not_known_and_the_battery_rests(home01: Site) -> None:
    apart = tuple(c.model_copy(update={"battery_to_car": False}) for c in home01.chargers)
    site, battery = home01.model_copy(update={"chargers": apart}), home01.batteries[0]
    follows = BatteryCommand(str(battery.device), BatteryMode.SELF_USE)
    commands = {follows.device: follows}

    def told(power_w: float | None) -> tuple[BatteryMode, list[str]]:
        values = {} if power_w is None else {"ev_power_w": power_w}
        live = Live(site, {str(c.device): Observed(values) for c in apart})
        given, notes = beside_car.resting(site, commands, live)
        return given.get(follows.device, follows).mode, notes

    assert told(0.0) == (BatteryMode.SELF_USE, [])
    assert told(7000.0)[0] is BatteryMode.HOLD
    mode, (note,) = told(None)
    assert (mode, "nobody knows whether" in note) == (BatteryMode.HOLD, True)
