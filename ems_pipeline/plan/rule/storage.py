"""Batteries and PV under the simple rule (`rule`): store what is too much, cover what is missing, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array, Mask
from ems_pipeline.plan.model.laws.bus import import_limit_w, least_export_w
from ems_pipeline.plan.problem import BatteryStore, Problem, covered
from ems_pipeline.plan.result import states
from ems_pipeline.plan.rule.loads import FULL

H = units.SLOT_HOURS


@dataclass
class _Cells:
    """One battery on its way through the slots."""

    battery: BatteryStore
    slots: int
    here_wh: float = field(init=False)
    wanted_wh: list[float] = field(init=False)
    most_w: tuple[list[float], list[float]] = field(init=False)

    def __post_init__(self) -> None:
        b = self.battery
        self.here_wh = b.initial_wh
        self.most_w = b.charging_w(self.slots).tolist(), b.discharging_w(self.slots).tolist()
        per_slot = FULL * H * b.charge_limit_w * b.charge_efficiency
        left = range(self.slots - 1, -1, -1)
        self.wanted_wh = [min(b.ceiling_wh, max(b.floor_wh, b.end_floor_wh - k * per_slot)) for k in left]
        if b.loses:  # what is lost until the end must not lead below the floor
            lasting = b.floor_wh
            for k in left:
                self.wanted_wh[k] = min(b.ceiling_wh, max(self.wanted_wh[k], lasting))
                lasting = (lasting + b.standby_wh) / b.kept_share

    def limits_w(self, t: int) -> tuple[float, float]:
        """Powers that fill and that empty the cells within the slot, as far as it lets them."""
        full, empty = self._cells_w()
        return min(full, self.most_w[0][t]), min(empty, self.most_w[1][t])

    def _cells_w(self) -> tuple[float, float]:
        b, here = self.battery, self.here_wh
        if b.steps or b.bands or b.tapers or b.empty_tapers or b.loses:
            full, empty = states.full_and_empty_w(b, np.array(here))
            return max(0.0, float(full)), float(empty)
        room_w, spare_w = max(0.0, b.ceiling_wh - here) / H, max(0.0, here - b.floor_wh) / H
        return min(b.charge_limit_w, room_w / b.charge_efficiency), min(
            b.discharge_limit_w, spare_w * b.discharge_efficiency
        )

    def lacking_w(self, t: int, full_w: float) -> float:
        """Power with which to charge, whatever it costs: for the reserve, and for what is wanted at the end."""
        left_wh = float(states.left_wh(self.battery, np.array(self.here_wh)))
        return min(full_w, max(0.0, self.wanted_wh[t] - left_wh) / H / self.battery.charge_efficiency)

    def keeping_w(self, t: int, empty_w: float) -> float:
        """Power with which to discharge at most, for what is wanted at the end."""
        left_wh = float(states.left_wh(self.battery, np.array(self.here_wh)))
        return min(empty_w, max(0.0, left_wh - self.wanted_wh[t]) / H * self.battery.discharge_efficiency)

    def move(self, charge_w: float, discharge_w: float) -> None:
        """A slot goes by."""
        b = self.battery
        if b.steps or b.bands:
            gained = float(states.gained_w(b, np.array(self.here_wh), np.array(charge_w), np.array(discharge_w)))
        else:
            gained = charge_w * b.charge_efficiency - discharge_w / b.discharge_efficiency
        self.here_wh = float(states.left_wh(b, np.array(self.here_wh))) + H * gained


@dataclass(frozen=True)
class _Group:
    """Arrays and batteries behind one AC connection (or behind none): what the arrays offer per slot, W.

    ``stiff_w`` is of those that cannot be curtailed.
    """

    limit_w: float
    arrays: list[int]
    cells: list[int]
    offered_w: Array
    stiff_w: Array


def self_use(problem: Problem, net_w: Array, rests: Mask) -> tuple[Array, Array, Array]:
    """PV, charging and discharging per device and slot; ``net_w`` is what all else draws.

    No battery gives where they are to rest (``rests``).

    PV beyond what is drawn and stored is sold as far as selling earns and the limit lets it.
    """
    groups = _groups(problem)
    power_w = _batteries(problem, groups, net_w, rests)
    given_w = [power_w[group.cells].sum(axis=0) for group in groups]
    pv_w = [np.minimum(group.offered_w, group.limit_w - w) for group, w in zip(groups, given_w, strict=True)]
    sellable_w = np.where(problem.sell_per_kwh < 0, least_export_w(problem), problem.grid.export_limit_w)
    spilled_w = np.maximum(sum(pv_w) + sum(given_w) - net_w - sellable_w, 0.0)
    used = np.zeros((len(problem.pv), problem.slots))
    for group, brought_w, batteries_w in zip(groups, pv_w, given_w, strict=True):
        least_w = np.maximum(np.minimum(group.stiff_w, brought_w), -group.limit_w - batteries_w)
        kept_w = np.maximum(least_w, brought_w - spilled_w)
        spilled_w = spilled_w - (brought_w - kept_w)
        _share(problem, group, kept_w, used)
    return used, np.maximum(-power_w, 0.0), np.maximum(power_w, 0.0)


def _groups(problem: Problem) -> list[_Group]:
    """One per inverter, and one for what stands behind none."""
    behind = [(inverter.ac_limit_w, inverter.pv, inverter.batteries) for inverter in problem.inverters]
    others = [{key for _, *keys in behind for key in keys[side]} for side in (0, 1)]
    free = (
        tuple(source.key for source in problem.pv if source.key not in others[0]),
        tuple(battery.key for battery in problem.batteries if battery.key not in others[1]),
    )
    found = []
    for limit_w, arrays, batteries in (*behind, (np.inf, *free)):
        mine = [k for k, source in enumerate(problem.pv) if source.key in arrays]
        cells = [i for i, battery in enumerate(problem.batteries) if battery.key in batteries]
        zero = np.zeros(problem.slots)
        offered_w = sum((problem.pv[k].available_w for k in mine), zero)
        stiff_w = sum((problem.pv[k].available_w for k in mine if not problem.pv[k].curtailable), zero)
        found.append(_Group(limit_w, mine, cells, offered_w, stiff_w))
    return found


def _batteries(problem: Problem, groups: list[_Group], net_w: Array, rests: Mask) -> Array:
    """Power of each battery per slot, > 0 discharges, one after the other in each slot."""
    power_w = [[0.0] * problem.slots for _ in problem.batteries]
    order = [(i, g, _Cells(problem.batteries[i], problem.slots)) for g, group in enumerate(groups) for i in group.cells]
    if not order:
        return np.array(power_w).reshape(0, problem.slots)
    offered = [group.offered_w.tolist() for group in groups]
    missing = (net_w - sum(np.minimum(group.offered_w, group.limit_w) for group in groups)).tolist()
    import_w, wanted = import_limit_w(problem).tolist(), least_export_w(problem).tolist()
    serves_house = covered(problem.grid.no_battery_to_grid, problem.slots).tolist()
    may_not = list(zip(covered(problem.grid.no_grid_to_battery, problem.slots), rests, strict=True))
    for t, lacking_w in enumerate(missing):
        missing_w = lacking_w + wanted[t]  # what is to be exported is not there to be stored
        sold_w = 0.0 if serves_house[t] else wanted[t]
        given = [0.0] * len(groups)
        for i, g, cells in order:
            room_w = groups[g].limit_w - given[g]
            passing_w = min(offered[g][t], room_w)
            power = _follow(
                cells,
                t,
                (offered[g][t], passing_w, room_w, given[g]),
                missing_w,
                import_w[t],
                (*may_not[t], wanted[t] - sold_w),
            )
            power_w[i][t] = power
            given[g] += power
            missing_w -= power + min(offered[g][t], room_w - power) - passing_w
    return np.array(power_w)


def _follow(
    cells: _Cells,
    t: int,
    group: tuple[float, float, float, float],
    missing_w: float,
    import_w: float,
    may_not: tuple[bool, bool, float],
) -> float:
    """Power of one battery (> 0 discharges): it stores what is too much, or covers what is missing.

    Args:
        group: of its AC connection, what the arrays offer, what of it passes, what passes at most, what other
            batteries give, W.
        may_not: be charged while anything is bought; give; of what is missing, serve so much, W.
    """
    offered_w, passing_w, room_w, given_w = group
    full_w, empty_w = cells.limits_w(t)
    surplus_w = max(0.0, -missing_w) + offered_w - passing_w
    bought_w = max(0.0, import_w - max(0.0, missing_w))
    if may_not[0]:
        bought_w, surplus_w = 0.0, surplus_w if missing_w <= 0 else 0.0
    charge_w = max(min(full_w, surplus_w), min(cells.lacking_w(t, full_w), surplus_w + bought_w))
    charge_w = min(charge_w, room_w + 2 * given_w + offered_w)  # the limit holds both ways
    discharge_w = 0.0
    if charge_w <= 0 and missing_w > 0 and not may_not[1]:
        discharge_w = max(0.0, min(missing_w - may_not[2], cells.keeping_w(t, empty_w), room_w - passing_w))
    charge_w = charge_w if charge_w >= cells.battery.least_charge_w else 0.0
    discharge_w = discharge_w if discharge_w >= cells.battery.least_discharge_w else 0.0
    cells.move(charge_w, discharge_w)
    return discharge_w - charge_w


def _share(problem: Problem, group: _Group, brought_w: Array, used: Array) -> None:
    """What the arrays of a group bring together, shared in proportion; those that cannot be curtailed come first."""
    stiff_w = np.minimum(group.stiff_w, brought_w)
    for k in group.arrays:
        is_free = problem.pv[k].curtailable
        taken, of = (brought_w - stiff_w, group.offered_w - group.stiff_w) if is_free else (stiff_w, group.stiff_w)
        share = np.divide(taken, of, out=np.ones(problem.slots), where=of > 0)
        used[k] = problem.pv[k].available_w * share
