"""A plan is made on what was known and measured, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ems_pipeline.devices.quantities import EvStatus
from ems_pipeline.devices.reading import Quality, Reading
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, forecasts, market, sites, telemetry
from ems_pipeline.warehouse.situation import STATE_AGE, InputsMissing, Knowledge, plan_inputs
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
        market.put_effective_prices(connection, price)
        forecasts.issue(connection, "load_forecast", "home01", over(SLOTS - 1, power_w=450.0, model="t"), KNOWN)
        for array in home01.pv:
            frame = over(SLOTS, asset_key=array.key, power_w=800.0, model="t")
            forecasts.issue(connection, "pv_forecast", "home01", frame, KNOWN)
        heat = over(SLOTS, asset_key="heating", outdoor_c=8.0, heat_w=2000.0, cop=3.5, model="t")
        forecasts.issue(connection, "heat_demand_forecast", "home01", heat, KNOWN)


def measure(warehouse: Warehouse, at: datetime, **values: float | None) -> None:
    device = {"battery_soc_pct": "inverter", "indoor_temp_c": "heat-pump"}
    readings = [
        Reading(
            device.get(quantity, "wallbox-1"),
            quantity,
            "",
            value,
            at,
            at,
            Quality.GOOD if value is not None else Quality.NO_ANSWER,
        )
        for quantity, value in values.items()
    ]
    with warehouse.begin() as connection:
        telemetry.store(connection, answers(("home01", reading) for reading in readings))


def inputs(warehouse: Warehouse, site: Site, at: datetime, start: datetime = START) -> Knowledge:
    with warehouse.begin() as connection:
        return plan_inputs(connection, site, at, start)


def test_a_state_nobody_measured_is_not_guessed(warehouse: Warehouse, home01: Site) -> None:
    with pytest.raises(InputsMissing, match=r"battery_soc_pct of \['pack'\] was not measured.*refused"):
        inputs(warehouse, home01, START - SLOT)


def test_a_device_that_fell_silent_is_believed_for_half_an_hour_and_no_longer(
    warehouse: Warehouse, home01: Site
) -> None:
    seen = START - timedelta(hours=5)
    measure(warehouse, seen, battery_soc_pct=61.0, indoor_temp_c=21.0)
    measure(warehouse, seen + timedelta(minutes=5), battery_soc_pct=None, indoor_temp_c=None)
    assert inputs(warehouse, home01, seen + STATE_AGE).inputs.state.soc_pct == {"pack": 61.0}
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
