"""Clients of others against the twins of switches, and of a Victron GX. They are in no lock of ours:

python -m pip install --no-deps --target /tmp/others shellypy==0.3.0 tasmota-http==0.1.0
python -m pip install --no-deps --target /tmp/others victron==1.0.2 pyModbusTCP==0.3.1
PYTHONPATH=/tmp/others python -m pytest ems_pipeline_tests/plant/test_web_others.py
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import DailyWindow, DeferrableLoad, Device, Gateway, Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.conftest import EVENING

WHY = "a client of others is not installed; see the docstring"


@contextmanager
def behind(home01: Site, map_name: str, transport: str = "http", unit_id: int = 1) -> Iterator[tuple[Plant, int]]:
    """The demo site with a machine of 1500 W behind a switch; its plant and the switch's port."""
    gateway = Gateway.model_validate({"key": "plug", "transport": transport, "host": "127.0.0.1", "port": 1})
    device = Device(key="plug", map=map_name, gateway="plug", unit_id=unit_id)
    window = DailyWindow.model_validate({"start": "08:00", "end": "20:00"})
    pump = DeferrableLoad(key="pump", device="plug", power_w=1500.0, run_minutes=120, window=window)
    more: dict[str, Any] = {"gateways": (*home01.gateways, gateway), "devices": (*home01.devices, device)}
    more |= {"deferrables": (pump,)} if transport == "http" else {}
    if transport != "http":
        moved = tuple(b.model_copy(update={"device": "plug"}) for b in home01.batteries)
        more |= {"batteries": moved}
    with running_plant(home01.model_copy(update=more), SimulatedClock(EVENING), history_days=0) as plant:
        yield plant, next(g.port for g in plant.site.gateways if g.key == "plug")


def drawn_w(plant: Plant) -> float:
    plant.world.advance()
    return plant.world.switched_w.get("plug", 0.0)


@pytest.mark.parametrize(("map_name", "generation"), [("shelly-switch", 2), ("shelly-1pm", 1)])
def test_shellypy_finds_reads_and_switches_a_shelly(home01: Site, map_name: str, generation: int) -> None:
    others = pytest.importorskip("ShellyPy", reason=WHY)
    with behind(home01, map_name) as (plant, port):
        shelly = others.Shelly("127.0.0.1", port)
        assert shelly.__generation__ == generation
        is_on = "output" if generation == 2 else "ison"
        assert shelly.relay(0)[is_on] is False
        shelly.relay(0, turn=True, timer=300)
        assert drawn_w(plant) == 1500
        assert shelly.relay(0)[is_on] is True
        power = shelly.relay(0)["apower"] if generation == 2 else shelly.meter(0)["power"]
        assert power == pytest.approx(1500)
        shelly.relay(0, turn=False)
        assert drawn_w(plant) == 0


def test_tasmota_http_reads_and_switches_a_tasmota(home01: Site) -> None:
    others = pytest.importorskip("tasmota_http", reason=WHY)
    with behind(home01, "tasmota-switch") as (plant, port):
        tasmota = others.TasmotaClient(f"127.0.0.1:{port}")
        assert tasmota.power_get() == {"POWER": "OFF"}
        assert tasmota.power_set(True) == {"POWER": "ON"}
        assert drawn_w(plant) == 1500
        assert tasmota.status(10)["StatusSNS"]["ENERGY"]["Power"] == pytest.approx(1500)
        assert tasmota.power_set(False) == {"POWER": "OFF"}
        assert drawn_w(plant) == 0


def test_the_victron_sdk_reads_a_gx(home01: Site) -> None:
    pytest.importorskip("pyModbusTCP", reason=WHY)
    others = pytest.importorskip("victron", reason=WHY)
    with behind(home01, "victron-ess", "modbus-tcp", 227) as (plant, port):
        gx = others.Victron("127.0.0.1", port, 100)
        twin = plant.twins["plug"]
        live = twin.live()
        assert gx.getSoc() == pytest.approx(live["battery_soc_pct"], abs=1)
        assert gx.get_min_ess_soc() == pytest.approx(twin.value(twin.point_map.point("minimum_soc"), live), abs=0.1)
        assert gx.getPower() == pytest.approx(twin.value(twin.point_map.point("grid_l1"), live), abs=1)
