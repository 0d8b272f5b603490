"""Why a set stands still or carries load; each claim is checked before it is made."""

from __future__ import annotations

from ems_pipeline import units
from ems_pipeline.plan.model.laws.obligations import allowed, may_turn, must_pause, must_run
from ems_pipeline.plan.problem import GensetUnit
from ems_pipeline.plan.result.plan import Plan
from ems_pipeline.plan.wording import sentences as say
from ems_pipeline.plan.wording.reasons import at_most, price, unknown


def off(plan: Plan, i: int, t: int) -> str:
    """Why a set stands still."""
    unit, worth = plan.problem.gensets[i], _meter(plan, t)
    if any(w.first <= t < w.end for w in unit.blocked):
        return say.QUIET()
    if unit.run_hours_left is not None and unit.run_hours_left + unit.over_hours < units.SLOT_HOURS:
        return say.SERVICE_DUE()
    if t < must_pause(unit, plan.problem.slots):
        return say.MUST_PAUSE()
    if may_turn(unit, plan.problem.slots)[t] < allowed(unit, plan.problem.slots)[t]:
        return say.COOLS_BEFORE_QUIET()
    if worth is not None and at_most(worth, unit.fuel_per_kwh):
        return say.FUEL_DEARER(worth=price(plan, worth), fuel=price(plan, unit.fuel_per_kwh))
    if _starts_are_spent(plan, unit, t):
        return say.STARTS_SPENT(most=str(unit.starts_per_day))
    return f"{say.RESTS()} {unknown(plan, t)}"


def _starts_are_spent(plan: Plan, unit: GensetUnit, t: int) -> bool:
    """Whether a set has had its starts of the first local day when the horizon begins."""
    _, end = plan.problem.days[0]
    return unit.starts_per_day is not None and unit.starts_before >= unit.starts_per_day and t < end


def runs(plan: Plan, i: int, t: int) -> str:
    """Why a set carries load."""
    unit, worth = plan.problem.gensets[i], _meter(plan, t)
    if t < must_run(unit, plan.problem.slots):
        return say.MUST_RUN()
    if beside := _beside(plan, unit, t):
        return beside
    if worth is not None and at_most(unit.fuel_per_kwh, worth):
        return say.GENERATE_WORTH(worth=price(plan, worth), fuel=price(plan, unit.fuel_per_kwh))
    return f"{say.GENERATE()} {unknown(plan, t)}"


def _beside(plan: Plan, unit: GensetUnit, t: int) -> str:
    """That the sets of its board are needed together, where the largest of them alone would not do."""
    for board in plan.problem.switchboards:
        if unit.key not in board.gensets:
            continue
        loaded = [k for k, other in enumerate(plan.problem.gensets)
                  if other.key in board.gensets and plan.genset_w[k, t] > 0]  # fmt: skip
        total_w = float(plan.genset_w[loaded, t].sum())
        others = ", ".join(key for k in loaded if (key := plan.problem.gensets[k].key) != unit.key)
        if others and total_w > max(plan.problem.gensets[k].max_w for k in loaded) - board.spare_w:
            return say.NOT_ALONE(others=others, power=f"{total_w:.0f} W", spare=f"{board.spare_w:.0f} W")
    return ""


def _meter(plan: Plan, t: int) -> float | None:
    return None if plan.marginals is None else float(plan.marginals.meter_per_kwh[t])
