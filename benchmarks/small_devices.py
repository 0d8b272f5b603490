"""The devices of `small_planner`, one function each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from small_model import H, Model, Term

if TYPE_CHECKING:
    from small_planner import Site

Json = dict[str, Any]


def pv(site: Site) -> None:
    """An array gives what the sky offers or less; what cannot be curtailed is only clipped by its inverter."""
    m = site.model
    behind = {key: inverter for inverter in site.p["inverters"] for key in inverter["pv"]}
    for t in range(site.n):
        stiff: dict[str, list[tuple[int, float]]] = {}
        for array in site.p["pv"]:
            most, inverter = array["available_w"][t] / 1e3, behind.get(array["key"])
            clipped = array["curtailable"] or inverter is not None
            used = m.var(0.0 if clipped else most, most)
            site.bus[t].append((used, 1.0))
            if inverter is not None:
                site.ac.setdefault(inverter["key"], [[] for _ in range(site.n)])[t].append((used, 1.0))
                if not array["curtailable"]:
                    stiff.setdefault(inverter["key"], []).append((used, most))
        for inverter in site.p["inverters"]:
            if given := stiff.get(inverter["key"]):
                least = min(sum(most for _, most in given), inverter["ac_limit_w"] / 1e3)
                m.row([(used, 1.0) for used, _ in given], least, math.inf)


def batteries(site: Site) -> None:
    """Cells follow the powers; money for wear, for being outside the window, for the end."""
    behind = {key: inverter["key"] for inverter in site.p["inverters"] for key in inverter["batteries"]}
    for b in site.p["batteries"]:
        before, m = None, site.model
        states: list[int] = []
        floor, ceiling, start = b["floor_wh"] / 1e3, b["ceiling_wh"] / 1e3, b["initial_wh"] / 1e3
        keeps, drawn, alone = (1.0 - b["lost_per_day"]) ** (H / 24), H * b["standby_w"] / 1e3, start
        lowest = start
        for _ in range(site.n):
            lowest = min(lowest, lowest * keeps - drawn)
        for t in range(site.n):
            most_in, most_out = (
                min(b[f"{side}_limit_w"], (b[f"{side}_most_w"] or [math.inf] * site.n)[t]) / 1e3
                for side in ("charge", "discharge")
            )
            charge = m.var(0.0, most_in, H * b["wear_per_kwh"])
            discharge = m.var(0.0, most_out, H * b["discharge_wear_per_kwh"])
            if site.p["exclusive"]:
                m.either((charge, b["charge_limit_w"] / 1e3), (discharge, b["discharge_limit_w"] / 1e3))
            flow = [(discharge, 1.0), (charge, -1.0)]
            site.cells[t].append(((charge, b["charge_limit_w"] / 1e3), (discharge, b["discharge_limit_w"] / 1e3)))
            site.given[t].append((discharge, b["discharge_limit_w"] / 1e3))
            site.bus[t] += flow
            if b["key"] in behind:
                site.ac.setdefault(behind[b["key"]], [[] for _ in range(site.n)])[t] += flow
            alone = alone * keeps - drawn
            cells = m.var(min(floor, alone), max(ceiling, start))
            then: list[Term] = [] if before is None else [(before, -keeps)]
            known = (start * keeps if before is None else 0.0) - drawn
            m.row([(cells, 1.0), *then, *_gained(m, b, charge, discharge, before)], known, known)
            for taper in b["tapers"]:
                _taper(m, b, taper, charge, before, lowest)
            for taper in b["empty_tapers"]:
                _empty_taper(m, b, taper, discharge, before, lowest)
            for power, limit, least in (
                (charge, most_in, b["least_charge_w"] / 1e3),
                (discharge, most_out, b["least_discharge_w"] / 1e3),
            ):
                if least > 0:
                    works = m.var(0.0, 1.0, integer=True)
                    m.row([(power, 1.0), (works, -limit)], -math.inf, 0.0)
                    m.row([(power, 1.0), (works, -least)], 0.0, math.inf)
            m.beyond([(cells, -1.0)], -floor, H * b["outside_price_per_kwh"])
            m.beyond([(cells, 1.0)], ceiling, H * b["outside_price_per_kwh"])
            for kept in b["kept_within"]:
                if kept["first"] <= t < kept["end"]:
                    m.beyond([(cells, -1.0)], -kept["low_wh"] / 1e3, H * kept["price_per_kwh"])
                    m.beyond([(cells, 1.0)], kept["high_wh"] / 1e3, H * kept["price_per_kwh"])
            before = cells
            states.append(cells)
        site.held.append((start, states))
        m.beyond([(before, -1.0)], -b["end_floor_wh"] / 1e3, b["outside_price_per_kwh"])
        counted = m.var(-math.inf, ceiling, -b["end_value_per_kwh"])
        m.row([(counted, 1.0), (before, -1.0)], -math.inf, 0.0)
        m.constant += b["end_value_per_kwh"] * start


def _gained(m: Model, b: Json, charge: int, discharge: int, before: int | None) -> list[Term]:
    """Minus what the cells gain in a slot, kWh, as terms."""
    if b["steps"]:
        edges = [0.0, *(s["upto_w"] / 1e3 for s in b["steps"])]
        gain = _by_segment(m, charge, edges, [s["charge_efficiency"] for s in b["steps"]])
        loss = _by_segment(m, discharge, edges, [1 / s["discharge_efficiency"] for s in b["steps"]])
        return [(i, -H * v) for i, v in gain] + [(i, H * v) for i, v in loss]
    if not b["bands"]:
        return [(charge, -H * b["charge_efficiency"]), (discharge, H / b["discharge_efficiency"])]
    return _by_band(m, b, charge, discharge, before)


def _by_segment(m: Model, power: int, edges: list[float], factors: list[float]) -> list[Term]:
    """A curve through its corners: the power lies in one segment, and the cells see the curve's value there."""
    chosen, parts, value, at = [], [], [], 0.0
    for low, high, factor in zip(edges, edges[1:], factors, strict=False):
        here, part = m.var(0.0, 1.0, integer=True), m.var(0.0, high)
        m.row([(part, 1.0), (here, -high)], -math.inf, 0.0)
        m.row([(part, 1.0), (here, -low)], 0.0, math.inf)
        value += [(part, factor), (here, at - factor * low)]
        chosen.append((here, 1.0))
        parts.append((part, 1.0))
        at += factor * (high - low)
    m.row(chosen, 1.0, 1.0)
    m.row([*parts, (power, -1.0)], 0.0, 0.0)
    return value


