"""What holds of batteries and fuses at some hours, a band that spares a battery, wear by direction; hand-computed."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from ems_pipeline.plan import assemble
from ems_pipeline.plan.problem import Fuse, KeptWithin
from ems_pipeline.plan.wording.modes import device_decisions
from ems_pipeline.sites import Battery, FuseGroup, Site
from ems_pipeline.sites.timed import in_slot
from ems_pipeline_tests.plan.small import battery, car, house, planned

CHEAP_THEN_DEAR = [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5]
EMPTY = {"initial_wh": 0.0}


def stored(store: Any, load_w: float = 4000.0) -> Any:
    return planned(house(CHEAP_THEN_DEAR, load_w, sell=0.0, batteries=(store,)))


def test_less_power_in_some_slots() -> None:
    """4 kWh of the dear hour come from the cells; where two quarter-hours let 1 kW out, 1.5 kWh are bought."""
    free = stored(battery(**EMPTY))
    slow = np.where(np.arange(8) < 6, 5000.0, 1000.0)
    bound = stored(battery(**EMPTY, discharge_most_w=slow))
    assert free.objective == pytest.approx(8.0 * 0.1)
    assert bound.objective == pytest.approx(6.5 * 0.1 + 1.5 * 0.5)
    assert bound.discharge_w[0, 6:].max() <= 1000.0 + 1e-6


def test_a_reserve_of_some_hours_is_there_when_they_begin_and_stays() -> None:
    """Of the 5 kWh that fit into the cheap hour 3 are kept, and told to a battery that follows; 2 are bought dear."""
    kept = KeptWithin(3, 8, 3000.0, 10_000.0, 1000.0)
    plan = stored(battery(**EMPTY, kept_within=(kept,)))
    assert plan.energy_wh[0, 3:].min() >= 3000.0 - 1e-3
    assert plan.objective == pytest.approx((4.0 + 5.0) * 0.1 + 2.0 * 0.5)
    assert plan.unmet == ()
    limits = [d.wish.limits.target_soc_pct for d in device_decisions(plan) if d.key == "pack" and d.slot >= 5]
    assert 30.0 in limits
    late = stored(battery(**EMPTY, charge_limit_w=1000.0, kept_within=(kept,)))
    assert [u.what for u in late.unmet] == ["below its reserve"]


def test_a_band_that_spares_a_battery_is_left_where_it_pays() -> None:
    """Above 2 kWh a kWh and hour costs 0.40: more is stored where it stays for less than the 0.40 a kWh earns."""
    band = KeptWithin(0, 8, 0.0, 2000.0, 0.4)
    dear, none = (dataclasses.replace(band, price_per_kwh=price) for price in (10.0, 0.0))
    held = [stored(battery(**EMPTY, kept_within=(one,))) for one in (none, band, dear)]
    highest = [plan.energy_wh[0].max() for plan in held]
    assert highest[0] == pytest.approx(4000.0)
    assert highest[2] == pytest.approx(2000.0, abs=1.0)
    assert highest[2] <= highest[1] <= highest[0]
    cost = [plan.objective for plan in held]
    assert cost == sorted(cost)


def test_wear_of_each_direction_is_its_own() -> None:
    """A kWh gains 0.40; 0.15 in and 0.20 out leave 0.05, 0.25 out would lose 0.00 and more."""
    pays = stored(battery(**EMPTY, wear_per_kwh=0.15, discharge_wear_per_kwh=0.20))
    assert pays.objective == pytest.approx(8.0 * 0.1 + 4.0 * 0.35)
    worn = stored(battery(**EMPTY, wear_per_kwh=0.15, discharge_wear_per_kwh=0.30))
    assert worn.charge_w.max() <= 1e-6


def test_a_fuse_carries_less_at_some_hours() -> None:
    wish = car(0, 4, 11_040.0)
    fuse = Fuse("garage", 11_040.0, ("box",), np.array([11_040.0, 5000.0, 5000.0, 11_040.0]))
    plan = planned(house([0.3] * 4, 0.0, sessions=(wish,), fuses=(fuse,)))
    assert plan.session_w[0].tolist() == pytest.approx([11_040.0, 5000.0, 5000.0, 11_040.0])


@pytest.mark.parametrize("field", ["charge_most_w", "discharge_most_w"])
def test_a_looser_limit_of_some_hours_never_costs_more(field: str) -> None:
    cost = [stored(battery(**EMPTY, **{field: np.full(8, w)})).objective for w in (0.0, 700.0, 2000.0, 5000.0)]
    assert cost == sorted(cost, reverse=True)
    assert cost[0] > cost[-1]


def test_hours_of_the_site_file_become_slots_of_the_problem_and_the_site_that_is_steered(
    home: Site, day_inputs: Any
) -> None:
    """14:00 to 15:00 in Prague are slots 4 to 7 of a horizon that begins at 12:00 UTC (13:00)."""
    hours = {"start": "14:00", "end": "15:00"}
    terms = [hours | {"discharge_limit_w": 2000, "reserve_soc_pct": 60}]
    pack = Battery.model_validate(home.batteries[0].model_dump() | {"at_times": terms})
    fuse = FuseGroup.model_validate(
        {"key": "garage", "limit_w": 16_000, "chargers": ["car-1"], "at_times": [hours | {"limit_w": 6000}]}
    )
    site = home.model_copy(update={"batteries": (pack,), "fuses": (fuse,)})
    problem = assemble(site, day_inputs())
    (store,), (group,) = problem.batteries, problem.fuses
    assert (store.discharging_w(144)[3:9] == [8000, 2000, 2000, 2000, 2000, 8000]).all()
    assert (group.carries_w(144)[3:9] == [16_000, 6000, 6000, 6000, 6000, 16_000]).all()
    assert [(k.first, k.end, k.low_wh / store.capacity_wh) for k in store.kept_within] == [(4, 8, 0.6), (100, 104, 0.6)]
    then = in_slot(site, datetime(2026, 3, 24, 13, 30, tzinfo=UTC))
    assert (then.batteries[0].discharge_limit_w, then.batteries[0].reserve_soc_pct) == (2000, 60)
    assert then.fuses[0].limit_w == 6000
    assert in_slot(site, datetime(2026, 3, 24, 14, tzinfo=UTC)).batteries[0].discharge_limit_w == 8000
