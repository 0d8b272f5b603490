"""A fleet is planned as one battery, its rows are its batteries', and a Tempo winter is worth what colours allow."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from benchmarks import tempo_winter
from ems_pipeline import time_grid
from ems_pipeline.plan import PlanInputs, SiteState, as_one, assemble, device_rows, of_members, solve, verify
from ems_pipeline.sites import Site, load_site
from ems_pipeline_tests.conftest import ROOT

EVE = datetime(2026, 1, 18, 21, tzinfo=UTC)
"""22:00 in Paris: the low hours of a blue day's end, a red day to come."""
SOC = {"pack": 50.0, "venus-1": 20.0, "venus-2": 40.0, "venus-3": 60.0}
VENUS = ("venus-1", "venus-2", "venus-3")


@pytest.fixture(scope="module")
def maison() -> Site:
    return load_site(ROOT / "examples" / "maison.yaml")


def inputs(site: Site, slots: int = 96) -> PlanInputs:
    """A red day that begins at six: cheap until then, dear until 22:00."""
    starts = time_grid.slots(EVE, EVE + slots * time_grid.SLOT)
    paris = time_grid.zone("Europe/Paris")
    dear = np.array([6 <= at.astimezone(paris).hour < 22 for at in starts])
    return PlanInputs(
        starts=starts, buy_per_kwh=np.where(dear, 0.706, 0.1575), sell_per_kwh=np.zeros(slots),
        load_w=np.full(slots, 900.0), pv_w={a.key: np.zeros(slots) for a in site.pv}, outdoor_c=None, sessions=(),
        state=SiteState(at=EVE, soc_pct=SOC), previous_w={key: np.full(8, 100.0) for key in VENUS},
    )  # fmt: skip


def test_the_planner_sees_one_battery_with_all_they_hold(maison: Site) -> None:
    site, known = as_one(maison, inputs(maison))
    assert [b.key for b in site.batteries] == ["pack", "venus"]
    assert known.state.soc_pct == {"pack": 50.0, "venus": pytest.approx(40.0)}
    assert list(known.previous_w["venus"]) == [300.0] * 8
    assert as_one(maison.model_copy(update={"fleets": ()}), inputs(maison))[0].batteries == maison.batteries


@pytest.mark.parametrize("soc_pct", [dict.fromkeys(VENUS, 40.0), {key: SOC[key] for key in VENUS}])
def test_rows_of_the_batteries_add_up_to_the_fleets_and_none_goes_the_other_way(
    maison: Site, soc_pct: dict[str, float]
) -> None:
    """Where one is full before the others, what the whole could still take is more than the rest can."""
    held = SOC | soc_pct
    known = inputs(maison)
    known = dataclasses.replace(known, state=dataclasses.replace(known.state, soc_pct=held))
    plan = solve(assemble(*as_one(maison, known)), resolved_slots=0)
    assert verify(plan.problem, plan) == []
    whole = device_rows(plan)
    rows = of_members(whole, maison, held)
    assert set(rows["asset_key"].unique()) == {"pack", "roof", *VENUS}
    fleet = whole.filter(pl.col("asset_key") == "venus").sort("starts_at")["power_w"].to_numpy()
    parts = np.stack([rows.filter(pl.col("asset_key") == k).sort("starts_at")["power_w"].to_numpy() for k in VENUS])
    together = parts.sum(axis=0)
    assert (np.abs(together) <= np.abs(fleet) + 0.2).all()
    short_w = np.abs(together - fleet)
    assert (short_w > 1).sum() == (0 if len(set(soc_pct.values())) == 1 else 4)
    assert (parts.min(axis=0) * parts.max(axis=0) >= 0).all()
    assert parts.max() <= 800 + 1e-6
    states = np.stack([rows.filter(pl.col("asset_key") == k).sort("starts_at")["state"].to_numpy() for k in VENUS])
    assert np.ptp(states[:, -1]) < 0.5  # they are empty together in the end
    told = [json.loads(text) for text in rows.filter(pl.col("asset_key") == "venus-1")["limits"]]
    assert all(limits.get("discharge_limit_w", 0) <= 800 for limits in told)


def test_five_days_of_winter_with_red_ones_are_cheaper_planned_than_by_the_batteries_own_logic(maison: Site) -> None:
    """3.4 red days: three batteries of 13.5 kWh between reserve and full save at most 13.5 x 0.92 x 0.706 a red day."""
    figures = tempo_winter.lived(tempo_winter.homes()["three Venus"], date(2026, 1, 3), 5, seed=1)
    assert figures["broken_laws"] == 0
    assert figures["cost_planned"] < figures["cost_own"] <= figures["cost_none"]
    usable_kwh = 0.88 * 15.36 * 0.92
    assert figures["red_none"] - figures["red_planned"] <= 4 * usable_kwh * 0.706
    assert figures["red_planned"] < 0.6 * figures["red_own"]