def _by_band(m: Model, b: Json, charge: int, discharge: int, before: int | None) -> list[Term]:
    """The band in which the slot begins decides; it ends a Wh short of the next, but for where the cells start."""
    edges = [-math.inf, *(band["upto_wh"] for band in b["bands"][:-1]), math.inf]
    bottom, top = 0.0, max(b["capacity_wh"], b["initial_wh"]) / 1e3
    chosen, value = [], []
    sums: dict[int, list[Term]] = {charge: [(charge, -1.0)], discharge: [(discharge, -1.0)]}
    level: list[list[Term]] = [[], []]
    for band, low, high in zip(b["bands"], edges, edges[1:], strict=False):
        starts_here = low - 0.5 <= b["initial_wh"] < high - 0.5
        here = m.var(0.0, 1.0 if before is not None or starts_here else 0.0, integer=True)
        chosen.append((here, 1.0))
        least, most = low, high - 1.0
        if starts_here:
            least, most = min(least, b["initial_wh"]), max(most, b["initial_wh"])
        level[0].append((here, max(bottom, least / 1e3)))
        level[1].append((here, min(top, most / 1e3)))
        for power, factor, limit in (
            (charge, -H * band["charge_efficiency"], b["charge_limit_w"] / 1e3),
            (discharge, H / band["discharge_efficiency"], b["discharge_limit_w"] / 1e3),
        ):
            part = m.var(0.0, limit)
            m.row([(part, 1.0), (here, -limit)], -math.inf, 0.0)
            sums[power].append((part, 1.0))
            value.append((part, factor))
    m.row(chosen, 1.0, 1.0)
    for terms in sums.values():
        m.row(terms, 0.0, 0.0)
    if before is not None:
        m.row([(before, 1.0), *((i, -v) for i, v in level[0])], 0.0, math.inf)
        m.row([(before, 1.0), *((i, -v) for i, v in level[1])], -math.inf, 0.0)
    return value


