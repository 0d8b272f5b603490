"""What machines have done until now, from measured quarter-hours and from the plans that were in force.

Pure. Series have one entry per slot, the oldest first; the last is the slot under way at the decision, which ends where
the horizon begins. Power is measured; where it was not, the plan in force is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ems_pipeline.plan.assembly.inputs import MachineState, RunSoFar

Flags = Sequence[bool | None]
"""Per slot: yes, no, not known."""
TWO_HOURS = 8
"""Slots."""


def state(loaded: Flags, planned: Flags, warm_up_slots: int, slots_today: int) -> MachineState | None:
    """Whether a machine runs, since when and how often it was started today; None when nothing is known of it.

    Args:
        loaded: whether it carried load, as measured.
        planned: whether the plan in force had it on.
        warm_up_slots: it turns so long without load after a start that the plan asked for.
        slots_today: how many of the last slots belong to the local day of the horizon's first slot.
    """
    on = _on(loaded, planned, warm_up_slots)
    if not on or on[-1] is None:
        return None
    stretch = next((k for k, here in enumerate(reversed(on)) if here is not on[-1]), None)
    begun = [here is True and before is False for before, here in pairwise(on)]
    starts_today = sum(begun[-slots_today:]) if slots_today else 0
    ago = tuple(k for k, here in enumerate(reversed(begun[-TWO_HOURS:]), 1) if here)
    return MachineState(bool(on[-1]), stretch, starts_today, ago)


def _on(loaded: Flags, planned: Flags, warm_up_slots: int) -> list[bool | None]:
    """With load it is on; without, it may still warm up: its plan switched it on so lately."""
    on: list[bool | None] = []
    asked = 0
    for load, plan in zip(loaded, planned, strict=True):
        asked = asked + 1 if plan else 0
        on.append(plan if load is None else load or 0 < asked <= warm_up_slots)
    return on


def slots_into_run(loaded: Flags, planned: Flags) -> int | None:
    """How many slots ago a machine that runs once began, in a series that begins with its window; None: it waits.

    Its first load counts: a profile may rest within the run.
    """
    on = _on(loaded, planned, 0)
    return next((len(on) - t for t, here in enumerate(on) if here), None)


def ran(loaded: Flags, planned: Flags, was_on: bool | None) -> RunSoFar:
    """For how many slots a machine has run, and how often it was started, in a series that begins with its window.

    Args:
        was_on: whether it ran just before the series.
    """
    on = _on(loaded, planned, 0)
    begun = [here is True and before is not True for before, here in pairwise([was_on, *on])]
    return RunSoFar(sum(here is True for here in on), sum(begun))
