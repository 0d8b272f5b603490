"""What the site is like at a decision: the newest believable state, and the inputs of a plan as known then.

Pure: `known` has read what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.devices.points.quantities import PLUGGED_IN, EvStatus
from ems_pipeline.errors import EmsError
from ems_pipeline.forecast.presence import sessions_now
from ems_pipeline.forecast.sessions import ExpectedSession
from ems_pipeline.heat import building
from ems_pipeline.local_time import INSTANT
from ems_pipeline.plan import EvSession, PlanInputs, SiteState
from ems_pipeline.plan.assembly.unsteered import charging_w
from ems_pipeline.sites import Charger, HeatPump, Site
from ems_pipeline.sites.goal import Goal
from ems_pipeline.steps import machines, ways
from ems_pipeline.steps.known import STATE_AGE, Known, told_of_services
from ems_pipeline.warehouse import events, goals


class InputsMissing(EmsError, LookupError):
    """A plan or forecast cannot be made: names what is not known at the decision, and the remedy."""


@dataclass(frozen=True)
class Measured:
    """Newest good values by (device, quantity), and when they were reported."""

    values: dict[tuple[str, str], float]
    reported_at: dict[tuple[str, str], datetime]

    def of(self, device: str | None, quantity: str) -> float | None:
        """The device's own value, else (no device named, or it does not say) that of any device of the site."""
        if device is not None and (device, quantity) in self.values:
            return self.values[device, quantity]
        return next((v for (_, q), v in sorted(self.values.items()) if q == quantity), None)


@dataclass(frozen=True)
class Knowledge:
    """Inputs of a plan, and since when each kind of them was known (for the plan's provenance)."""

    inputs: PlanInputs
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftAlone:
    """What draws power at a site and nobody steers: it charges and heats as it likes."""

    chargers: tuple[Charger, ...] = ()
    heat_pumps: tuple[HeatPump, ...] = ()

    @classmethod
    def of(cls, whole: Site, steered: Site) -> LeftAlone:
        """Of a site, what is not in the part that can be steered."""
        return cls(
            tuple(c for c in whole.chargers if c not in steered.chargers),
            tuple(h for h in whole.heat_pumps if h not in steered.heat_pumps),
        )


NOTHING = LeftAlone()


def measured(said: pl.DataFrame) -> Measured:
    """State of a site from what was said of it, columns as of `telemetry.latest`; of a point the last row counts."""
    values, reported = {}, {}
    for device, quantity, value, reported_at in said.drop("site_key").iter_rows():
        values[device, quantity], reported[device, quantity] = value, reported_at
    return Measured(values, reported)


def plan_inputs(known: Known, site: Site, left_alone: LeftAlone = NOTHING) -> Knowledge:
    """Everything a plan may know, from what is stored of its site.

    The horizon ends with the last slot that has a price and all forecasts.

    Args:
        site: what can be steered.
        left_alone: what draws power beside it; what is expected of that is part of the load.

    Raises:
        InputsMissing: no price, forecast or state is known then.
    """
    at, prices, load, pv, heat = known.at, known.prices, known.load, known.pv, known.heat
    starts = _common_slots(site, left_alone, known.start, prices, load, pv, heat)
    state = measured(known.said)
    history = machines.so_far(site, known.past, state.values, known.start)
    houses = {pump.key: building.chosen(known.houses.get(pump.key), pump.house) for pump in site.heat_pumps}
    wanted = goals.of(known.goals)
    aligned = pl.DataFrame({"starts_at": starts}, schema={"starts_at": INSTANT})
    drawn_w = _drawn_w(known, site, left_alone, state, aligned)
    inputs = PlanInputs(
        starts=starts,
        buy_per_kwh=_column(aligned, prices, "buy_per_kwh"),
        sell_per_kwh=_column(aligned, prices, "sell_per_kwh"),
        load_w=_column(aligned, load, "power_w") + drawn_w,
        pv_w={a.key: _column(aligned, pv.filter(pl.col("asset_key") == a.key), "power_w") for a in site.pv},
        outdoor_c=_column(aligned, heat.filter(pl.col("asset_key") == site.heat_pumps[0].key), "outdoor_c")
        if site.heat_pumps
        else None,
        sessions=_sessions(known, site, site.chargers, state, starts, wanted),
        state=SiteState(
            at=at,
            soc_pct=_required(site.batteries, state, "battery_soc_pct", at),
            indoor_c=_required(site.heat_pumps, state, "indoor_temp_c", at),
            month_peak_import_w=known.peak.highest_w,
            interval_import_w=known.peak.running_w,
            tank_c=_required([p for p in site.heat_pumps if p.hot_water is not None], state, "dhw_temp_c", at),
            machines=history.machines,
            run_hours=history.run_hours,
            services=known.services,
            register_h=history.register_h,
            waiting=history.waiting,
            begun=history.begun,
        ),
        events=events.of(known.events),
        goals=wanted,
        previous_w={k: np.array(w) for k, w in known.previous_w.items()},
        courses=ways.of(known, starts, drawn_w),
        houses={key: response for key, (response, _) in houses.items()},
    )
    frames = {"effective_price": prices, "load_forecast": load, "pv_forecast": pv, "heat_demand_forecast": heat}
    frames["grid_event"], frames["asset_goal"] = known.events, known.goals
    since = {name: _newest(frame) for name, frame in frames.items()}
    measured_at = max(state.reported_at.values()).isoformat() if state.reported_at else None
    told = {key: why for key, (_, why) in houses.items()}
    numbers = known.goals["asset_goal_id"].to_list()
    provenance = {"known_at": since, "state_reported_at": measured_at, "houses": told, "goals": numbers}
    return Knowledge(inputs, provenance | {"services": told_of_services(known)})


