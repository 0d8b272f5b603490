"""SunSpec batteries that are steered: models 124 and 704 on the plant, at the device's scale, with their timers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.plant import Fault
from ems_pipeline.plant.following import on_its_own
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench

CHARGE: Row = ("pack", "battery", "charge", -2345.0, {"charge_limit_w": 2345, "target_soc_pct": 90})
SELL: Row = ("pack", "battery", "discharge", 1500.0, {"discharge_limit_w": 1500, "target_soc_pct": 20})
HOLD: Row = ("pack", "battery", "hold", 0.0, {})
FRONIUS, DER = "sunspec-hybrid-fronius", "sunspec-der-battery"


def with_sunspec(site: Site, map_name: str) -> Site:
    """The home with a SunSpec battery of 8 kW beside the inverter."""
    (inverter,) = (d for d in site.devices if d.key == "inverter")
    own = inverter.model_copy(update={"key": "own", "map": map_name, "unit_id": 77, "options": {}})
    packs = tuple(b.model_copy(update={"device": "own"}) for b in site.batteries)
    return site.model_copy(update={"devices": (*site.devices, own), "batteries": packs})


@pytest.fixture
def map_name() -> str:
    return FRONIUS


@pytest.fixture
def owned(warehouse: Warehouse, home01: Site, map_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with conftest.living(warehouse, with_sunspec(home01, map_name), 0, monkeypatch) as found:
        yield found


def battery_w(home: Bench) -> float:
    home.plant.world.advance()
    return home.plant.world.hybrids["own"].battery_w


@pytest.mark.parametrize(
    ("map_name", "row", "moves_w"),
    [
        (FRONIUS, CHARGE, -2320.0),  # 29 % of 8 kW: 29.3 % rounded down
        (FRONIUS, SELL, 1440.0),  # 18 % of 8 kW
        (DER, CHARGE, -2340.0),  # steps of 10 W
        (DER, SELL, 1500.0),
        (DER, HOLD, 0.0),
    ],
)
def test_a_plan_moves_the_battery_by_no_more_than_it_says(owned: Bench, row: Row, moves_w: float) -> None:
    owned.plan(row)
    assert owned.control()["own"].state == "echoed"
    assert battery_w(owned) == pytest.approx(moves_w)
    owned.advance(minutes=1)
    owned.verify()
    assert owned.states("own") == ["effective"]


def test_hold_of_a_fronius_stops_discharge_and_lets_the_sun_in(owned: Bench) -> None:
    owned.plan(HOLD)
    owned.control()
    order = owned.plant.world.hybrids["own"].order
    assert (order.power_w, order.discharge_w, order.charge_w) == (None, 0.0, 8000.0)


@pytest.mark.parametrize("map_name", [FRONIUS, DER])
def test_the_timer_is_told_before_what_it_watches_and_its_end_is_the_devices_own_logic(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    told = [point for device, point, _ in owned.written if device == "own"]
    assert told[0] in ("battery_limit_revert", "setpoint_revert")
    assert owned.held("own")[told[0]] == 300
    owned.advance(seconds=299)
    battery_w(owned)
    assert owned.plant.world.hybrids["own"].order.power_w is not None
    owned.advance(seconds=2)
    battery_w(owned)
    assert owned.plant.world.hybrids["own"].order.power_w is None
    point_map = load_map(owned.site.device("own").map)
    over = {p.name for p in point_map.points if p.expires_s}
    assert {n: v for n, v in on_its_own(point_map).items() if n in over}.items() <= owned.held("own").items()
    owned.verify()
    assert owned.states("own") == ["reverted", "released"]


@pytest.mark.parametrize("map_name", [FRONIUS, DER])
def test_looks_keep_the_timer_from_ending(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    for _ in range(6):
        owned.advance(minutes=2)
        owned.verify()
    assert owned.plant.world.hybrids["own"].order.power_w is not None
    assert owned.states("own") == ["effective"]


@pytest.mark.parametrize("map_name", [FRONIUS, DER])
@pytest.mark.parametrize("fault", ["ignored-write", "exception", "revert", "reboot"])
def test_a_fault_ends_with_the_device_on_its_own(owned: Bench, fault: str) -> None:
    owned.plant.inject(Fault(fault, "own"))
    owned.plan(SELL)
    owned.control()
    for _ in range(4):
        owned.advance(minutes=2)
        owned.verify()
    battery_w(owned)
    assert owned.plant.world.hybrids["own"].order.power_w is None
    assert owned.states("own")[0] in ("failed", "reverted")


UNSIGNED = """
map: unsigned-storage
extends: sunspec-hybrid-fronius
recipe:
  modes:
    charge:
      - {point: battery_limit_revert, to: watchdog_s}
      - {point: battery_grid_charge, to: 1}
      - {point: battery_charge_limit, to: charge_w, percent_of: battery_rated_charge_power, step: 1}
      - {point: battery_discharge_limit, to: 0}
      - {point: battery_control, to: 1}
"""


def test_another_vendors_reading_is_another_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit 0 orders charging at an unsigned rate, as the words of the specification may be read."""
    (tmp_path / "unsigned-storage.yaml").write_text(UNSIGNED)
    monkeypatch.setenv("EMS_DEVICE_MAPS", str(tmp_path))
    recipe = load_map("unsigned-storage").recipe
    fronius = load_map(FRONIUS).recipe
    assert recipe is not None
    assert fronius is not None
    assert recipe.modes["charge"][-1].to == 1
    assert recipe.modes["discharge"] == fronius.modes["discharge"]


@pytest.mark.parametrize("name", ["sunspec-hybrid", "sunspec-der-storage", "sunspec-inverter", "sunspec-der-pv"])
def test_measure_only_stays_measure_only(name: str) -> None:
    point_map = load_map(name)
    assert point_map.recipe is None
    assert [p.name for p in point_map.points if p.writable] == []
