"""A Victron by ESS external control, by registers of two units and by topics: a set-point that lives for a minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ems_pipeline import control
from ems_pipeline.plant import Fault
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.mosquitto import needed

CHARGE: Row = ("pack", "battery", "charge", -3000.0, {"charge_limit_w": 3000, "target_soc_pct": 90})
SELL: Row = ("pack", "battery", "discharge", 1500.0, {"discharge_limit_w": 1500, "target_soc_pct": 20})
OWN: Row = ("pack", "battery", "self-use", 0.0, {})
MAPS = ["victron-ess", "victron-ess-3p", "victron-ess-mqtt", "victron-ess-mqtt-3p"]
GX = Gateway(key="gx", transport="victron-mqtt", host="127.0.0.1", port=1883, portal="c0619ab1cafe")


@pytest.fixture(params=["victron-ess", "victron-ess-mqtt"])
def map_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def owned(warehouse: Warehouse, home01: Site, map_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    (inverter,) = (d for d in home01.devices if d.key == "inverter")
    own = inverter.model_copy(update={"key": "own", "map": map_name, "unit_id": 227, "options": {}})
    if "mqtt" in map_name:
        needed()
        own = own.model_copy(update={"gateway": GX.key, "unit_id": 1})
        home01 = home01.model_copy(update={"gateways": (*home01.gateways, GX)})
    packs = tuple(b.model_copy(update={"device": "own"}) for b in home01.batteries)
    site = home01.model_copy(update={"devices": (*home01.devices, own), "batteries": packs})
    with conftest.living(warehouse, site, 0, monkeypatch) as found:
        yield found


def battery_w(home: Bench) -> float:
    home.plant.world.advance()
    return home.plant.world.hybrids["own"].battery_w


@pytest.mark.parametrize("map_name", MAPS)
@pytest.mark.parametrize(("row", "moves_w"), [(CHARGE, -3000.0), (SELL, 1500.0)])
def test_the_set_point_moves_the_battery_and_is_renewed_every_twenty_seconds(
    owned: Bench, row: Row, moves_w: float
) -> None:
    """Three phases take a third each, in whole watts rounded towards zero."""
    owned.plan(row)
    assert owned.control()["own"].text
    assert owned.states("own") == ["echoed"]
    assert battery_w(owned) == pytest.approx(moves_w, abs=3)
    control.keep_alive(owned.warehouse, [owned.site], owned.clock.now() + timedelta(seconds=108), owned.clock)
    owned.advance(seconds=20)
    owned.verify()
    assert battery_w(owned) == pytest.approx(moves_w, abs=3)
    assert owned.states("own") == ["effective"]


def test_without_us_the_battery_rests_and_the_next_look_hands_the_gx_back(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    owned.advance(seconds=61)
    assert battery_w(owned) == 0, "the grid is passed through"
    assert owned.held("own")["ess_mode"] == 3
    owned.verify()
    assert owned.held("own")["ess_mode"] == 1
    assert owned.states("own") == ["reverted", "released"]


def test_self_use_is_the_gx_own(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    owned.advance(minutes=15)
    owned.plan(OWN)
    owned.control()
    assert owned.held("own")["ess_mode"] == 1
    assert owned.plant.world.hybrids["own"].order.power_w is None


@pytest.mark.parametrize("fault", ["ignored-write", "exception", "reboot"])
def test_a_fault_leaves_no_order(owned: Bench, fault: str) -> None:
    owned.plant.inject(Fault(fault, "own"))
    owned.plan(SELL)
    owned.control()
    for _ in range(2):
        owned.advance(minutes=2)
        owned.verify()
    assert battery_w(owned) <= 0 or owned.plant.world.hybrids["own"].order.power_w is None
    assert owned.states("own")[0] == "failed"