def _drawn_w(
    known: Known, site: Site, left_alone: LeftAlone, state: Measured, aligned: pl.DataFrame
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Expected power of what is left alone, per slot, W."""
    starts = aligned["starts_at"].to_list()
    chargers = {charger.key: charger for charger in left_alone.chargers}
    drawn_w = np.zeros(len(starts))
    for session in _sessions(known, site, left_alone.chargers, state, starts):
        charger = chargers[session.charger]
        is_counted = (charger.device or "", "session_energy_wh") in state.values
        drawn_w += charging_w(charger, session, starts, is_counted=is_counted)
    for pump in left_alone.heat_pumps:
        own = known.heat.filter(pl.col("asset_key") == pump.key)
        drawn_w += _column(aligned, own, "heat_w") / _column(aligned, own, "cop")
    return drawn_w


def _common_slots(site: Site, left_alone: LeftAlone, start: datetime, *frames: pl.DataFrame) -> list[datetime]:
    """Slots from ``start`` on without a gap that every input covers."""
    prices, load, pv, heat = frames
    wanted = [("effective_price", prices), ("load_forecast", load)]
    wanted += [("pv_forecast", pv.filter(pl.col("asset_key") == a.key)) for a in site.pv]
    wanted += [
        ("heat_demand_forecast", heat.filter(pl.col("asset_key") == p.key))
        for p in (*site.heat_pumps, *left_alone.heat_pumps)
    ]
    common: set[datetime] | None = None
    for name, frame in wanted:
        covered = set(frame["starts_at"].to_list())
        if start not in covered:
            raise InputsMissing(
                f"{name} of {site.key} is not known for {start}: nothing can be planned", f"materialise {name} first"
            )
        common = covered if common is None else common & covered
    first, end = next(run for run in time_grid.contiguous(common or set()) if run[0] == start)
    return time_grid.slots(first, end)


def _column(aligned: pl.DataFrame, frame: pl.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    joined = aligned.join(frame.select("starts_at", column), on="starts_at", how="left", maintain_order="left")
    return joined[column].cast(pl.Float64).to_numpy()


def _required(assets: Any, state: Measured, quantity: str, at: datetime) -> dict[str, float]:
    values = {asset.key: state.of(asset.device, quantity) for asset in assets}
    if unknown := [key for key, value in values.items() if value is None]:
        raise InputsMissing(
            f"{quantity} of {unknown} was not measured in the {STATE_AGE} before {at}; a plan on a guessed state is "
            "refused:",
            "check the device's health and telemetry",
        )
    return {key: value for key, value in values.items() if value is not None}


def _sessions(
    known: Known,
    site: Site,
    chargers: Iterable[Charger],
    state: Measured,
    starts: list[datetime],
    wanted: Sequence[Goal] = (),
) -> tuple[EvSession, ...]:
    """Stays of cars that touch the slots: what habit and charger say of them, and what goals want of them instead."""
    end = starts[-1] + time_grid.SLOT
    frame = known.sessions.filter(pl.col("arrives_at") < end, pl.col("departs_at") > starts[0])
    found: list[EvSession] = []
    for charger in chargers:
        expected = [
            ExpectedSession(charger.key, row["arrives_at"], row["departs_at"], row["energy_wh"], row["probability"])
            for row in frame.filter(pl.col("asset_key") == charger.key).iter_rows(named=True)
        ]
        found += [
            EvSession(
                charger.key, s.arrival_at, s.departure_at, s.energy_wh, had_wh=_had_wh(charger, state, s, known.at)
            )
            for s in sessions_now(
                charger,
                expected,
                _is_plugged_in(charger, state),
                state.values.get((charger.device or "", "session_energy_wh")),
                known.at,
                time_grid.zone(site.timezone),
                partial(_as_wanted, wanted=[goal for goal in wanted if goal.asset == charger.key]),
            )
        ]
    return tuple(found)


def _as_wanted(session: ExpectedSession, wanted: Sequence[Goal]) -> ExpectedSession:
    """A stay with the energy and the departure that the last goal wants that holds during it."""
    goal = next((one for one in reversed(wanted) if one.touches(session.arrival_at, session.departure_at)), None)
    if goal is None:
        return session
    energy_wh = session.energy_wh if goal.energy_wh is None else goal.energy_wh
    leaves = goal.ready_at is not None and goal.ready_at > session.arrival_at
    departure_at = goal.ready_at if leaves and goal.ready_at is not None else session.departure_at
    return replace(session, energy_wh=energy_wh, departure_at=departure_at)


def _had_wh(charger: Charger, state: Measured, session: ExpectedSession, at: datetime) -> float:
    """What a car that is there has had in this stay, Wh; 0 of one that is to come, and where nobody counts."""
    if session.arrival_at > at or not _is_plugged_in(charger, state):
        return 0.0
    return state.values.get((charger.device or "", "session_energy_wh"), 0.0)


def _is_plugged_in(charger: Charger, state: Measured) -> bool | None:
    status = state.values.get((charger.device or "", "ev_status"))
    return None if status is None else EvStatus(int(status)) in PLUGGED_IN


def _newest(frame: pl.DataFrame) -> str | None:
    return None if frame.is_empty() else frame["known_at"].max().isoformat()  # type: ignore[union-attr]
