"""The load profile has one definition, evaluated by the database and by Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.forecast import profile
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, forecasts, sites, telemetry
from ems_pipeline.warehouse.frames import query

PRAGUE = ZoneInfo("Europe/Prague")
START = datetime(2025, 9, 1, 7, 15, tzinfo=UTC)
"""The histories reach over the clock change of October."""


def logged(load_w: pl.DataFrame) -> pl.DataFrame:
    """A logger that saw the meter of a house with nothing but load."""
    label = {"device_key": pl.lit("inverter"), "unit": pl.lit("W")}
    quantities = {"grid_power_w": pl.col("power_w"), "pv_power_w": pl.col("power_w") * 0}
    return pl.concat(
        load_w.select(quantity=pl.lit(name), starts_at="starts_at", value=value, **label).select(
            "device_key", "quantity", "unit", "starts_at", "value"
        )
        for name, value in quantities.items()
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.integers(1, 75), gaps=st.floats(0, 0.9), later_h=st.floats(0, 40), seed=st.integers(0, 99))
def test_the_database_and_python_average_the_same_slots(
    warehouse: Warehouse, home01: Site, days: int, gaps: float, later_h: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    starts = time_grid.slots(START, START + timedelta(days=days))
    history = pl.DataFrame({"starts_at": starts, "power_w": rng.gamma(2.0, 200.0, len(starts))})
    history = history.filter(pl.Series(rng.random(len(starts)) >= gaps))
    at = starts[-1] + timedelta(hours=later_h)
    first = time_grid.ceil_slot(at)
    with warehouse.engine.connect() as connection:  # rolled back: the next example begins with an empty table
        sites.register(connection, [home01], START)
        if history.height:
            telemetry.import_15m(connection, "home01", logged(history))
        asked = query(
            connection,
            "SELECT * FROM ems.fn_baseline_consumption('home01', :start, :end, :known)",
            start=first,
            end=first + timedelta(days=2),
            known=at,
        )
        measured = forecasts.measured_load(connection, "home01", START, first)
        connection.rollback()
    expected = profile.baseline(measured, time_grid.slots(first, first + timedelta(days=2)), PRAGUE, at)
    assert asked["starts_at"].to_list() == expected["starts_at"].to_list()
    assert asked["power_w"].to_list() == pytest.approx(expected["power_w"].to_list())
    assert asked["samples"].to_list() == expected["samples"].to_list()
