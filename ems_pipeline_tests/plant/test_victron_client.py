"""A public client, that of Home Assistant's integration, against the twin of a GX. It is in no lock of ours:

python -m pip install --target /tmp/vendor victron-mqtt==2026.10.1
PYTHONPATH=/tmp/vendor python -m pytest ems_pipeline_tests/plant/test_victron_client.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ems_pipeline.plant import Plant, running_plant
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.mosquitto import needed
from ems_pipeline_tests.plant.conftest import EVENING

victron_mqtt = pytest.importorskip("victron_mqtt", reason="the public client is not installed; see the docstring")
GX = Gateway(key="gx", transport="victron-mqtt", host="127.0.0.1", port=1883, portal="c0619ab1cafe")


@pytest.fixture
def plant(home01: Site) -> Iterator[Plant]:
    needed()
    own = Device(key="own", map="victron-ess-mqtt", gateway="gx")
    packs = tuple(b.model_copy(update={"device": "own"}) for b in home01.batteries)
    changed = {"gateways": (*home01.gateways, GX), "devices": (*home01.devices, own), "batteries": packs}
    with running_plant(home01.model_copy(update=changed), SimulatedClock(EVENING), seed=3, history_days=0) as found:
        yield found


def test_it_finds_the_gx_reads_it_and_steers_it_as_a_real_one(plant: Plant) -> None:
    port = plant.gxs["gx"].broker.port

    async def work() -> dict[str, Any]:
        hub = victron_mqtt.Hub("127.0.0.1", port, None, None, False, operation_mode=victron_mqtt.OperationMode.FULL)
        await hub.connect()
        try:
            await hub.wait_for_first_refresh()
            assert hub.installation_id == GX.portal
            metrics = {m.short_id: m for device in hub.devices.values() for m in device.metrics}
            mode = metrics["system_ess_mode"]
            mode.set(next(one for one in type(mode.value) if one.code == 3))
            metrics["vebus_ac_power_setpoint_l1"].set(-1500)
            for _ in range(200):
                if plant.twins["own"].held["setpoint_l1"] == 1500:
                    break
                await asyncio.sleep(0.01)
            return {m.short_id: m.value for device in hub.devices.values() for m in device.metrics}
        finally:
            await hub.disconnect()

    said = asyncio.run(work())
    cells = plant.world.hybrids["own"].cells
    assert cells is not None
    assert said["system_dc_battery_soc"] == pytest.approx(cells.soc_pct, abs=0.1)
    assert plant.twins["own"].held["ess_mode"] == 3
    assert plant.twins["own"].held["setpoint_l1"] == 1500, "as it counts: below 0 discharges"
    assert plant.world.hybrids["own"].order.power_w == 1500
