"""Interruptible loads of a site, and groups of loads, as planning records: wall-clock windows become slots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from ems_pipeline import time_grid, units
from ems_pipeline.plan.assembly.inputs import PlanInputs
from ems_pipeline.plan.assembly.machines import daily, slots_for
from ems_pipeline.plan.assembly.spans import slots_of, windows_where
from ems_pipeline.plan.problem import LoadGroup, RunTime, SwitchedLoad
from ems_pipeline.sites import DeferrableLoad, Site


def switched_loads(site: Site, inputs: PlanInputs, zone: ZoneInfo) -> Iterator[SwitchedLoad]:
    """Every interruptible load with its windows; what it ran in the one under way counts."""
    n, buy = len(inputs.starts), np.asarray(inputs.buy_per_kwh, dtype=float)
    for machine in site.deferrables:
        if not machine.is_interruptible:
            continue
        now, total = inputs.state.machines.get(machine.key), slots_for(machine.run_minutes)
        ceiling = machine.most_price_per_kwh
        yield SwitchedLoad(
            machine.key,
            machine.power_w,
            tuple(_run_times(machine, inputs, zone)),
            machine.skip_price / (units.SLOT_HOURS * total),
            slots_for(machine.min_run_minutes),
            slots_for(machine.min_pause_minutes),
            None if now is None else now.is_on,
            None if now is None else now.slots,
            windows_where(_is_quiet(machine, inputs.starts, zone)[:n]),
            None if ceiling is None else np.where(buy > ceiling, 0.0, machine.power_w),
            ceiling,
        )


def _run_times(machine: DeferrableLoad, inputs: PlanInputs, zone: ZoneInfo) -> Iterator[RunTime]:
    """What is left to run in each window; of one that ends after the horizon only what cannot wait until then.

    Of a window that has begun it has to be known what was run in it.
    """
    starts, total = inputs.starts, slots_for(machine.run_minutes)
    for day, begins, ends in daily(machine.window, starts, zone):
        begun, had = begins < starts[0], inputs.state.ran.get(machine.key)
        if day.weekday() not in machine.weekdays or (begun and had is None):
            continue
        first, end = slots_of(begins, ends, starts, whole=True)
        after = time_grid.slots(starts[-1] + time_grid.SLOT, ends) if end > len(starts) else []
        later = len(after) - sum(_is_quiet(machine, after, zone))
        done, begun_times = (had.slots, had.starts) if begun and had is not None else (0, 0)
        most = None if machine.max_starts is None else max(0, machine.max_starts - begun_times)
        if first < min(end, len(starts)):
            yield RunTime(first, min(end, len(starts)), max(0, total - done - later), most)


def _is_quiet(machine: DeferrableLoad, starts: list[datetime], zone: ZoneInfo) -> list[bool]:
    """Which slots its quiet hours touch."""
    spans = [span for window in machine.quiet_hours for span in (daily(window, starts, zone) if starts else ())]
    return [any(begins < at + time_grid.SLOT and at < ends for _, begins, ends in spans) for at in starts]


def load_groups(site: Site) -> tuple[LoadGroup, ...]:
    """The groups of loads of a site."""
    return tuple(LoadGroup(group.key, group.loads, group.most_at_once) for group in site.load_groups)
