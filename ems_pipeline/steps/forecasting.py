"""Forecasts of a site as known at an instant: house load, PV, heat and cars. Models: `learning`.

What the days of a window share is read once; what makes one of them is returned.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.forecast import load_model, profile, pv_geometry, sessions
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.heat.cop import CopCurve
from ems_pipeline.sites import Charger, HeatPump, Site
from ems_pipeline.steps import learning, second_source
from ems_pipeline.steps.second_source import SecondSource
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.warehouse import buildings, forecasts, telemetry
from ems_pipeline.warehouse.engine import Connection

HISTORY = timedelta(weeks=load_model.MEMORY_WEEKS)
Make = Callable[[datetime, datetime, datetime], pl.DataFrame]
"""From the first and last bound of the slots wanted and the instant the forecast counts as made, to the forecast."""


def baseline(connection: Connection, window: SiteWindow) -> Make:
    """House load expected from measured history alone, as of `profile.baseline`."""
    oldest = window.start - timedelta(weeks=profile.WEEKS + 1)
    load = forecasts.measured_load(connection, window.site.key, oldest, window.end)
    return lambda start, end, at: profile.baseline(load, time_grid.slots(start, end), window.zone, min(at, start))


def load(connection: Connection, window: SiteWindow, now: datetime) -> Make:
    """House load without planned devices, as of `learning.load_forecast`."""
    bus = telemetry.site_15m(connection, window.site.key, window.start - HISTORY, min(window.end, now))
    measured = bus.filter(pl.col("load_w").is_not_null()).select("starts_at", power_w=pl.col("load_w").clip(0))

    def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        before = pl.col("starts_at").is_between(at - HISTORY, time_grid.floor_slot(at), closed="left")
        slots = time_grid.slots(start, end)
        return learning.load_forecast(connection, window.site, measured.filter(before), slots, at, now)

    return make


def pv(connection: Connection, window: SiteWindow, now: datetime, second: SecondSource) -> Make:
    """Power of each plane, not curtailed, as of `learning.pv_forecast`; empty where the site has none.

    From now on the second source's, where the weather is missing or old and that one knows.
    """
    site = window.site

    def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        if not site.pv:
            return pl.DataFrame()
        weather = forecasts.newest(connection, "weather_forecast", [site.key], start, end, at)
        known = weather.drop_nulls("ghi_w_m2")
        young = known.filter(pl.col("known_at") >= at - second_source.OLD)
        if at >= now and young.height < time_grid.count_slots(start, end):
            estimated = second.planes(site, start, end)
            if estimated is not None:
                return estimated
        require_whole(known, start, end, site, at)
        frames = [
            pv_geometry.pv_forecast((array,), site.latitude, site.longitude, weather).with_columns(
                asset_key=pl.lit(array.key)
            )
            for array in site.pv
        ]
        planes = learning.pv_forecast(connection, site, pl.concat(frames), weather, at, now)
        return planes.drop_nulls("power_w")

    return make


def heat(connection: Connection, window: SiteWindow) -> Make:
    """Heat each house loses at the middle of its comfort band, outdoor temperature and COP; empty without a pump.

    Columns: starts_at, outdoor_c, cop, asset_key, heat_w, model.
    """
    site = window.site

    def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        frames = []
        for pump in site.heat_pumps:
            slots = forecasts.cop_estimates(connection, site.key, pump.key, pump.flow_temp_c, start, end, at)
            require_whole(slots, start, end, site, at)
            frames.append(_heat_of(pump, slots, buildings.of(connection, site.key, pump, at)[0]))
        return pl.concat(frames) if frames else pl.DataFrame()

    return make


def _heat_of(pump: HeatPump, slots: pl.DataFrame, response: BuildingResponse) -> pl.DataFrame:
    comfort_c = (pump.house.comfort_min_c + pump.house.comfort_max_c) / 2
    outdoor = slots["outdoor_c"].to_numpy()
    stated = pl.Series(CopCurve(pump.carnot_efficiency).cop(outdoor, pump.flow_temp_c))
    house = "fitted" if response.windows else "stated"
    measured_cop = slots["cop"].is_not_null().any()
    return slots.with_columns(
        asset_key=pl.lit(pump.key),
        cop=slots["cop"].fill_null(stated),
        heat_w=pl.Series(response.heat_demand_w(comfort_c, outdoor)),
        model=pl.lit(f"1r1c, {house} house, {'measured' if measured_cop else 'stated'} COP"),
    )


def cars(connection: Connection, window: SiteWindow) -> Make:
    """Sessions expected at each wallbox: asset_key, arrives_at, departs_at, energy_wh, probability, model."""
    site, habits = window.site, {c.key: _habits(connection, window, c) for c in window.site.chargers}

    def make(start: datetime, end: datetime, at: datetime) -> pl.DataFrame:
        rows = []
        for charger in site.chargers:
            of_weekdays, model = habits[charger.key](at)
            expected = [
                (s.charger, s.arrival_at, s.departure_at, s.energy_wh, s.probability, model)
                for s in sessions.expected_sessions(charger, of_weekdays, window.zone, at, end)
                if s.departure_at > start
            ]
            rows += expected or [(charger.key, start, end, 0.0, 0.0, model)]  # said, so that no former issue stands
        names = ["asset_key", "arrives_at", "departs_at", "energy_wh", "probability", "model"]
        return pl.DataFrame(rows, schema=names, orient="row")

    return make


def _habits(
    connection: Connection, window: SiteWindow, charger: Charger
) -> Callable[[datetime], tuple[list[sessions.Habit], str]]:
    """Habits of a charger as its telemetry before an instant shows them, and what they rest on."""
    oldest = window.start - timedelta(weeks=sessions.WEEKS)
    said = telemetry.charger_15m(connection, window.site.key, charger.device, oldest, window.end)

    def at_instant(at: datetime) -> tuple[list[sessions.Habit], str]:
        until = time_grid.floor_slot(at)
        before = pl.col("starts_at").is_between(until - timedelta(weeks=sessions.WEEKS), until, closed="left")
        seen = sessions.measured_sessions(said.filter(before))
        habits = sessions.measured_habits(charger, seen, window.zone, at)
        return habits, f"measured habit, {seen.height} sessions" if seen.height else "stated habit"

    return at_instant


def require_whole(frame: pl.DataFrame, start: datetime, end: datetime, site: Site, at: datetime) -> None:
    """A forecast over part of a day would be taken for a dark or mild rest of it.

    Raises:
        InputsMissing: with both numbers.
    """
    wanted = time_grid.count_slots(start, end)
    if frame.height < wanted:
        raise InputsMissing(
            f"weather of {site.key} from {start} is known for {frame.height} of {wanted} slots as of {at}",
            "materialise weather_forecast for these days first",
        )
