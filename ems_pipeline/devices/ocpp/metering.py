"""What a charger's meter says: sampled values of OCPP 1.6 and 2.0.1 -> W, Wh, A, V, %, or why there is none. Pure.

A value without a phase is the whole; where there is none, the phases are added up, and only if all that are wired say
something: what one phase of three draws is not what the car draws. A number that is none, or in a unit that nobody
knows, is missing with its reason, never zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

POWER, ENERGY = "Power.Active.Import", "Energy.Active.Import.Register"
CURRENT, VOLTAGE, CHARGE = "Current.Import", "Voltage", "SoC"
UNITS: Mapping[str, Mapping[str, float]] = {
    POWER: {"": 1.0, "W": 1.0, "kW": 1e3},
    ENERGY: {"": 1.0, "Wh": 1.0, "kWh": 1e3},
    CURRENT: {"": 1.0, "A": 1.0},
    VOLTAGE: {"": 1.0, "V": 1.0},
    CHARGE: {"": 1.0, "Percent": 1.0, "%": 1.0},
}
"""Of the measurands that are taken: their units, and how much of ours one is. Without a unit it is the standard's."""
AT_THE_CAR = frozenset({"EV", "Cable", "Body"})
"""Places where something else than the charger's output is measured."""
PHASES = {"L1": 1, "L1-N": 1, "L2": 2, "L2-N": 2, "L3": 3, "L3-N": 3}


@dataclass(frozen=True, slots=True)
class Sampled:
    """One value as a charger says it, in our unit; ``value`` is None for the ``reason``."""

    measurand: str
    phase: str
    context: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Metered:
    """What one message says of the whole charger, by name; ``missing`` says why something is not among the values."""

    values: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def sampled(item: Any) -> Sampled | None:
    """A sampled value of either version, with keys in snake case; None for one that is about something else."""
    if not isinstance(item, Mapping):
        return None
    measurand = str(item.get("measurand") or ENERGY)
    if measurand not in UNITS or item.get("format") == "SignedData":
        return None
    if measurand != CHARGE and str(item.get("location")) in AT_THE_CAR:
        return None
    phase, context = str(item.get("phase") or ""), str(item.get("context") or "Sample.Periodic")
    measure = item.get("unit_of_measure")
    told = measure if isinstance(measure, Mapping) else item
    unit, power = str(told.get("unit") or ""), told.get("multiplier", 0)
    factor = UNITS[measurand].get(unit)
    if factor is None:
        return Sampled(measurand, phase, context, None, f"{measurand} in {unit!r}, which is no unit of it")
    number = _number(item.get("value"))
    if number is None or not isinstance(power, int) or abs(power) > 9:
        return Sampled(measurand, phase, context, None, f"{measurand} is {str(item.get('value'))[:40]!r}, no number")
    return Sampled(measurand, phase, context, number * factor * 10.0**power)


def _number(value: Any) -> float | None:
    """A finite number, as text (1.6) or as it stands (2.0.1)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def metered(samples: Iterable[Sampled], wired: int) -> Metered:
    """The samples of one instant together; of two that say the same the later one counts.

    Args:
        wired: phases of the charger, as the site file says.
    """
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    by: dict[str, dict[str, Sampled]] = {}
    for sample in samples:
        by.setdefault(sample.measurand, {})[sample.phase] = sample
    for measurand, name in ((POWER, "power"), (ENERGY, "energy_total"), (CHARGE, "car_soc")):
        if measurand in by:
            _take(name, _whole(measurand, by[measurand], wired), values, missing)
    for measurand, name in ((CURRENT, "current"), (VOLTAGE, "voltage")):
        for phase, sample in by.get(measurand, {}).items():
            if phase in PHASES:
                _take(f"{name}_l{PHASES[phase]}", sample, values, missing)
    return Metered(values, missing)


def _take(name: str, sample: Sampled, values: dict[str, float], missing: dict[str, str]) -> None:
    if sample.value is None:
        missing[name] = sample.reason
    else:
        values[name] = sample.value


def _whole(measurand: str, phases: Mapping[str, Sampled], wired: int) -> Sampled:
    """What all phases carry together."""
    if "" in phases:
        return phases[""]
    parts = {PHASES[phase]: sample for phase, sample in phases.items() if phase in PHASES}
    bad = next((s for s in parts.values() if s.value is None), None)
    if bad is not None:
        return bad
    if len(parts) < wired:
        said = ", ".join(f"L{n}" for n in sorted(parts)) or "no phase"
        return Sampled(measurand, "", "", None, f"{measurand} of {said} only, of {wired} phases that are wired")
    return Sampled(measurand, "", "", sum(s.value or 0.0 for s in parts.values()))
