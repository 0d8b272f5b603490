"""All that is stored of sites and that a plan may know: read for all of them at once, and nothing computed from it.

The number of statements is the same for one site and for hundreds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.plan import Service
from ems_pipeline.plan.assembly import courses
from ems_pipeline.sites import Site
from ems_pipeline.steps import machines
from ems_pipeline.warehouse import buildings, events, forecasts, goals, market, misses, plans, services, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection

STATE_AGE = timedelta(minutes=30)
"""Older measurements say nothing about a battery that can be full by now."""
REACH = timedelta(days=3)
"""No price and no forecast reaches further."""


@dataclass(frozen=True)
class Known:
    """What is stored of one site, as known ``at`` a decision, for a plan that begins with slot ``start``.

    Attributes:
        prices: of the slots from ``start`` on, as are ``load``, ``pv`` and ``heat``; see `market.effective_prices` and
            `forecasts.newest`.
        sessions: see `forecasts.newest_sessions`; those that touch these slots.
        said: last values of quarter-hours and newest readings, the younger ones last; see `telemetry.latest`.
        events: see `events.listing`.
        goals: see `goals.listing`.
        houses: by heat pump, as last fitted.
        previous_w: by asset, as the plan before wants it; see `plans.powers`.
        peak: import at the meter in the running local month, in intervals of the capacity charge.
        missed: what forecasts of the last days missed; see `misses.missed`. None of a site that is not `weighed`.
        prices_before: of the days before ``start``; see `market.effective_prices`. None where ``missed`` is none.
        past: of its machines.
        services: by genset with a maintenance plan, what that leaves; see `services.service_holds`. Recorded with the
            plan (`told_of_services`), because meters keep no history.
    """

    at: datetime
    start: datetime
    prices: pl.DataFrame
    load: pl.DataFrame
    pv: pl.DataFrame
    heat: pl.DataFrame
    sessions: pl.DataFrame
    said: pl.DataFrame
    events: pl.DataFrame
    goals: pl.DataFrame
    houses: Mapping[str, BuildingResponse]
    previous_w: Mapping[str, Sequence[float]]
    peak: telemetry.Peak
    missed: pl.DataFrame
    prices_before: pl.DataFrame
    past: machines.Past
    services: Mapping[str, Service]


def read(
    connection: Connection, sites: Sequence[Site], starts: Mapping[str, datetime], at: datetime
) -> dict[str, Known]:
    """By site what is known at ``at`` for a plan that begins with its slot of ``starts``.

    The starts of sites that decide at the same instant are a quarter-hour apart at most.
    """
    keys = [site.key for site in sites]
    first, far = min(starts.values()), max(starts.values()) + REACH
    ahead = {
        "prices": market.effective_prices(connection, keys, first, far, at),
        "load": forecasts.newest(connection, "load_forecast", keys, first, far, at),
        "pv": forecasts.newest(connection, "pv_forecast", keys, first, far, at),
        "heat": forecasts.newest(connection, "heat_demand_forecast", keys, first, far, at),
    }
    by_site = {name: OfSites(frame) for name, frame in ahead.items()}
    is_one_start = len(set(starts.values())) == 1  # then what was read is what each wants
    sessions = OfSites(forecasts.newest_sessions(connection, keys, first, far, at))
    said = OfSites(_said(connection, keys, at))
    asked = OfSites(events.listing(connection, keys, at))
    wanted = OfSites(goals.listing(connection, keys, at))
    houses = buildings.newest(connection, keys, at)
    previous_w = plans.powers(connection, starts, at)
    peaks = telemetry.peaks(connection, _months(sites, at), _intervals(sites, at), time_grid.floor_slot(at))
    missed, before = (OfSites(frame) for frame in _lately(connection, sites, first, at))
    past = _past(connection, sites, starts, at)
    held = _services(connection, sites, at)
    return {
        site.key: Known(
            at,
            starts[site.key],
            **{
                name: frames.of(site.key) if is_one_start else _from(frames.of(site.key), starts[site.key])
                for name, frames in by_site.items()
            },
            sessions=sessions.of(site.key),
            said=said.of(site.key),
            events=asked.of(site.key),
            goals=wanted.of(site.key),
            houses={asset: house for (key, asset), house in houses.items() if key == site.key},
            previous_w=previous_w.get(site.key, {}),
            peak=peaks[site.key],
            missed=_of_days_before(missed.of(site.key), starts[site.key]),
            prices_before=before.of(site.key).filter(_days_before(starts[site.key])),
            past=past[site.key],
            services=held.get(site.key, {}),
        )
        for site in sites
    }


def is_weighed(site: Site) -> bool:
    """Whether plans of a site reckon with what forecasts miss: wished, and only batteries decide (`plan.value`)."""
    others = (site.chargers, site.heat_pumps, site.deferrables, site.gensets)
    return site.planning.courses and bool(site.batteries) and not any(others)


def _lately(
    connection: Connection, sites: Sequence[Site], first: datetime, at: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What forecasts missed on the last days, and prices of these days."""
    keys, days = [site.key for site in sites if is_weighed(site)], courses.DAYS
    missed = misses.missed(connection, keys, first, at, (days.start, days.stop - 1))
    since = first - days.stop * time_grid.ONE_DAY
    return missed, market.effective_prices(connection, keys, since, first + time_grid.SLOT, at)


