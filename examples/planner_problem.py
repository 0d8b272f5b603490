"""A planning problem from Python: a home with PV, a battery and a car, six quarter-hours long.

python examples/planner_problem.py
"""

from datetime import UTC, datetime

import numpy as np

from ems_pipeline.plan import Problem, device_rows, slot_rows, solve, verify
from ems_pipeline.plan.problem import BatteryStore, ChargingSession, GridLimits, PvSource

SLOTS = 6
home = Problem(
    site="example",
    currency="EUR",
    start_at=datetime(2026, 6, 1, 10, tzinfo=UTC),
    buy_per_kwh=np.array([0.30, 0.30, 0.12, 0.12, 0.45, 0.45]),
    sell_per_kwh=np.full(SLOTS, 0.08),
    load_w=np.full(SLOTS, 600.0),
    grid=GridLimits(import_limit_w=np.full(SLOTS, 11_000.0), export_limit_w=np.full(SLOTS, 10_000.0)),
    pv=(PvSource("roof", available_w=np.array([2000.0, 1500.0, 800.0, 400.0, 100.0, 0.0])),),
    batteries=(
        BatteryStore(
            "pack",
            capacity_wh=5000.0,
            charge_limit_w=3000.0,
            discharge_limit_w=3000.0,
            charge_efficiency=0.95,
            discharge_efficiency=0.95,
            floor_wh=500.0,
            ceiling_wh=5000.0,
            initial_wh=1000.0,
        ),
    ),
    sessions=(
        ChargingSession(
            "car", charger="wallbox", first=0, end=4, energy_wh=2000.0, min_w=1380.0, max_w=3680.0, phases=1
        ),
    ),
)

plan = solve(home)
faults = "; ".join(str(fault) for fault in verify(home, plan)) or "nothing"
print(f"{plan.status}: {plan.objective:.4f} {home.currency}; what the second opinion found: {faults}")
for row in slot_rows(plan).iter_rows(named=True):
    print(f"{row['starts_at']:%H:%M}  grid {row['grid_w']:7.0f} W  battery {row['battery_w']:7.0f} W  {row['reason']}")
told = device_rows(plan).filter(asset_key="pack").select("starts_at", "mode", "limits")
print(told)