def _taper(m: Model, b: Json, taper: Json, charge: int, before: int | None, lowest: float) -> None:
    """The line is read at the energy before the slot, cut to the window."""
    floor, ceiling, start = b["floor_wh"] / 1e3, b["ceiling_wh"] / 1e3, b["initial_wh"] / 1e3
    slope, top = taper["slope_w_per_wh"], (taper["limit_w"] + taper["slope_w_per_wh"] * taper["from_wh"]) / 1e3
    if before is None:
        m.row([(charge, 1.0)], -math.inf, top - slope * min(max(start, floor), ceiling))
        return
    seen, above, below = m.var(floor, ceiling), m.var(0.0, 1.0, integer=True), m.var(0.0, 1.0, integer=True)
    over, under = max(0.0, start - ceiling), max(0.0, floor - lowest)
    m.row([(seen, 1.0), (before, -1.0), (above, over)], 0.0, math.inf)  # not above: seen >= before
    m.row([(seen, 1.0), (above, floor - ceiling)], floor, math.inf)  # above: seen is the ceiling
    m.row([(seen, 1.0), (before, -1.0), (below, -under)], -math.inf, 0.0)
    m.row([(seen, 1.0), (below, ceiling - floor)], -math.inf, ceiling)
    m.row([(above, 1.0), (below, 1.0)], 0.0, 1.0)
    # Which of the three it is follows from where the cells are.
    m.row([(before, 1.0), (above, -(ceiling - min(floor, lowest)))], min(floor, lowest), math.inf)
    m.row([(before, 1.0), (above, -over)], -math.inf, ceiling)
    m.row([(before, 1.0), (below, max(ceiling, start) - floor)], -math.inf, max(ceiling, start))
    m.row([(charge, 1.0), (seen, slope)], -math.inf, top)


def _empty_taper(m: Model, b: Json, taper: Json, discharge: int, before: int | None, lowest: float) -> None:
    """As `_taper`, the other way round: the line falls towards the floor, and is flat below it and above the window."""
    floor, ceiling, start = b["floor_wh"] / 1e3, b["ceiling_wh"] / 1e3, b["initial_wh"] / 1e3
    slope = taper["slope_w_per_wh"]
    bottom = (taper["limit_w"] - slope * taper["from_wh"]) / 1e3
    if before is None:
        m.row([(discharge, 1.0)], -math.inf, bottom + slope * min(max(start, floor), ceiling))
        return
    low, high = min(floor, lowest), max(ceiling, start)
    seen, below = m.var(floor, ceiling), m.var(0.0, 1.0, integer=True)
    m.row([(seen, 1.0), (below, ceiling - floor)], -math.inf, ceiling)  # below: seen is the floor
    m.row([(seen, 1.0), (before, -1.0), (below, -(floor - low))], -math.inf, 0.0)  # else no more than there is
    m.row([(before, 1.0), (below, high - floor)], -math.inf, high)
    m.row([(discharge, 1.0), (seen, -slope)], -math.inf, bottom)


def inverters(site: Site) -> None:
    """What passes an inverter stays within its AC limit, both ways."""
    for inverter in site.p["inverters"]:
        for terms in site.ac.get(inverter["key"], []):
            site.model.row(terms, -inverter["ac_limit_w"] / 1e3, inverter["ac_limit_w"] / 1e3)


