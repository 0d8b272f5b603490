"""What the telemetry of a heat pump says about its house: the building found again, hot water kept out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.heat import building, cop, measured
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.plant import World
from ems_pipeline.plant.log import Logger
from ems_pipeline.sites import HeatPump, HotWater, House, Site

START = datetime(2026, 1, 20, tzinfo=UTC)
PUMP = HeatPump(
    key="heating", device="heat-pump", min_power_w=900, max_power_w=3200,
    house=House(heat_loss_w_per_k=180, heat_capacity_wh_per_k=10000),
)  # fmt: skip
TANK = HotWater(key="tank", volume_l=200)


def points(device: str | None = None, **series: list[float | None]) -> pl.DataFrame:
    """Quarter-hour means from `START` on, one list per quantity."""
    frames = [
        pl.DataFrame(
            {
                "device_key": device or "heat-pump",
                "quantity": quantity,
                "starts_at": [START + i * time_grid.SLOT for i in range(len(values))],
                "mean_value": values,
            },
            schema_overrides={"starts_at": pl.Datetime("us", "UTC"), "mean_value": pl.Float64},
        )
        for quantity, values in series.items()
    ]
    return pl.concat(frames)


def test_heat_is_power_times_cop_and_zero_while_the_machine_stands() -> None:
    """Carnot at 38 and 3 degrees: 311.15 K / 35 K = 8.89; 42 % of it 3.734; times 2000 W: 7467 W."""
    frame = points(
        heat_pump_power_w=[2000.0, 40.0, 0.0], outdoor_temp_c=[3.0, 3.0, 3.0],
        indoor_temp_c=[21.0, 21.0, 20.9], flow_temp_c=[38.0, 30.0, 25.0],
    )  # fmt: skip
    rows = measured.house_rows(frame, PUMP, CopCurve(0.42))
    assert rows["heat_w"].to_list() == [pytest.approx(7467, abs=1), 0.0, 0.0]
    assert rows["indoor_c"].to_list() == [21.0, 21.0, 20.9]


def test_heat_into_the_hot_water_tank_is_not_the_houses() -> None:
    frame = points(
        heat_pump_power_w=[2000.0, 2000.0, 2000.0, 0.0], outdoor_temp_c=[3.0] * 4, indoor_temp_c=[21.0] * 4,
        flow_temp_c=[38.0] * 4, dhw_temp_c=[45.0, 44.9, 46.5, 46.4],
    )  # fmt: skip
    of_two = PUMP.model_copy(update={"hot_water": TANK})
    known = measured.house_rows(frame, of_two, CopCurve(0.42))["heat_w"].is_not_null().to_list()
    assert known == [False, True, False, True]
    unseen = frame.filter(pl.col("quantity") != "dhw_temp_c")
    assert measured.house_rows(unseen, of_two, CopCurve(0.42))["heat_w"].to_list() == [None, None, None, 0.0]


def test_an_unmeasured_outdoor_temperature_is_no_heat() -> None:
    frame = points(heat_pump_power_w=[2000.0] * 2, outdoor_temp_c=[3.0, None], indoor_temp_c=[21.0] * 2)
    assert measured.house_rows(frame, PUMP, CopCurve(0.42)).drop_nulls("heat_w").height == 1


def logged(site: Site, days: int) -> pl.DataFrame:
    """What the site's logger writes in the first ``days`` of a plant's life."""
    end = START + timedelta(days=days)
    world = World(site, time_grid.SimulatedClock(end), 1, START)
    logger = Logger(world)
    world.on_minute = logger
    world.advance(end)
    return logger.frame(START, end)


@pytest.mark.parametrize("hot_water", [None, TANK])
def test_the_virtual_plants_building_is_found_again_from_its_telemetry(
    home01: Site, hot_water: HotWater | None
) -> None:
    """Four winter weeks of its log; the machine is worse than stated, and the sun shines in."""
    pump = home01.heat_pumps[0].model_copy(update={"hot_water": hot_water})
    log = logged(home01.model_copy(update={"heat_pumps": (pump,)}), 28).rename({"value": "mean_value"})
    curve = cop.fit(measured.cop_rows(log, pump.device), pump.carnot_efficiency)
    fitted = building.fit(measured.house_rows(log, pump, curve))
    assert fitted is not None
    assert fitted.heat_loss_w_per_k == pytest.approx(pump.house.heat_loss_w_per_k, rel=0.15)
    assert fitted.heat_capacity_wh_per_k == pytest.approx(pump.house.heat_capacity_wh_per_k, rel=0.2)
