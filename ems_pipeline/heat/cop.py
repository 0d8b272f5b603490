"""Coefficient of performance of a heat pump by outdoor and flow temperature.

``COP = efficiency * T_flow / (T_flow - T_outdoor)`` in kelvin: the Carnot limit times an efficiency, stated in
the site file (0.35-0.5 for air-to-water machines) until `fit` has learned it, and its drift with the temperature lift,
from measured history. ``fn_cop_estimate`` in the database is the same formula with the same limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ems_pipeline import units
from ems_pipeline.arrays import Array

MIN_LIFT_K = 15.0
"""The refrigerant's lift never falls below this (heat exchangers need a difference): mild days do not give COP 20."""
MIN_COP, MAX_COP = 1.0, 8.0
REFERENCE_LIFT_K = 35.0
PRIOR_SAMPLES = 50.0
"""The stated efficiency weighs as much as so many measured quarter-hours."""
PRIOR_DRIFT_PER_K = 0.005
"""Expected size of the drift; larger slopes need more evidence (ridge)."""


@dataclass(frozen=True)
class CopCurve:
    """Efficiency at a lift of `REFERENCE_LIFT_K` and its change per kelvin of lift; ``samples`` behind the fit."""

    efficiency: float
    drift_per_k: float = 0.0
    samples: int = 0

    def cop(self, outdoor_c: ArrayLike, flow_c: ArrayLike) -> Array:
        """COP for outdoor and flow temperatures (broadcast), between `MIN_COP` and `MAX_COP`."""
        efficiency = self.efficiency + self.drift_per_k * (_lift_k(outdoor_c, flow_c) - REFERENCE_LIFT_K)
        return np.clip(efficiency * carnot_cop(outdoor_c, flow_c), MIN_COP, MAX_COP)


def carnot_cop(outdoor_c: ArrayLike, flow_c: ArrayLike) -> Array:
    """The thermodynamic limit of heating, ``T_hot / (T_hot - T_cold)`` in kelvin (lift at least `MIN_LIFT_K`)."""
    return units.kelvin(np.asarray(flow_c, dtype=float)) / _lift_k(outdoor_c, flow_c)


def _lift_k(outdoor_c: ArrayLike, flow_c: ArrayLike) -> Array:
    return np.asarray(np.maximum(np.asarray(flow_c, dtype=float) - np.asarray(outdoor_c, dtype=float), MIN_LIFT_K))


def fit(cop_history: pl.DataFrame, carnot_efficiency: float) -> CopCurve:
    """The curve that measured quarter-hours support, leaning on the stated one while they are few.

    Least squares of ``cop / carnot = efficiency + drift * (lift - 35 K)`` with a ridge toward the stated one and no
    drift; rows further than three scaled median deviations from the median (defrosting, meters out of step) are left
    out.

    Args:
        cop_history: ``[outdoor_c, flow_c, cop]`` per running quarter-hour; nulls and COP outside 1..8 are left out.
        stated_efficiency: `HeatPump.carnot_efficiency`.
    """
    rows = cop_history.select("outdoor_c", "flow_c", "cop").drop_nulls()
    rows = rows.filter(pl.col("cop").is_between(MIN_COP, MAX_COP, closed="none"))
    if rows.is_empty():
        return CopCurve(carnot_efficiency)
    outdoor_c, flow_c, cop = (rows[c].cast(pl.Float64).to_numpy() for c in rows.columns)
    efficiency = cop / carnot_cop(outdoor_c, flow_c)
    deviation = np.abs(efficiency - np.median(efficiency))
    kept = deviation <= 3 * max(1.4826 * float(np.median(deviation)), 0.01)
    lift = _lift_k(outdoor_c, flow_c)[kept] - REFERENCE_LIFT_K
    left = efficiency[kept] - carnot_efficiency
    normal = np.array([[lift.size + PRIOR_SAMPLES, lift.sum()], [lift.sum(), lift @ lift]])
    spread = max(float(np.std(left)), 0.01)
    normal[1, 1] += (spread / PRIOR_DRIFT_PER_K) ** 2
    shift, drift = np.linalg.solve(normal, np.array([left.sum(), lift @ left]))
    return CopCurve(carnot_efficiency + float(shift), float(drift), int(kept.sum()))
