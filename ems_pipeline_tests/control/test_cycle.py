"""Control over the virtual plant: what the plan says arrives in the registers, and only with both opt-ins."""

from __future__ import annotations

from ems_pipeline_tests.control.conftest import Bench

CHARGE = ("pack", "battery", "charge", -3000.0, {"charge_limit_w": 3000, "target_soc_pct": 80})
CAR = ("car-1", "charger", "charge", 6900.0, {"current_a": 10, "phases": 3})
WARM = ("heating", "heat-pump", "recommended", 2000.0, {})


def test_a_plan_arrives_in_every_device(home: Bench) -> None:
    home.plan(CHARGE, CAR, WARM)
    outcomes = home.control()
    assert {d: o.state for d, o in outcomes.items()} == {
        "inverter": "echoed", "wallbox-1": "echoed", "heat-pump": "echoed", "loxone": "echoed",
    }, outcomes  # fmt: skip
    inverter = home.held("inverter")
    assert inverter["grid_charge_enable"] == 1
    assert inverter["slot1_soc"] == 80
    assert home.held("wallbox-1")["current_limit"] == 10
    assert home.held("heat-pump")["flow_setpoint"] == 40  # 38 °C and 2 K
    assert home.held("loxone")["ems_permission"] == 1
