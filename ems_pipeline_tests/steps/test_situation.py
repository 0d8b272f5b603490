"""A plan is made on what was known and measured, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.plan import GridEvent, MachineState, Plan, assemble, device_rows, slot_rows, solve, verify
from ems_pipeline.sites import DailyWindow, DeferrableLoad, Genset, Site
from ems_pipeline.sites.goal import Goal, Source
from ems_pipeline.steps.known import STATE_AGE, read
from ems_pipeline.steps.situation import InputsMissing, Knowledge, LeftAlone, plan_inputs
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, events, forecasts, goals, market, plans, sites, telemetry
from ems_pipeline_tests.copies import metered
from ems_pipeline_tests.readings import answers

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
KNOWN = START - timedelta(hours=20)
SLOTS = 40
INSTANT = pl.Datetime("us", "UTC")


def over(slots: int, **columns: object) -> pl.DataFrame:
    starts = [START + SLOT * i for i in range(slots)]
    return pl.DataFrame({"starts_at": starts}, schema={"starts_at": INSTANT}).with_columns(
        **{name: pl.lit(value) for name, value in columns.items()}  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module", autouse=True)
def known(warehouse: Warehouse, home01: Site) -> None:
    """Prices and forecasts of ten hours, known since yesterday; the load one slot shorter than the rest."""
    price = over(
        SLOTS, site_key="home01", buy_per_kwh=5.0, sell_per_kwh=1.5, spot_per_kwh=2.0, currency="CZK",
        is_provisional=False, components="{}", known_at=KNOWN,
    ).with_columns(pl.col("known_at").cast(INSTANT))  # fmt: skip
    with warehouse.begin() as connection:
        sites.register(connection, [home01], KNOWN)
        market.add_effective_prices(connection, price, KNOWN)
        forecasts.issue(connection, "load_forecast", "home01", over(SLOTS - 1, power_w=450.0, model="t"), KNOWN)
        for array in home01.pv:
            frame = over(SLOTS, asset_key=array.key, power_w=800.0, model="t")
            forecasts.issue(connection, "pv_forecast", "home01", frame, KNOWN)
        heat = over(SLOTS, asset_key="heating", outdoor_c=8.0, heat_w=2000.0, cop=3.5, model="t")
        forecasts.issue(connection, "heat_demand_forecast", "home01", heat, KNOWN)


JUST_BEFORE = timedelta(seconds=1)


def measure(warehouse: Warehouse, at: datetime, **values: float | None) -> None:
    device = {"battery_soc_pct": "inverter", "indoor_temp_c": "heat-pump"}
    readings = [
        Reading(
            device.get(quantity, "wallbox-1"),
            quantity,
            "",
            value,
            at - JUST_BEFORE,
            at - JUST_BEFORE,
            Quality.GOOD if value is not None else Quality.NO_ANSWER,
        )
        for quantity, value in values.items()
    ]
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(("home01", reading) for reading in readings))


def inputs(warehouse: Warehouse, site: Site, at: datetime, start: datetime = START) -> Knowledge:
    with warehouse.begin() as connection:
        known = read(connection, [site], {site.key: start}, at)[site.key]
    return plan_inputs(known, site)


def test_a_state_nobody_measured_is_not_guessed(warehouse: Warehouse, home01: Site) -> None:
    with pytest.raises(InputsMissing, match=r"battery_soc_pct of \['pack'\] was not measured.*refused"):
        inputs(warehouse, home01, START - SLOT)


def test_a_device_that_fell_silent_is_believed_for_half_an_hour_and_no_longer(
    warehouse: Warehouse, home01: Site
) -> None:
    seen = START - timedelta(hours=5)
    measure(warehouse, seen, battery_soc_pct=61.0, indoor_temp_c=21.0)
    measure(warehouse, seen + timedelta(minutes=5), battery_soc_pct=None, indoor_temp_c=None)
    assert inputs(warehouse, home01, seen - JUST_BEFORE + STATE_AGE).inputs.state.soc_pct == {"pack": 61.0}
    with pytest.raises(InputsMissing, match="was not measured"):
        inputs(warehouse, home01, seen + STATE_AGE + timedelta(minutes=1))


def test_the_horizon_ends_where_the_first_input_ends(warehouse: Warehouse, home01: Site) -> None:
    at = START - timedelta(minutes=1)
    measure(warehouse, at, battery_soc_pct=40.0, indoor_temp_c=21.5)
    found = inputs(warehouse, home01, at)
    assert len(found.inputs.starts) == SLOTS - 1
    assert found.inputs.starts[0] == START
    assert found.provenance["known_at"]["effective_price"] == KNOWN.isoformat()


def test_an_input_that_was_not_known_then_is_named_with_its_remedy(warehouse: Warehouse, home01: Site) -> None:
    with pytest.raises(
        InputsMissing, match=r"effective_price of home01 is not known.*materialise effective_price first"
    ):
        inputs(warehouse, home01, KNOWN - SLOT)
    after = START + SLOT * (SLOTS - 1)
    with pytest.raises(InputsMissing, match="load_forecast of home01 is not known"):
        inputs(warehouse, home01, START, after)


def test_a_car_that_is_not_there_is_expected_and_one_that_is_there_is_planned_now(
    warehouse: Warehouse, home01: Site
) -> None:
    session = pl.DataFrame(
        {
            "asset_key": ["car-1"],
            "arrives_at": [START + timedelta(hours=2)],
            "departs_at": [START + timedelta(hours=8)],
            "energy_wh": [9000.0],
            "probability": [0.9],
            "model": ["t"],
        },
        schema_overrides={"arrives_at": INSTANT, "departs_at": INSTANT},
    )
    with warehouse.begin() as connection:
        forecasts.issue(connection, "ev_session_forecast", "home01", session, KNOWN)
    at = START - timedelta(seconds=30)
    measure(warehouse, at, battery_soc_pct=40.0, indoor_temp_c=21.5, ev_status=float(EvStatus.NOT_CONNECTED))
    (expected,) = inputs(warehouse, home01, at).inputs.sessions
    assert (expected.arrives_at, expected.energy_wh) == (START + timedelta(hours=2), 9000.0)
    measure(warehouse, START, ev_status=float(EvStatus.CHARGING), session_energy_wh=2500.0)
    (running,) = inputs(warehouse, home01, START).inputs.sessions
    assert running.arrives_at <= START
    assert running.energy_wh == pytest.approx(6500.0)


def test_a_goal_says_what_a_car_wants_and_when_it_leaves_and_stands_in_the_plans_inputs(
    warehouse: Warehouse, home01: Site
) -> None:
    """20 kWh in this stay, 2.5 of them given; gone in four hours. Before it was filed nothing is known of it."""
    at = START + timedelta(minutes=2)
    leaves = START + timedelta(hours=4)
    wanted = Goal("car-1", START, leaves, Source.SOLAR, 20_000.0, leaves)
    measure(warehouse, at, battery_soc_pct=40.0, indoor_temp_c=21.5)
    measure(warehouse, at, ev_status=float(EvStatus.CHARGING), session_energy_wh=2500.0)
    with warehouse.begin() as connection:
        number = goals.add(connection, "home01", wanted, "anna", at)
    found = inputs(warehouse, home01, at + timedelta(seconds=1), START + SLOT)
    (stay,) = [one for one in found.inputs.sessions if one.charger == "car-1"]
    assert (stay.energy_wh, stay.departs_at) == (17_500.0, leaves)
    assert [goal.goal_id for goal in found.inputs.goals] == found.provenance["goals"] == [number]
    assert found.provenance["known_at"]["asset_goal"] == at.isoformat()
    (car,) = [one for one in assemble(home01, found.inputs).sessions if one.charger == "car-1"]
    assert car.anywhere_w is not None
    assert car.anywhere_w[: car.end].max() == 0.0
    before = inputs(warehouse, home01, at - timedelta(seconds=1), START + SLOT)
    assert (before.inputs.goals, before.provenance["goals"]) == ((), [])
    assert "asset_goal" in before.provenance["known_at"]
    with warehouse.begin() as connection:
        goals.cancel(connection, number, at + timedelta(minutes=1), "anna")


def test_a_plan_knows_events_the_set_that_runs_and_the_machine_in_its_run(warehouse: Warehouse, home01: Site) -> None:
    diesel = Genset(
        key="diesel", device="genset", min_power_w=2000, max_power_w=8000, start_cost=20, fuel_per_kwh=9,
        min_run_minutes=60, max_starts_per_day=2, run_hours_left=40,
    )  # fmt: skip
    mill = DeferrableLoad(
        key="mill", device="plug", power_w=1500, run_minutes=60, window=DailyWindow(start="10:00", end="18:00")
    )
    site = metered(home01, "genset", "plug", gensets=(diesel,), deferrables=(mill,))
    at = START - timedelta(minutes=1)
    history = pl.DataFrame(
        [
            {"device_key": d, "quantity": q, "unit": "W", "starts_at": START - ago * SLOT, "value": value}
            for d, q, values in (
                ("genset", "genset_power_w", {4: 0.0, 3: 0.0, 2: 2500.0}),
                ("plug", "load_power_w", {4: 3.0, 3: 3.0, 2: 3.0}),
            )
            for ago, value in values.items()
        ],
        schema_overrides={"starts_at": INSTANT},
    )
    measure(warehouse, at, battery_soc_pct=40.0, indoor_temp_c=21.5)
    newest = [
        Reading(device, quantity, "W", value, at - JUST_BEFORE, at - JUST_BEFORE, Quality.GOOD)
        for device, quantity, value in (("genset", "genset_power_w", 2600.0), ("plug", "load_power_w", 1490.0))
    ]
    event = GridEvent("evening", START + timedelta(hours=2), START + timedelta(hours=3), limit_w=3000.0)
    with warehouse.begin() as connection:
        sites.register(connection, [site], KNOWN + SLOT)
        telemetry.import_15m(connection, "home01", history)
        telemetry.store(connection, answers(("home01", reading) for reading in newest))
        events.put(connection, "home01", event, "aggregator", KNOWN)
        known = read(connection, [site], {site.key: START}, at)[site.key]
    found = plan_inputs(known, site)
    state = found.inputs.state
    assert (state.machines["diesel"], state.begun) == (MachineState(True, 2, 1, (2,)), {"mill": 1})
    assert state.run_hours == {"diesel": 0.25}
    assert found.inputs.events == (event,)
    assert found.provenance["known_at"]["grid_event"] == KNOWN.isoformat()
    problem = assemble(site, found.inputs)
    unit = problem.gensets[0]
    assert (unit.was_on, unit.state_slots, unit.starts_before, unit.run_hours_left) == (True, 2, 1, 39.75)
    assert [(e.first, e.end, e.limit_w) for e in problem.grid.events] == [(8, 12, 3000.0)]
    plan = solve(problem, gap=1e-2)
    assert [str(v) for v in verify(problem, plan)] == []
    assert plan.genset_on[0, :2].tolist() == [1.0, 1.0]
    assert plan.deferrable_w[0, :4].tolist() == [1500.0, 1500.0, 1500.0, 0.0]
    assert plan.grid_w[8:12].max() <= 3000.5
    stored(warehouse, found, plan, at)


def stored(warehouse: Warehouse, found: Knowledge, plan: Plan, at: datetime) -> None:
    """The plan fits into its tables, and the next decision finds the machine's run in it."""
    starts = found.inputs.starts
    run = plans.PlanningRun(
        "home01", "rolling", START.date(), at, START, starts[-1] + SLOT, plan.status, True, {}, "c", "v", at
    )
    with warehouse.begin() as connection:
        plans.store(connection, run, slot_rows(plan), device_rows(plan))
        rows = plans.in_force(connection, [("home01", "mill"), ("home01", "diesel")], START, START + SLOT, START + SLOT)
    assert rows.select("asset_key", "mode", "power_w").rows() == [
        ("diesel", "run", pytest.approx(plan.genset_w[0, 0])),
        ("mill", "run", 1500.0),
    ]


