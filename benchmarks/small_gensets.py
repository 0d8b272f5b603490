"""Generating sets and switchboards of `small_planner`: true states, one row for every slot and every law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from small_devices import stays
from small_model import H, Term

if TYPE_CHECKING:
    from small_planner import Site

Json = dict[str, Any]


@dataclass
class Set:
    """A set and its variables per slot: turning, started, with load, power in kW; ``owed`` slots it must go on."""

    unit: Json
    on: list[int]
    begun: list[int]
    load: list[int]
    power: list[int]
    owed: list[bool]
    loaded_before: bool


def gensets(site: Site) -> None:
    """Each set by itself, then those that share a board."""
    found = {unit["key"]: _set(site, unit) for unit in site.p["gensets"]}
    for board in site.p["switchboards"]:
        _board(site, board, [found[key] for key in board["gensets"]])


def _set(site: Site, unit: Json) -> Set:
    m, n = site.model, site.n
    quiet = [any(w["first"] <= t < w["end"] for w in unit["blocked"]) for t in range(n)]
    if unit["cool_down_h"] > 0:
        may = [not here and not then for here, then in zip(quiet, [*quiet[1:], False], strict=True)]
    else:
        may = [not here for here in quiet]
    turning_h = unit["idle_fuel_per_h"] + unit["service_per_h"] + unit["even_per_h"]
    on = [m.var(0.0, float(may[t]), H * turning_h, integer=True) for t in range(n)]
    since, owed = unit["state_slots"], 0
    if unit["was_on"] and since is not None:
        owed = min(n, _must_stop(unit, may), max(0, unit["min_run_slots"] - since))
        for t in range(owed):
            m.row([(on[t], 1.0)], 1.0, 1.0)
        since = None
    stays(m, on, unit["min_run_slots"], unit["min_pause_slots"], unit["was_on"], since)
    beside = unit["lead_h"] + unit["cool_down_h"]
    begun = [m.var(0.0, 1.0, unit["start_cost"] + turning_h * beside) for _ in range(n)]
    for t in range(n):
        then: list[Term] = [] if t == 0 else [(on[t - 1], 1.0)]
        m.row([(begun[t], 1.0), (on[t], -1.0), *then], -float(unit["was_on"]) if t == 0 else 0.0, math.inf)
        if t and quiet[t - 1] and unit["lead_h"] > 0:
            m.row([(begun[t], 1.0)], 0.0, 0.0)
    turned = (unit["warm_up_slots"] if unit["state_slots"] is None else unit["state_slots"]) if unit["was_on"] else 0
    loads = [_loaded(site, unit, on, t, turned, t < owed) for t in range(n)]
    before = unit["was_on"] and (unit["state_slots"] is None or unit["state_slots"] > unit["warm_up_slots"])
    one = Set(unit, on, begun, [a for a, _, _ in loads], [b for _, b, _ in loads], [c for _, _, c in loads], before)
    _limits(site, one, beside)
    _ramp(site, one)
    _low_load(site, one)
    return one


def _limits(site: Site, one: Set, beside: float) -> None:
    """Hours to the service with their tolerance, starts of a day and of two hours."""
    m, unit = site.model, one.unit
    if unit["run_hours_left"] is not None:
        over = m.var(0.0, unit["over_hours"], unit["over_hours_price_per_h"])
        hours = [(turning, H) for turning in one.on] + [(start, beside) for start in one.begun]
        m.row([*hours, (over, -1.0)], -math.inf, unit["run_hours_left"])
    if unit["starts_per_day"] is not None:
        for first, end in pairwise([0, *site.p["day_breaks"], site.n]):
            left = unit["starts_per_day"] - (unit["starts_before"] if first == 0 else 0)
            m.row([(b, 1.0) for b in one.begun[first:end]], -math.inf, max(0, left))
    if unit["starts_per_2h"] is not None:
        for t in range(site.n):
            past = [ago for ago in unit["started_ago"] if t + ago < 8]
            m.row([(b, 1.0) for b in one.begun[max(0, t - 7) : t + 1]], -math.inf,
                  max(0, unit["starts_per_2h"] - len(past)))  # fmt: skip


def _ramp(site: Site, one: Set) -> None:
    """In the slot in which it begins to carry load the mean is the most, less half of the time it ramps."""
    unit, m = one.unit, site.model
    if unit["ramp_w_per_s"] is None:
        return
    most = unit["max_w"] / 1e3
    loss = most * (unit["max_w"] / unit["ramp_w_per_s"]) / 1800.0
    for t in range(site.n):
        if t:
            m.row([(one.power[t], 1.0), (one.load[t], loss), (one.load[t - 1], -loss)], -math.inf, most)
        elif not one.loaded_before:
            m.row([(one.power[0], 1.0), (one.load[0], loss)], -math.inf, most)


def _low_load(site: Site, one: Set) -> None:
    """Low load is allowed in ``k`` of any ``2 k`` slots; where it must run on, it is."""
    unit, m, k = one.unit, site.model, one.unit["low_load_slots"]
    edge = unit["low_load_w"] / 1e3
    if unit["low_load_w"] <= unit["min_w"]:
        return
    low = [m.var(0.0, 1.0, integer=True) for _ in range(site.n)]
    for t in range(site.n):
        m.row([(one.power[t], 1.0), (one.load[t], -edge), (low[t], edge)], 0.0, math.inf)
    for t in range(site.n):
        window = range(t - 2 * k + 1, t + 1)
        past = sum(1 for at in window if -unit["low_load_before"] <= at < 0)
        inside = [at for at in window if at >= 0]
        m.row([(low[at], 1.0) for at in inside], -math.inf, max(k - past, sum(one.owed[at] for at in inside)))


def _board(site: Site, board: Json, sets: list[Set]) -> None:
    """Two that both carry load carry the same share; whoever carries load, all of them have the spare left."""
    m = site.model
    for t in range(site.n):
        for one, other in combinations(sets, 2):
            share = m.var(-1.0, 1.0)
            m.row([(one.power[t], 1e3 / one.unit["max_w"]), (other.power[t], -1e3 / other.unit["max_w"]),
                   (share, -1.0)], 0.0, 0.0)  # fmt: skip
            for sign in (1.0, -1.0):
                m.row([(share, sign), (one.load[t], 1.0), (other.load[t], 1.0)], -math.inf, 2.0)
        left: list[Term] = []
        for one in sets:
            left += [(one.load[t], one.unit["max_w"] / 1e3), (one.power[t], -1.0)]
        for one in sets:
            m.row([*left, (one.load[t], -board["spare_w"] / 1e3)], 0.0, math.inf)


def _loaded(site: Site, unit: Json, on: list[int], t: int, turned: int, owed: bool) -> tuple[int, int, bool]:
    """Load from the slot on before which it has turned for its warm-up; then at least the minimum."""
    m, warm = site.model, unit["warm_up_slots"]
    load, power = (
        m.var(0.0, 1.0, integer=True),
        m.var(0.0, unit["max_w"] / 1e3, H * (unit["fuel_per_kwh"] + unit["unbilled_per_kwh"])),
    )
    m.row([(power, 1.0), (load, -unit["max_w"] / 1e3)], -math.inf, 0.0)
    m.row([(power, 1.0), (load, -unit["min_w"] / 1e3)], 0.0, math.inf)
    needed = on[max(0, t - warm) : t + 1]
    before_ok = t - warm >= 0 or turned >= warm - t
    for turning in needed:
        m.row([(load, 1.0), (turning, -1.0)], -math.inf, 0.0)
    if before_ok:
        m.row([(load, 1.0), *((turning, -1.0) for turning in needed)], 1.0 - len(needed), math.inf)
        if owed:
            site.given_kw[t] += unit["min_w"] / 1e3
    else:
        m.row([(load, 1.0)], 0.0, 0.0)
    site.bus[t].append((power, 1.0))
    site.given[t].append((power, unit["max_w"] / 1e3))
    return load, power, owed and before_ok


def _must_stop(unit: Json, may: list[bool]) -> int:
    """The first slot in which quiet hours or the next service end a run of before."""
    for t, here in enumerate(may):
        if not here:
            return t
        left = unit["run_hours_left"]
        if left is not None and H * (t + 1) > left + unit["over_hours"] + 1e-9:
            return t
    return len(may)
