"""Random small planning problems inside physical limits, with prices of any sign: one seed, one problem."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
from hypothesis import strategies as st

from ems_pipeline.plan.problem import (
    BatteryStore,
    ChargeBand,
    ChargingSession,
    DeferrableRun,
    DemandEvent,
    Fuse,
    GensetUnit,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    HybridInverter,
    PowerStep,
    Problem,
    PvSource,
    Taper,
    Window,
)

START = datetime(2026, 3, 24, 12, tzinfo=UTC)


@st.composite
def problems(draw, slots: int = 14) -> Problem:
    """Any mix of devices; prices between -0.4 and 0.6 per kWh, the selling price sometimes above the buying price."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    has = {
        name: draw(st.booleans())
        for name in (
            "pv",
            "battery",
            "second",
            "hybrid",
            "car",
            "pump",
            "stiff",
            "genset",
            "machine",
            "tank",
            "contract",
            "steps",
            "bands",
        )
    }
    buy = rng.uniform(-0.4, 0.6, slots)
    spread = draw(st.sampled_from([0.0, 0.15, -0.1]))
    pv = [PvSource("roof", rng.uniform(0, 6000, slots) * (rng.random(slots) > 0.4))] if has["pv"] else []
    if has["stiff"]:
        pv.append(PvSource("balcony", rng.uniform(0, 800, slots), curtailable=False))
    batteries = [battery("pack", rng, has["steps"], has["bands"])] if has["battery"] else []
    batteries += [battery("second", rng)] if has["second"] else []
    inverters = [HybridInverter("hybrid", 5000.0, ("roof",), ("pack",))] if has["hybrid"] else []
    return Problem(
        site="random",
        currency="EUR",
        start_at=START,
        buy_per_kwh=buy,
        sell_per_kwh=buy - spread,
        load_w=rng.uniform(100, 3000, slots),
        grid=grid(slots, draw(st.sampled_from([0.0, 3000.0, 9000.0])), has["contract"]),
        pv=tuple(pv),
        batteries=tuple(batteries),
        inverters=tuple(inverters),
        sessions=(session(rng, slots),) if has["car"] else (),
        heat_pumps=(heat_pump(rng, slots, has["tank"]),) if has["pump"] else (),
        deferrables=(DeferrableRun("washing", rng.uniform(500, 2000, 4), 2, int(rng.integers(5, slots)), 0.5),)
        if has["machine"]
        else (),
        gensets=(genset(rng),) if has["genset"] else (),
        fuses=(Fuse("garage", 5000.0, ("box",)),) if has["car"] else (),
        day_breaks=(slots // 2,),
    )


def grid(slots: int, export_limit_w: float, contract: bool) -> GridLimits:
    """The meter; with a contract, the month's peak costs and two events limit or pay."""
    import_w, export_w = np.full(slots, 9000.0), np.full(slots, export_limit_w)
    if not contract:
        return GridLimits(import_w, export_w)
    firm = DemandEvent("firm", 3, 6, limit_w=1500.0)
    paid = DemandEvent("paid", 8, 11, baseline_w=2500.0, price_per_kwh=0.8)
    return GridLimits(import_w, export_w, peak_price_per_kw=0.4, peak_so_far_w=2000.0, events=(firm, paid))


def genset(rng: np.random.Generator) -> GensetUnit:
    """A small diesel set with a warm-up, quiet hours, few starts and few hours left; half of them run."""
    return GensetUnit(
        "diesel", 1500.0, 5000.0, rng.uniform(0.05, 0.4), 0.1, 0.1, int(rng.integers(1, 5)), int(rng.integers(1, 4)),
        int(rng.integers(0, 3)), starts_per_day=1, run_hours_left=rng.uniform(0.2, 4), blocked=quiet(rng),
        was_on=bool(rng.random() < 0.5), state_slots=lately(rng), starts_before=int(rng.integers(0, 3)),
    )  # fmt: skip


def quiet(rng: np.random.Generator) -> tuple[Window, ...]:
    """The last two slots, sometimes the second as well."""
    return (Window(1, 2), Window(12, 14)) if rng.random() < 0.2 else (Window(12, 14),)


def lately(rng: np.random.Generator) -> int | None:
    """How long a machine has been on or off: unknown, just now, some slots."""
    return None if rng.random() < 0.4 else int(rng.integers(0, 4))


def battery(key: str, rng: np.random.Generator, stepped: bool = False, banded: bool = False) -> BatteryStore:
    """5 to 15 kWh; a third of them start outside their window. Steps of power win over bands of charge."""
    capacity = rng.uniform(5000, 15000)
    return BatteryStore(
        key, capacity, rng.uniform(2000, 6000), rng.uniform(2000, 6000), 0.95, 0.94, 0.15 * capacity, 0.95 * capacity,
        float(rng.choice([0.05, 0.5, 1.0])) * capacity, wear_per_kwh=float(rng.choice([0.0, 0.02])),
        end_value_per_kwh=rng.uniform(0, 0.3), outside_price_per_kwh=1.0,
        steps=(PowerStep(1000.0, 0.8, 0.85), PowerStep(8000.0, 0.97, 0.96)) if stepped else (),
        bands=bands(capacity, rng) if banded and not stepped else (),
        tapers=(Taper(0.8 * capacity, 2000.0, 0.8),) if stepped and capacity * 0.15 * 0.8 <= 2000 else (),
    )  # fmt: skip


def bands(capacity_wh: float, rng: np.random.Generator) -> tuple[ChargeBand, ...]:
    """Three bands of any order; one edge is where some of the batteries start."""
    pairs = rng.uniform(0.8, 1.0, (3, 2)).tolist()
    edges = (0.3 * capacity_wh, 0.5 * capacity_wh, capacity_wh)
    return tuple(ChargeBand(edge, *pair) for edge, pair in zip(edges, pairs, strict=True))


def session(rng: np.random.Generator, slots: int) -> ChargingSession:
    """A three-phase car for a part of the horizon; sometimes wanting more than it can get."""
    first = int(rng.integers(0, slots - 4))
    end = int(rng.integers(first + 1, slots + 1))
    return ChargingSession("car", "box", first, end, rng.uniform(300, 15000), 4140.0, 6000.0, unmet_price_per_kwh=3.0)


def heat_pump(rng: np.random.Generator, slots: int, with_tank: bool) -> HeatPumpUnit:
    """A small house on a cold day; sometimes starting outside its comfort band."""
    start_c = float(rng.choice([18.0, 21.0, 22.4, 24.0]))
    store = HeatStore(
        "house", 180.0, 6000.0, rng.uniform(-8, 10, slots), np.zeros(slots), start_c, 20.0, 22.5,
        outside_price_per_kh=2.0, end_value_per_k=0.2,
    )  # fmt: skip
    run, pause = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    cop = rng.uniform(2.5, 4.5, slots)
    was_on = bool(rng.random() < 0.5)
    unit = HeatPumpUnit("pump", 900.0, 3000.0, cop, store, run, pause, was_on, lately(rng))
    if not with_tank:
        return unit
    draw_w = -rng.uniform(0, 1500, slots) * (rng.random(slots) > 0.7)
    tank = HeatStore("tank", 3.0, 230.0, np.full(slots, 20.0), draw_w, float(rng.choice([40.0, 50.0])), 42.0, 58.0, 0.5)
    return dataclasses.replace(unit, tank=tank, tank_cop=0.7 * cop)