def cars(site: Site) -> None:
    """Off or within the range while there; one car at a charger; a fuse for several chargers."""
    m, p = site.model, site.p
    on: dict[tuple[str, int], list[Term]] = {}
    drawn: dict[tuple[str, int], list[Term]] = {}
    for car in p["sessions"]:
        low, high, powers, switches = car["min_w"] / 1e3, car["max_w"] / 1e3, [], []
        for t in range(car["first"], car["end"]):
            free = not any(w["first"] <= t < w["end"] for w in car["blocked"])
            switch, power = _range(m, low, high, free)
            site.bus[t].append((power, -1.0))
            on.setdefault((car["charger"], t), []).append((switch, 1.0))
            drawn.setdefault((car["charger"], t), []).append((power, 1.0))
            if car["anywhere_w"] is not None and car["anywhere_w"][t] < car["max_w"]:
                site.sunny[t].append((power, car["anywhere_w"][t] / 1e3, high, car["batteries_first_wh"] / 1e3))
            if car["spares_batteries"]:
                for _, discharge in site.cells[t]:
                    m.either((power, high), discharge)
            powers.append((power, H))
            switches.append(switch)
        _steady(m, car, switches, powers)
        if low > 0:
            stays(m, switches, car["min_run_slots"], 1, False, None)
        want, need = car["energy_wh"] / 1e3, max(0.0, car["energy_wh"] - car["later_wh"]) / 1e3
        most = max(want, math.ceil(want / (H * high) - 1e-9) * H * low)
        missing, ahead = (
            m.var(0.0, need, car["unmet_price_per_kwh"]),
            m.var(0.0, most - need, -car["later_value_per_kwh"]),
        )
        m.either((missing, need), (ahead, most - need))
        m.row([*powers, (missing, 1.0), (ahead, -1.0)], need, need)
        for step in car["on_the_way"]:
            had = [(power, -H) for power, _ in powers[: step["end"] - car["first"]]]
            m.beyond(had, -step["energy_wh"] / 1e3, car["unmet_price_per_kwh"])
    for switches_then in on.values():
        m.row(switches_then, 0.0, 1.0)
    for fuse in p["fuses"]:
        for t in range(site.n):
            behind = [term for key in fuse["chargers"] for term in drawn.get((key, t), [])]
            m.row(behind, -math.inf, min(fuse["limit_w"], (fuse["most_w"] or [math.inf] * site.n)[t]) / 1e3)


def _steady(m: Model, car: Json, on: list[int], energy: list[Term]) -> None:
    """Idle in a slot where it should not be, and on in any later one or never full: the least power is paid for."""
    hungry, want = m.var(0.0, 1.0, integer=True), car["energy_wh"] / 1e3
    m.row([*energy, (hungry, want)], want, math.inf)
    price = car["unmet_price_per_kwh"] * H * car["min_w"] / 1e3
    for k, here in enumerate(on):
        t = car["first"] + k
        inside = [any(w["first"] <= t < w["end"] for w in car[name]) for name in ("steady", "blocked")]
        if inside == [True, False]:
            idle = m.var(0.0, 1.0, price)
            for later in [*on[k + 1 :], hungry]:
                m.row([(idle, 1.0), (here, 1.0), (later, -1.0)], 0.0, math.inf)


def sunny(site: Site) -> None:
    """A car draws no more than it may from anywhere, or nothing is bought and no battery and no genset gives."""
    m = site.model
    for t, (cars_then, given_then) in enumerate(zip(site.sunny, site.given, strict=True)):
        for power, anywhere, high, first in cars_then:
            yes = m.var(0.0, 1.0, integer=True)
            m.row([(power, 1.0), (yes, anywhere - high)], -math.inf, anywhere)
            for given, most in given_then:
                m.row([(given, 1.0), (yes, most)], -math.inf, most)
            if site.held and t == 0:
                m.row([(yes, first)], -math.inf, sum(start for start, _ in site.held))
            elif site.held:
                m.row([*((states[t - 1], 1.0) for _, states in site.held), (yes, -first)], 0.0, math.inf)


def _range(m: Model, low: float, high: float, free: bool = True) -> tuple[int, int]:
    """A switch, and a power that is 0 or within the range."""
    switch, power = m.var(0.0, float(free), integer=True), m.var(0.0, high)
    m.row([(power, 1.0), (switch, -high)], -math.inf, 0.0)
    m.row([(power, 1.0), (switch, -low)], 0.0, math.inf)
    return switch, power


