"""Random plans, overrides, faults and opt-ins on the closed loop: the laws hold whatever happens."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from ems_pipeline.control import lifecycle
from ems_pipeline.plant.faults import FAULTS, Fault
from ems_pipeline.warehouse import arming, overrides
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench

QUICK = sorted(set(FAULTS) - {"slow", "half-open"})
"""Faults that do not cost a timeout per request."""
SLOTS = 6
WISHES: list[tuple[str, str, dict[str, float]]] = [
    ("pack", "discharge", {"discharge_limit_w": 90_000}),
    ("car-1", "charge", {"current_a": 32}),
]


def wild_plan(rng: random.Random) -> list[Row]:
    """Rows a broken planner might make: any mode with any limits, far beyond what the site can do."""
    battery = rng.choice(["self-use", "hold", "charge", "discharge"])
    limits = {
        k: rng.uniform(0, 30_000)
        for k in ("charge_limit_w", "discharge_limit_w", "export_limit_w")
        if rng.random() < 0.7
    }
    rows: list[Row] = [
        ("pack", "battery", battery, rng.uniform(-9e3, 9e3), limits | {"target_soc_pct": rng.uniform(0, 100)})
    ]
    for car, phases in (("car-1", 3), ("car-2", 1)):
        rows.append(
            (car, "charger", rng.choice(["off", "charge"]), 0.0, {"current_a": rng.uniform(0, 60), "phases": phases})
        )
    rows.append(("heating", "heat-pump", rng.choice(["blocked", "normal", "recommended", "forced"]), 0.0, {}))
    rows.append(("roof-south", "pv", "curtail", 0.0, {"pv_limit_w": rng.uniform(0, 20_000)}))
    return rng.sample(rows, rng.randint(1, len(rows)))


def assert_inside_the_envelope(home: Bench, written: list[tuple[str, str, float]]) -> None:
    for device, point, value in written:
        match device, point:
            case (("wallbox-1" | "wallbox-2"), "current_limit"):
                assert value == 0 or 6 <= value <= 16
            case "inverter", ("max_charge_current" | "max_discharge_current" | "grid_charge_current"):
                assert value * 300 <= 8000, "8 kW at the lowest voltage of the pack"
            case "inverter", "max_sell_power":
                assert value <= home.site.grid.export_limit_w
            case "inverter", "max_solar_power":
                assert value <= 9600
            case "inverter", str(name) if name.endswith("_soc"):
                assert 10 <= value <= 100
            case "heat-pump", "flow_setpoint":
                assert 15 <= value <= 38 + 7


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_laws_hold_whatever_happens(home: Bench, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(SLOTS):
        now = home.clock.now()
        is_armed = rng.random() < 0.8
        with home.warehouse.begin() as connection:
            (arming.arm if is_armed else arming.disarm)(connection, "home01", now, "fuzz")
            if rng.random() < 0.3:
                wish = rng.choice(WISHES)
                overrides.add(
                    connection, "home01", *wish, now, now + timedelta(minutes=rng.randint(1, 40)), "fuzz", now
                )
        if rng.random() < 0.8:
            home.plan(*wild_plan(rng))
        if rng.random() < 0.6:
            kind = rng.choice(QUICK)
            home.plant.inject(
                Fault(
                    kind,
                    rng.choice(
                        ["rs485-heat"] if FAULTS[kind].where == "line" else ["inverter", "wallbox-1", "heat-pump"]
                    ),
                )
            )
        steered_before = home.steered()
        before = len(home.written)
        home.control()
        if not is_armed and not steered_before:
            assert home.written[before:] == [], "no write without both opt-ins"
        for _ in range(3):
            home.advance(minutes=4)
            home.verify()
        if rng.random() < 0.5:
            home.plant.clear()
        home.advance(minutes=3)
    home.plant.clear()
    for _ in range(3):
        home.advance(minutes=15)
        home.verify()
    assert_inside_the_envelope(home, home.written)
    with home.warehouse.begin() as connection:
        states = query(connection, "SELECT DISTINCT state FROM ems.setpoint")["state"].to_list()
    assert set(states) <= lifecycle.ENDS, "every set-point ends"
    assert home.steered() == set(), "and everything was handed back"
