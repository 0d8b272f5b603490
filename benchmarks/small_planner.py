"""A second planner, written apart from the first: every law in its plainest form, slow, for small problems.

It reads the JSON form of a problem and knows nothing of the package: true states instead of parts within a band, a
switch wherever the law says "or", each run and pause spelled out slot by slot. `optimum` gives the least money; a
difference to the planner's is a fault of one of the two.
"""

from __future__ import annotations

import math
from typing import Any

import small_devices as devices
import small_gensets
from small_model import H, Model, Term

Json = dict[str, Any]


def optimum(problem: Json, gap: float = 1e-6, time_limit_s: float = 60.0) -> tuple[str, float]:
    """Status of the solver and the least money, in the problem's currency."""
    site = Site(problem)
    return site.model.solve(gap, time_limit_s)


class Site:
    """The model of one problem; ``bus`` collects what feeds (+) and draws (-) per slot, kW.

    ``given`` are purchases, discharges and gensets with their most, ``sunny`` cars that may have only so much of them,
    ``cells`` charge and discharge of each battery with their most, ``held`` its energy at the start and per slot.
    """

    def __init__(self, problem: Json) -> None:
        self.p, self.model = problem, Model()
        self.n = len(problem["buy_per_kwh"])
        self.bus: list[list[Term]] = [[] for _ in range(self.n)]
        self.ac: dict[str, list[list[Term]]] = {}
        self.given: list[list[tuple[int, float]]] = [[] for _ in range(self.n)]
        self.cells: list[list[tuple[tuple[int, float], tuple[int, float]]]] = [[] for _ in range(self.n)]
        self.held: list[tuple[float, list[int]]] = []
        self.sunny: list[list[tuple[int, float, float, float]]] = [[] for _ in range(self.n)]
        self.owed_kw = [0.0] * self.n
        self.given_kw = [0.0] * self.n
        devices.pv(self)
        devices.batteries(self)
        devices.inverters(self)
        devices.cars(self)
        devices.heat_pumps(self)
        devices.machines(self)
        small_gensets.gensets(self)
        _meter(self)
        devices.sunny(self)


def _meter(site: Site) -> None:
    """What is missing is bought, what is too much is sold, one of the two; beyond a limit only what is unavoidable."""
    p, m, grid = site.p, site.model, site.p["grid"]
    peaks = [m.var(0.0, math.inf, grid["peak_price_per_kw"]) for _ in (0, *grid["peak_breaks"])]
    drawn: dict[tuple[int, int], list[int]] = {}
    for t in range(site.n):
        limit, most_out = grid["import_limit_w"][t] / 1e3, grid["export_limit_w"][t] / 1e3
        for event in grid["events"]:
            if event["limit_w"] is not None and event["first"] <= t < event["end"]:
                limit = min(limit, event["limit_w"] / 1e3)
        load = p["load_w"][t] / 1e3
        least_out = min(most_out, max(0.0, -limit))
        net_limit, limit = max(limit, -most_out), max(0.0, limit)
        alone = load + site.owed_kw[t] - _alone_kw(p, t, False)
        if least_out > 0:
            short = m.var(0.0, max(0.0, alone - net_limit) - max(0.0, alone), H * grid["over_limit_price_per_kwh"])
        extra_in = max(0.0, load + site.owed_kw[t] - _alone_kw(p, t, False) - limit)
        extra_out = max(0.0, _alone_kw(p, t, True) + site.given_kw[t] - load - most_out)
        counted = p["buy_per_kwh"][t] + (grid["unbilled_per_kwh"][t] if grid["unbilled_per_kwh"] else 0.0)
        bought = m.var(0.0, limit + extra_in, H * counted)
        site.given[t].append((bought, limit + extra_in))
        sold = m.var(0.0, most_out + extra_out, -H * p["sell_per_kwh"][t])
        for power, within, extra in ((bought, limit, extra_in), (sold, most_out, extra_out)):
            over = m.var(0.0, extra, H * grid["over_limit_price_per_kwh"])
            m.row([(power, 1.0), (over, -1.0)], -math.inf, within)
        if p["exclusive"]:
            m.either((bought, limit + extra_in), (sold, most_out + extra_out))
        if least_out > 0:
            m.row([(sold, 1.0), (short, 1.0)], least_out, math.inf)
        for charge, discharge in site.cells[t]:
            if any(w["first"] <= t < w["end"] for w in grid["no_grid_to_battery"]):
                m.either(charge, (bought, limit + extra_in))
            if any(w["first"] <= t < w["end"] for w in grid["no_battery_to_grid"]):
                m.either(discharge, (sold, most_out + extra_out))
        period = sum(t >= at for at in grid["peak_breaks"])
        drawn.setdefault((period, (t + grid["peak_gone_slots"]) // max(1, grid["peak_slots"])), []).append(bought)
        m.row([*site.bus[t], (bought, 1.0), (sold, -1.0)], load, load)
        for event in grid["events"]:
            if event["price_per_kwh"] > 0 and event["first"] <= t < event["end"]:
                base = event["baseline_w"] / 1e3
                most = max(0.0, base + (most_out + extra_out if event["is_net"] else 0.0))
                reduced = m.var(0.0, most, -H * event["price_per_kwh"])
                yes = m.var(0.0, 1.0, integer=True)
                m.row([(reduced, 1.0), (yes, -most)], -math.inf, 0.0)
                top = max(base, limit + extra_in)
                net: list[Term] = [(bought, 1.0), *([(sold, -1.0)] if event["is_net"] else [])]
                m.row([(reduced, 1.0), *net, (yes, top - base)], -math.inf, top)
    _peaks(site, peaks, drawn)


def _peaks(site: Site, peaks: list[int], drawn: dict[tuple[int, int], list[int]]) -> None:
    """The mean of each interval is at most the peak of its period, and what was reached of that costs nothing."""
    grid = site.p["grid"]
    for (period, number), powers in drawn.items():
        free = grid["peak_floor_w"] if period else grid["peak_so_far_w"]
        is_begun = (period, number) == (0, 0) and grid["peak_gone_wh"] is not None
        gone, before = (grid["peak_gone_slots"], grid["peak_gone_wh"] / 1e3 / H) if is_begun else (0, 0.0)
        share = 1.0 / (len(powers) + gone)
        terms = [(peaks[period], 1.0), *((power, -share) for power in powers)]
        site.model.row(terms, before * share - free / 1e3, math.inf)


def _alone_kw(p: Json, t: int, stiff: bool) -> float:
    """PV on the bus without anybody's help, all of it or what cannot be curtailed: inverters pass their AC limit."""
    arrays = {a["key"]: a["available_w"][t] / 1e3 for a in p["pv"] if not (stiff and a["curtailable"])}
    total = sum(arrays.values())
    for inverter in p["inverters"]:
        behind = sum(arrays.get(key, 0.0) for key in inverter["pv"])
        total -= max(0.0, behind - inverter["ac_limit_w"] / 1e3)
    return total
