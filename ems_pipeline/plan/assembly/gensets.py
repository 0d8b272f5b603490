"""Gensets and switchboards of a site as planning records: minutes become slots, gas money, engine hours a tie-break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from ems_pipeline import time_grid
from ems_pipeline.plan.assembly.inputs import InputsInvalid, MachineState, PlanInputs, Service
from ems_pipeline.plan.assembly.machines import SLOT_MINUTES, daily, slots_for
from ems_pipeline.plan.assembly.spans import slots_of
from ems_pipeline.plan.problem import GensetUnit, Switchboard, Window
from ems_pipeline.sites import Genset, Site

EVEN_HOURS = 0.01
"""Of two sets that could as well run, the one with more hours is dearer by this share of what an hour costs."""
HOUR_S = timedelta(hours=1).total_seconds()


def genset_units(site: Site, inputs: PlanInputs, zone: ZoneInfo) -> Iterator[GensetUnit]:
    """The sets of a site.

    Raises:
        InputsInvalid: a set burns gas that has no price on the day the horizon begins.
    """
    places = _places(site, inputs.state.register_h)
    co2_price = 0.0 if site.planning.co2 is None else site.planning.co2.price_per_kg
    for genset in site.gensets:
        yield _unit(genset, inputs, zone, places.get(genset.key, 0), co2_price)


def switchboards(site: Site) -> Iterator[Switchboard]:
    """The boards whose sets share load; a set the site has left out is not behind them."""
    known = {genset.key for genset in site.gensets}
    for board in site.switchboards:
        if members := tuple(key for key in board.gensets if key in known):
            yield Switchboard(board.key, members, board.spare_w)


def _places(site: Site, register_h: Mapping[str, float]) -> dict[str, int]:
    """Per set of a board of which all hours are known: how many of its board have fewer."""
    found: dict[str, int] = {}
    for board in site.switchboards:
        hours = {key: register_h[key] for key in board.gensets if key in register_h}
        if len(hours) == len(board.gensets):
            found |= {key: sum(other < mine for other in hours.values()) for key, mine in hours.items()}
    return found


def _unit(genset: Genset, inputs: PlanInputs, zone: ZoneInfo, place: int, co2_price: float) -> GensetUnit:
    """A genset with its quiet hours as slots; locked out, held or worked on, it is blocked throughout."""
    quiet = [w for window in genset.quiet_hours for w in daily(window, inputs.starts, zone)]
    blocked = [slots_of(begins, ends, inputs.starts, whole=False) for _, begins, ends in quiet]
    service = inputs.state.services.get(genset.key, Service())
    if genset.locked_out or service.is_held or service.is_worked_on:
        blocked = [(0, len(inputs.starts))]
    now = inputs.state.machines.get(genset.key, MachineState(is_on=False))
    left_h, over_h = _budget(genset, inputs.state.run_hours.get(genset.key, 0.0), service)
    try:
        fuel = genset.fuel_on(time_grid.local_day(inputs.starts[0], zone))
    except LookupError as fault:
        raise InputsInvalid(f"genset {genset.key!r}: {fault}", "add the price that holds now to its fuel") from fault
    hour_costs = fuel.idle_per_h + genset.service_cost_per_h + fuel.per_kwh * genset.max_power_w / 1000
    return GensetUnit(
        key=genset.key,
        min_w=genset.min_power_w,
        max_w=genset.max_power_w,
        fuel_per_kwh=fuel.per_kwh,
        idle_fuel_per_h=fuel.idle_per_h,
        start_cost=genset.price_of_start,
        min_run_slots=slots_for(genset.min_run_minutes),
        min_pause_slots=slots_for(genset.min_pause_minutes),
        warm_up_slots=-(-genset.warm_up_minutes // SLOT_MINUTES),
        starts_per_day=genset.max_starts_per_day,
        run_hours_left=left_h,
        blocked=tuple(Window(first, end) for first, end in blocked),
        was_on=now.is_on,
        state_slots=now.slots,
        starts_before=now.starts_today,
        service_per_h=genset.service_cost_per_h,
        even_per_h=place * EVEN_HOURS * hour_costs,
        lead_h=genset.lead_s / HOUR_S,
        cool_down_h=genset.cool_down_s / HOUR_S,
        starts_per_2h=genset.max_starts_per_2h,
        started_ago=now.started_ago,
        low_load_w=genset.low_load_pct / 100 * genset.max_power_w,
        low_load_slots=slots_for(genset.low_load_minutes),
        low_load_before=now.low_load_slots,
        ramp_w_per_s=None if genset.ramp_pct_per_s is None else genset.ramp_pct_per_s / 100 * genset.max_power_w,
        over_hours=over_h,
        over_hours_price_per_h=genset.late_service_price_per_h,
        co2_kg_per_kwh=genset.co2,
        unbilled_per_kwh=co2_price * (genset.co2 or 0.0),
    )


def _budget(genset: Genset, run_h: float, service: Service) -> tuple[float | None, float]:
    """Hours left to the service, and those of its tolerance; what has been run beyond them is taken off the second.

    Where hours are counted here they are gone by; else the number of the site file, less what has been run since.
    """
    if service.hours_left is not None:
        left_h = max(0.0, service.hours_left)
        end_h = service.run_hours_left
        return (None, 0.0) if end_h is None else (min(left_h, end_h), max(0.0, end_h - left_h))
    if genset.run_hours_left is None:
        return None, 0.0
    left_h = genset.run_hours_left - run_h
    return max(0.0, left_h), max(0.0, genset.run_hours_tolerance + min(0.0, left_h))
