"""What a wish for a generating set would cost against the plan: by hand, and by the laws that any price has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.sites import Genset
from ems_pipeline.web import preview, preview_genset
from ems_pipeline_tests.web.test_preview import HOUR, NOON, wanted

SET: dict[str, Any] = {
    "key": "gas", "device": "gas", "min_power_w": 50_000, "max_power_w": 100_000, "fuel_per_kwh": 2.0,
    "idle_fuel_per_h": 12.0, "service_cost_per_h": 8.0, "start_cost": 30.0,
}  # fmt: skip
"""An hour of turning costs 20, a kWh 2, a start 30."""
DAY = NOON.date()


def slots(powers_kw: Sequence[float | None], load_kw: float = 200.0) -> list[dict[str, Any]]:
    """Quarter-hours from an hour before noon: the set's power (None: it stands), a kWh bought at 5 and sold at 1."""
    return [
        {
            "starts_at": NOON - HOUR + n * time_grid.SLOT, "grid_kw": load_kw - (power_kw or 0.0), "buy_per_kwh": "5",
            "sell_per_kwh": "1",
            "assets": [{"asset": "gas", "power_kw": power_kw or 0.0, "mode": "off" if power_kw is None else "run"}],
        }
        for n, power_kw in enumerate(powers_kw)
    ]  # fmt: skip


def effect(planned: list[dict[str, Any]], wish: preview.Wanted, **changed: Any) -> preview.Effect:
    parts = preview.parts(planned, wish)
    assert parts is not None
    found = preview_genset.of_genset(Genset.model_validate(SET | changed), planned, parts, wish, DAY)
    assert found is not None
    return found


def test_an_hour_of_running_costs_fuel_and_a_start_less_the_energy_it_replaces() -> None:
    # 80 kWh: 160 of fuel, an hour at 20, a start at 30; not bought at 5: 400
    found = effect(slots([None] * 12), wanted("gas", "run", power_w=80_000))
    assert (found.cost, found.grid_kwh, found.engine_cost) == pytest.approx((210 - 400, -80.0, 210.0))


def test_what_is_beyond_the_load_is_sold() -> None:
    # 80 kWh: 30 not bought at 5, 50 sold at 1
    found = effect(slots([None] * 12, load_kw=30.0), wanted("gas", "run", power_w=80_000))
    assert found.cost == pytest.approx(210 - 150 - 50)


def test_without_a_power_it_gives_its_least_and_never_more_than_its_most() -> None:
    planned = slots([None] * 12)
    assert effect(planned, wanted("gas", "run")).grid_kwh == pytest.approx(-50.0)
    assert effect(planned, wanted("gas", "run", power_w=900_000)).grid_kwh == pytest.approx(-100.0)
    assert effect(planned, wanted("gas", "run", power_w=80_000), locked_out=True) == preview.Effect(0.0, 0.0)


def test_a_start_pays_for_lead_and_cool_down_and_warming_up_gives_nothing() -> None:
    # six minutes more at 20 an hour; of the hour 30 minutes are without load: 40 kWh at 2, not bought at 5
    found = effect(
        slots([None] * 12), wanted("gas", "run", power_w=80_000), lead_s=120, cool_down_s=240, warm_up_minutes=30
    )
    assert (found.cost, found.grid_kwh) == pytest.approx((80 + 20 + 2 + 30 - 200, -40.0))


def test_a_run_that_is_lengthened_needs_no_start_and_one_that_is_cut_in_two_needs_another() -> None:
    # an hour of 80 kW just after one that is planned; then an hour off in the middle of three
    longer = effect(slots([80.0] * 4 + [None] * 8), wanted("gas", "run", power_w=80_000))
    assert longer.cost == pytest.approx(160 + 20 - 400)
    cut = effect(slots([80.0] * 12), wanted("gas", "off"))
    assert cut.cost == pytest.approx(400 - 160 - 20 + 30)


def test_a_planned_run_that_is_called_off_saves_its_start() -> None:
    found = effect(slots([None] * 4 + [80.0] * 4 + [None] * 4), wanted("gas", "off"))
    assert (found.cost, found.grid_kwh) == pytest.approx((400 - 210, 80.0))


def test_a_wish_within_quarter_hours_counts_its_minutes() -> None:
    # 20 minutes at 60 kW: 20 kWh
    found = effect(slots([None] * 12), wanted("gas", "run", timedelta(minutes=20), power_w=60_000))
    assert found.cost == pytest.approx(40 + 20 / 3 + 30 - 100)


@given(powers=st.lists(st.none() | st.just(80.0), min_size=5, max_size=5), load_kw=st.floats(0, 200))
def test_a_wish_that_is_the_plan_costs_nothing(powers: list[float | None], load_kw: float) -> None:
    planned = slots([*[powers[0]] * 4, *[powers[1]] * 4, *powers[2:]], load_kw)
    wish = wanted("gas", "off") if powers[1] is None else wanted("gas", "run", power_w=80_000)
    assert effect(planned, wish).cost == pytest.approx(0.0, abs=1e-9)


def test_a_run_that_still_warms_up_by_the_plan_does_so_by_the_wish() -> None:
    planned = slots([None] * 3 + [0.0] + [0.0, 80.0, 80.0, 80.0] + [None] * 4)
    found = effect(planned, wanted("gas", "run", power_w=80_000), warm_up_minutes=30)
    assert found.cost == pytest.approx(0.0, abs=1e-9)


def test_gas_without_a_price_is_not_guessed() -> None:
    gas = {"prices": [{"valid_from": "2030-01-01", "per_m3": 19.0}]}
    unpriced = {k: v for k, v in SET.items() if k not in ("fuel_per_kwh", "idle_fuel_per_h")} | {"fuel": gas}
    planned, wish = slots([None] * 12), wanted("gas", "run")
    parts = preview.parts(planned, wish) or []
    assert preview_genset.of_genset(Genset.model_validate(unpriced), planned, parts, wish, DAY) is None