def _days_before(start: datetime) -> pl.Expr:
    return pl.col("starts_at").is_between(start - courses.DAYS.stop * time_grid.ONE_DAY, start, closed="left")


def _of_days_before(missed: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """The slots that are whole days before those of a day from ``start`` on."""
    if missed.is_empty():
        return missed
    moved = pl.col("starts_at") + pl.col("days_back") * pl.duration(days=1)
    return missed.filter(moved.is_between(start, start + time_grid.ONE_DAY, closed="left"))


class OfSites:
    """A frame of many sites, taken apart by ``site_key`` once."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._none = frame.clear()
        named = frame["site_key"].unique().to_list() if len(frame) else []
        # To take apart what is of one site, or of none, costs as much as to read it.
        self._parts = (
            {(key,): frame for key in named}
            if len(named) < 2
            else frame.partition_by("site_key", as_dict=True, maintain_order=True)
        )

    def of(self, site_key: str) -> pl.DataFrame:
        """The rows of a site, in order; none where it has none."""
        return self._parts.get((site_key,), self._none)


def _from(frame: pl.DataFrame, start: datetime) -> pl.DataFrame:
    return frame.filter(pl.col("starts_at").is_between(start, start + REACH, closed="left"))


def _said(connection: Connection, keys: Sequence[str], at: datetime) -> pl.DataFrame:
    """Minute telemetry, and before it the last quarter-hours that ended: what both say, minute telemetry says last.

    Of a reading received at the very instant of the decision nobody could say whether it was known.
    """
    slot_end, before = time_grid.floor_slot(at), at - timedelta(microseconds=1)
    older = telemetry.last_values(connection, keys, slot_end - STATE_AGE, slot_end)
    return pl.concat([older, telemetry.latest(connection, keys, before, at - STATE_AGE)])


def _months(sites: Sequence[Site], at: datetime) -> dict[str, datetime]:
    """When the running local month of each site began."""
    zones = {site.key: time_grid.zone(site.timezone) for site in sites}
    return {
        key: time_grid.day_bounds(time_grid.local_day(at, zone).replace(day=1), zone)[0] for key, zone in zones.items()
    }


def _intervals(sites: Sequence[Site], at: datetime) -> dict[str, int]:
    """Minutes over which the capacity charge of each site is a mean."""
    found = {}
    for site in sites:
        try:
            charge = site.tariff.period_on(time_grid.local_day(at, time_grid.zone(site.timezone))).capacity
        except LookupError:
            charge = None  # told where prices are made
        found[site.key] = time_grid.SLOT // time_grid.MINUTE if charge is None else charge.interval_minutes
    return found


def _past(
    connection: Connection, sites: Sequence[Site], starts: Mapping[str, datetime], at: datetime
) -> dict[str, machines.Past]:
    """What is stored of the machines of each site."""
    having = {site.key: [m.key for m in machines.of(site)] for site in sites if machines.of(site)}
    begins = [starts[key] for key in having] or [at]
    first, last = min(begins) - machines.LOOK_BACK, max(begins)
    until = min(time_grid.floor_slot(at), last)
    means = OfSites(telemetry.device_15m(connection, list(having), machines.QUANTITIES, first, until))
    assets = [(key, asset) for key, held in having.items() for asset in held]
    planned = OfSites(plans.in_force(connection, assets, first, last, at))
    quarters = _loaded_quarters(connection, sites, starts, at)
    return {
        site.key: machines.Past(means.of(site.key), planned.of(site.key), quarters.get(site.key, {})) for site in sites
    }


def _loaded_quarters(
    connection: Connection, sites: Sequence[Site], starts: Mapping[str, datetime], at: datetime
) -> dict[str, dict[str, int]]:
    """By site and set, in how many quarter-hours it has carried load since its site file said how many are left."""
    sets = [(site.key, genset) for site in sites for genset in machines.serviced(site)]
    if not sets:
        return {}
    said = registry.run_hours_stated(connection, [(key, genset.key) for key, genset in sets], at)
    stated = said.partition_by("site_key", "genset", as_dict=True, maintain_order=True)
    wanted = [
        machines.with_load(key, genset, stated.get((key, genset.key), said.clear()), starts[key], at)
        for key, genset in sets
    ]
    found: dict[str, dict[str, int]] = {}
    for (key, genset), quarters in zip(sets, telemetry.quarters_from(connection, wanted), strict=True):
        found.setdefault(key, {})[genset.key] = quarters
    return found


def _services(connection: Connection, sites: Sequence[Site], at: datetime) -> dict[str, dict[str, Service]]:
    """By site and set what maintenance leaves."""
    keys = [site.key for site in sites if site.gensets]
    found: dict[str, dict[str, Service]] = {}
    if keys:
        for site_key, asset_key, *said in services.service_holds(connection, keys, at).iter_rows():
            found.setdefault(site_key, {})[asset_key] = Service(*said)
    return found


def told_of_services(known: Known) -> dict[str, dict[str, Any]]:
    """What a plan was told of services, as it is recorded with it."""
    return {asset: dataclasses.asdict(service) for asset, service in known.services.items()}


def as_told(known: Known, told: Mapping[str, Mapping[str, Any]]) -> Known:
    """What was known, with services as a plan was told of them; of a plan that recorded none, none."""
    return dataclasses.replace(known, services={asset: Service(**said) for asset, said in told.items()})
