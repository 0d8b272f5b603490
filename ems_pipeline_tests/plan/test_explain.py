"""What a plan says about itself: marginal values, binding limits, alternatives, conflicts; the calm of stage 2."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from ems_pipeline.cli import app
from ems_pipeline.plan import Plan, Problem, Violation, device_rows, slot_rows, solve
from ems_pipeline.plan.problem import (
    BatteryStore,
    GridLimits,
    HeatPumpUnit,
    HeatStore,
    PreviousPower,
)
from ems_pipeline.plan.solving import search
from ems_pipeline.plan.wording.explain import narrative, picture
from ems_pipeline_tests.plan.random_sites import START


def site(buy: list[float], load_w: float = 1000.0, sell: float = 0.05, **battery: float) -> Problem:
    """One battery, no PV, a price per slot."""
    n = len(buy)
    store = BatteryStore("pack", 4000.0, 2000.0, 2000.0, 0.9, 0.9, 0.0, 4000.0, 2000.0)
    return Problem(
        site="small",
        currency="EUR",
        start_at=START,
        buy_per_kwh=np.array(buy),
        sell_per_kwh=np.full(n, sell),
        load_w=np.full(n, load_w),
        grid=GridLimits(np.full(n, 9000.0), np.full(n, 9000.0)),
        batteries=(dataclasses.replace(store, **battery),),
    )


def test_stored_energy_is_worth_the_price_it_replaces_less_the_loss() -> None:
    plan = solve(site([0.20, 0.20, 0.50, 0.50], initial_wh=0.0, charge_limit_w=200.0))
    assert plan.marginals is not None
    # A kWh in the cells gives 0.9 kWh at 0.50; at the meter a kWh costs what is paid there.
    assert plan.marginals.stored_per_kwh[0][1] == pytest.approx(0.45)
    assert plan.marginals.meter_per_kwh == pytest.approx([0.20, 0.20, 0.50, 0.50])
    assert plan.marginals.binding[0] == "pack charge at most"


def test_each_row_of_a_store_says_what_a_kwh_more_in_it_is_worth() -> None:
    """Cells as above; a kWh of heat saves a third of a kWh at 0.30 with a COP of 3 (hardly a leak)."""
    battery = device_rows(solve(site([0.20, 0.20, 0.50, 0.50], initial_wh=0.0, charge_limit_w=200.0)))
    assert battery["stored_value_per_kwh"][1] == pytest.approx(0.45)
    house = HeatStore("heating", 1.0, 5000.0, np.zeros(4), np.zeros(4), 20.0, 20.0, 22.0, 5.0)
    pump = HeatPumpUnit("heating", 0.0, 2000.0, np.full(4, 3.0), house)
    heated = device_rows(solve(dataclasses.replace(site([0.30] * 4), batteries=(), heat_pumps=(pump,))))
    assert heated["stored_value_per_kwh"].to_list() == pytest.approx([0.10] * 4, rel=2e-3)
    assert device_rows(solve(site([0.30]), stage2=False))["stored_value_per_kwh"].null_count() == 1


def test_the_next_best_action_costs_what_doing_it_by_hand_costs() -> None:
    plan = solve(site([0.50, 0.20], initial_wh=200.0))
    row = slot_rows(plan).row(0, named=True)
    # Self-use gives 180 Wh of the 250 Wh now; holding them would replace a kWh at 0.20 instead of 0.50 per kWh.
    assert row["mode"] == "self-use"
    assert row["next_best_cost"] == pytest.approx(0.18 * (0.50 - 0.20), rel=1e-3)
    assert row["reason"].endswith("To hold instead would cost 0.05 EUR more.")


def test_flat_prices_leave_the_battery_alone() -> None:
    plan = solve(site([0.30] * 8, end_value_per_kwh=0.30 / 0.9, initial_wh=2000.0))
    assert plan.charge_w.max() == plan.discharge_w.max() == pytest.approx(0.0, abs=1e-3)


def test_among_plans_of_equal_money_the_one_closest_to_the_last_is_taken() -> None:
    problem = site([0.50, 0.50, 0.50, 0.50], initial_wh=400.0)
    for slot in range(4):
        wanted_w = np.zeros(4)
        wanted_w[slot] = 1000.0
        plan = solve(dataclasses.replace(problem, previous=(PreviousPower("pack", wanted_w),)))
        assert int(np.argmax(plan.discharge_w[0])) == slot
        assert plan.discharge_w[0].sum() == pytest.approx(400 * 0.9 * 4, rel=1e-3)


def test_stage_two_never_gives_money_away() -> None:
    problem = site([0.1, 0.4, 0.2, 0.5, 0.1, 0.6], initial_wh=1000.0)
    first, second = solve(problem, stage2=False), solve(problem)
    assert second.objective == pytest.approx(first.objective, abs=1e-5)
    throughput = [float(p.charge_w.sum() + p.discharge_w.sum()) for p in (first, second)]
    assert throughput[1] <= throughput[0] + 1.0


def test_constraints_that_cannot_hold_together_are_named_with_their_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem has a plan; should a law be wrong and the rule be refused, the plan says what contradicts what."""
    build = search.building.build

    def contradicting(*args: Any) -> Any:
        built = build(*args)
        slots = np.array([1], dtype=np.int32)
        for name, low, high in (("at least", 1.0, np.inf), ("at most", -np.inf, 0.5)):
            built.model.add(built.model.rows(name, slots, low, high), built.meter.imported[1:2], 1.0)
        return built

    monkeypatch.setattr(search.building, "build", contradicting)
    monkeypatch.setattr(search, "verify", lambda *_: [Violation("refused", "grid", 0, 1.0, "W")])
    plan = solve(site([0.3] * 4))
    assert plan.status == "failed"
    assert set(plan.conflicts) >= {"at least in slot 1", "at most in slot 1"}
    assert slot_rows(plan).is_empty()
    assert device_rows(plan).is_empty()


