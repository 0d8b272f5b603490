"""What a part of the site draws that nobody steers: it is load, and the plan has no say in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.assembly.inputs import EvSession
from ems_pipeline.sites import Charger
from ems_pipeline.time_grid import SLOT


def charging_w(charger: Charger, session: EvSession, starts: Sequence[datetime], *, is_counted: bool = False) -> Array:
    """Mean power per slot of a car that charges with all its charger gives, from its arrival until it is served, W.

    Args:
        is_counted: the charger counts, so that the session wants what is missing; else the car has had what its charger
            gives since it came.
    """
    since_h = 0.0 if is_counted else max(0.0, (starts[0] - session.arrives_at) / timedelta(hours=1))
    power_w, left_wh = np.zeros(len(starts)), max(0.0, session.energy_wh - since_h * charger.max_power_w)
    for t, at in enumerate(starts):
        present = min(session.departs_at, at + SLOT) - max(session.arrives_at, at)
        share = min(1.0, max(0.0, present / SLOT))
        power_w[t] = min(share * charger.max_power_w, left_wh / units.SLOT_HOURS)
        left_wh -= float(units.slot_energy_wh(power_w[t]))
    return power_w