def test_what_nobody_steers_is_load_and_not_in_the_plans_hands(warehouse: Warehouse, home01: Site) -> None:
    """A heat pump left alone draws what its heat takes (2000 W at a COP of 3.5), beside the house's 450 W."""
    at = START - timedelta(minutes=1)
    measure(warehouse, at, battery_soc_pct=40.0)
    steered = home01.model_copy(update={"heat_pumps": ()})
    with warehouse.begin() as connection:
        known = read(connection, [home01], {home01.key: START}, at)[home01.key]
    found = plan_inputs(known, steered, LeftAlone.of(home01, steered))
    assert found.inputs.load_w.tolist() == pytest.approx([450.0 + 2000.0 / 3.5] * len(found.inputs.starts))
    problem = assemble(steered, found.inputs)
    assert problem.heat_pumps == ()


def test_a_car_that_has_what_a_goal_wants_stays_in_the_plan_and_is_kept_off(warehouse: Warehouse, home01: Site) -> None:
    """Of a charger that no plan speaks of nothing is told, and it would charge on as it likes."""
    at = START + timedelta(minutes=3)
    measure(warehouse, at, battery_soc_pct=40.0, indoor_temp_c=21.5)
    measure(warehouse, at, ev_status=float(EvStatus.CHARGING), session_energy_wh=9100.0)
    wanted = Goal("car-1", START, START + timedelta(hours=4), energy_wh=9000.0)
    with warehouse.begin() as connection:
        number = goals.add(connection, "home01", wanted, "anna", at)
    found = inputs(warehouse, home01, at + timedelta(seconds=1), START + SLOT)
    (stay,) = [one for one in found.inputs.sessions if one.charger == "car-1"]
    assert stay.energy_wh == 0.0
    plan = solve(assemble(home01, found.inputs), gap=1e-2)
    rows = device_rows(plan).filter(pl.col("asset_key") == "car-1")
    assert rows.select("mode", "reason").row(0) == ("off", "The car is served.")
    assert verify(plan.problem, plan) == []
    with warehouse.begin() as connection:
        goals.cancel(connection, number, at + timedelta(minutes=1), "anna")