def test_a_plan_stopped_by_time_is_feasible_with_what_is_proven(home, day_inputs) -> None:
    from ems_pipeline.plan import assemble

    plan = solve(assemble(home, day_inputs(36.0)), time_limit_s=0.25, stage2=False, gap=0.0)
    assert plan.status == "feasible"
    assert plan.gap is None or plan.gap > 0


def test_the_narrative_is_a_table_with_the_reasons() -> None:
    plan = solve(site([0.50, 0.20], initial_wh=200.0))
    console = Console(width=500, record=True, file=io.StringIO())
    console.print(narrative(plan))
    text = console.export_text()
    assert "To charge fully instead would cost 0.10 EUR more." in text
    assert "Tue 12:00" in text
    assert "every wish is met" in text


def test_the_picture_shows_prices_with_the_marginal_value_powers_and_charge() -> None:
    text = picture(solve(site([0.50, 0.20], initial_wh=200.0)))
    assert text.startswith("<svg")
    for name in ("buy", "sell", "marginal value", "grid", "battery", "soc"):
        assert f">{name}<" in text


def test_an_explained_plan_survives_json() -> None:
    plan = solve(site([0.50, 0.20, 0.4]))
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def test_a_plan_is_explained_on_a_screen_of_eighty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mode with its slots and its reason, in words that are not cut."""
    monkeypatch.setattr("ems_pipeline.cli.plan.console", Console(width=80))
    problem = site([0.1, 0.1, 0.5, 0.5])
    file = tmp_path / "problem.json"
    file.write_text(problem.to_json(), encoding="utf-8")
    shown = CliRunner().invoke(app, ["plan", "--problem", str(file), "--explain"])
    assert shown.exit_code == 0, shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    rows = slot_rows(solve(problem, resolved_slots=8))
    flowing = " ".join(shown.output.split())
    for mode, slots in rows["mode"].rle().struct.unnest().select("value", "len").rows():
        assert f"{mode}, {slots} slot" in flowing
    assert any(reason in flowing for reason in rows["reason"].unique())