def stays(m: Model, on: list[int], run: int, pause: int, was_on: bool | None, since: int | None) -> None:
    """Whoever is switched stays so: slot by slot; ``since`` slots in the state of before (None: long enough)."""
    for t in range(len(on)):
        for k in range(1, run):
            if t + k < len(on):
                if t > 0:
                    m.row([(on[t], 1.0), (on[t - 1], -1.0), (on[t + k], -1.0)], -math.inf, 0.0)
                elif was_on is False:
                    m.row([(on[0], 1.0), (on[k], -1.0)], -math.inf, 0.0)
        for k in range(1, pause):
            if t + k < len(on):
                if t > 0:
                    m.row([(on[t - 1], 1.0), (on[t], -1.0), (on[t + k], 1.0)], -math.inf, 1.0)
                elif was_on:
                    m.row([(on[0], -1.0), (on[k], 1.0)], -math.inf, 0.0)
    if since is not None:
        for t in range(min(len(on), (run if was_on else pause) - since)):
            m.row([(on[t], 1.0)], float(bool(was_on)), float(bool(was_on)))


def heat_pumps(site: Site) -> None:
    """House or tank, off or within the range; temperatures follow, and cost outside their band."""
    m = site.model
    for unit in site.p["heat_pumps"]:
        low, high = unit["min_w"] / 1e3, unit["max_w"] / 1e3
        stores = [(unit["store"], unit["cop"])] + ([(unit["tank"], unit["tank_cop"])] if unit["tank"] else [])
        parts = [[_range(m, low, high) for _ in range(site.n)] for _ in stores]
        running = []
        for t in range(site.n):
            is_on = m.var(0.0, 1.0, integer=True)
            m.row([(is_on, 1.0), *((part[t][0], -1.0) for part in parts)], 0.0, 0.0)
            running.append(is_on)
            site.bus[t] += [(part[t][1], -1.0) for part in parts]
        if low > 0:
            stays(m, running, unit["min_run_slots"], unit["min_pause_slots"], unit["was_on"], unit["state_slots"])
            if unit["was_on"] and unit["state_slots"] is not None:
                for t in range(min(site.n, unit["min_run_slots"] - unit["state_slots"])):
                    site.owed_kw[t] += low
        for (store, cop), part in zip(stores, parts, strict=True):
            _temperature(m, store, cop, [power for _, power in part])


def _temperature(m: Model, store: Json, cop: list[float], powers: list[int]) -> None:
    loss, before = store["loss_w_per_k"] / 1e3, None
    keep = math.exp(-H * store["loss_w_per_k"] / store["capacity_wh_per_k"])
    for t, power in enumerate(powers):
        here = m.var(-math.inf, math.inf)
        known = (1 - keep) * (store["ambient_c"][t] + store["gains_w"][t] / 1e3 / loss)
        then: list[Term] = [] if before is None else [(before, -keep)]
        known += keep * store["initial_c"] if before is None else 0.0
        m.row([(here, 1.0), *then, (power, -(1 - keep) * cop[t] / loss)], known, known)
        low, high = store["min_c"], store["max_c"]
        for band in store["bands"]:
            if band["first"] <= t < band["end"]:
                low, high = band["min_c"], band["max_c"]
        m.beyond([(here, -1.0)], -low, H * store["outside_price_per_kh"])
        m.beyond([(here, 1.0)], high, H * store["outside_price_per_kh"])
        before = here
    m.beyond([(before, -1.0)], -store["end_floor_c"], store["outside_price_per_kh"])
    counted = m.var(-math.inf, high, -store["end_value_per_k"])
    m.row([(counted, 1.0), (before, -1.0)], -math.inf, 0.0)
    m.constant += store["end_value_per_k"] * store["initial_c"]


def machines(site: Site) -> None:
    """Once inside the window, or not at a price; two runs of one machine never at once."""
    m = site.model
    runs: dict[tuple[str, int], list[Term]] = {}
    for machine in site.p["deferrables"]:
        profile = machine["profile_w"]
        skipped = m.var(0.0, 1.0, machine["skip_price"], integer=True)
        once: list[Term] = [(skipped, 1.0)]
        for begin in range(machine["first"], machine["end"] - len(profile) + 1):
            chosen = m.var(0.0, 1.0, integer=True)
            once.append((chosen, 1.0))
            for t, power in enumerate(profile, begin):
                site.bus[t].append((chosen, -power / 1e3))
                runs.setdefault((machine["key"], t), []).append((chosen, 1.0))
        m.row(once, 1.0, 1.0)
    for chosen_then in runs.values():
        m.row(chosen_then, 0.0, 1.0)
