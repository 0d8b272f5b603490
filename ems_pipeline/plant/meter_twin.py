"""The twin of a meter: what flows through it in three equal phases, with the voltage of a stiff grid.

By the names the shipped maps share: `power` and `power_l{n}`, `voltage_l{n}`, `energy_import_l{n}` and their kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ems_pipeline.plant.twin import Twin

VOLTAGE_V, POWER_FACTOR = 230.0, 0.98
"""What it finds on each phase, whatever flows."""
TANGENT = math.tan(math.acos(POWER_FACTOR))
"""Reactive power per active power."""
PHASES = (1, 2, 3)


class MeterTwin(Twin):
    """A device that only measures; one that tells no power shows just what the site's instruments read."""

    def live(self) -> dict[str, float]:
        found = super().live()
        if (total_w := self._total("power", found)) is None:
            return found
        energies = {way: self._total(way, found) or 0.0 for way in ("energy_import", "energy_export")}
        whole = {"voltage_ln_avg": VOLTAGE_V, "voltage_ll_avg": VOLTAGE_V * math.sqrt(3)}
        whole |= {"power_factor": math.copysign(POWER_FACTOR, total_w), "energy_total": sum(energies.values())}
        whole |= {"apparent_power": abs(total_w) / POWER_FACTOR, "current_avg": _current_a(total_w / 3)}
        whole |= {"reactive_power": total_w * TANGENT, "phase_angle": math.degrees(math.acos(POWER_FACTOR))}
        whole |= {"import_power": max(total_w, 0.0), "export_power": max(-total_w, 0.0), "power_demand": total_w}
        counted = energies | {"energy_total": whole["energy_total"]}
        counted |= {f"reactive_{way}": wh * TANGENT for way, wh in counted.items()}
        whole |= counted | {f"resettable_{way}": wh for way, wh in counted.items()}
        phases = [_phase(n, total_w / 3) | {f"{way}_l{n}": wh / 3 for way, wh in counted.items()} for n in PHASES]
        return found | whole | {"current_sum": 3 * whole["current_avg"]} | phases[0] | phases[1] | phases[2]

    def _total(self, name: str, found: Mapping[str, float]) -> float | None:
        """What flows through all phases, by a point of that name or by the quantity that is the sum of its phases."""
        if point := self.point_map.by_name.get(name):
            return found.get(point.key)
        sums = (quantity for quantity, rule in self.point_map.derived.items() if f"{name}_l1" in rule.sum)
        return found.get(next(sums, ""))


def _phase(n: int, power_w: float) -> dict[str, float]:
    return {
        f"voltage_l{n}": VOLTAGE_V,
        f"voltage_l{n}_l{n % 3 + 1}": VOLTAGE_V * math.sqrt(3),
        f"current_l{n}": _current_a(power_w),
        f"power_l{n}": power_w,
        f"apparent_power_l{n}": abs(power_w) / POWER_FACTOR,
        f"reactive_power_l{n}": power_w * TANGENT,
        f"power_factor_l{n}": math.copysign(POWER_FACTOR, power_w),
    }


def _current_a(power_w: float) -> float:
    return abs(power_w) / POWER_FACTOR / VOLTAGE_V
