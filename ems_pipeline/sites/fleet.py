"""Several batteries that are planned and told as one: what they are together, and who of them takes how much. Pure.

Each keeps its own device, measurement, set-point and proof; only what is wanted is shared out. A share goes by what a
battery has to give or room to take, within its own limit, so that they fill and empty together, and all go one way:
energy that one gives another to take is lost twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from ems_pipeline import units
from ems_pipeline.sites.electric import Battery, PvArray
from ems_pipeline.sites.record import Key, Record
from ems_pipeline.sites.wiring import HybridInverter

FULL_PCT = 100.0
LEAST = 1e-3
"""Of watts or watt-hours: less is nothing."""


class Fleet(Record):
    """Batteries, each with a device of its own, that are planned and told as one."""

    key: Key
    batteries: tuple[Key, ...] = Field(min_length=2)

    def members(self, batteries: Sequence[Battery]) -> list[Battery]:
        """Those of the batteries that belong to it, in its own order."""
        by_key = {battery.key: battery for battery in batteries}
        return [by_key[key] for key in self.batteries if key in by_key]

    def whole(self, batteries: Sequence[Battery]) -> Battery:
        """All its members as one battery: powers and capacities added, the rest weighted by capacity.

        What obeys for the whole is what obeys for the parts; it names the first of them.
        """
        members = self.members(batteries)
        capacity_wh = sum(b.capacity_wh for b in members)

        def mean(name: str) -> float:
            return float(sum(getattr(b, name) * b.capacity_wh for b in members) / capacity_wh)

        weighted = (
            "charge_efficiency", "discharge_efficiency", "min_soc_pct", "max_soc_pct", "reserve_soc_pct",
            "keep_at_end_pct", "wear_per_kwh",
        )  # fmt: skip
        return Battery(
            key=self.key,
            device=members[0].device,
            capacity_wh=capacity_wh,
            charge_limit_w=sum(b.charge_limit_w for b in members),
            discharge_limit_w=sum(b.discharge_limit_w for b in members),
            **{name: mean(name) for name in weighted},
        )


def shares(total_w: float, weights: Sequence[float], limits_w: Sequence[float]) -> list[float]:
    """A power >= 0 shared out by weights >= 0, to nobody more than his limit, W.

    What one cannot take the others do, as far as they can: the sum is the total, or all that those with a weight may.
    """
    given = [0.0] * len(weights)
    is_open = [weight >= LEAST and limit_w > 0 for weight, limit_w in zip(weights, limits_w, strict=True)]
    left_w = max(0.0, total_w)
    while any(is_open) and left_w >= LEAST:
        per_weight = left_w / sum(w for w, o in zip(weights, is_open, strict=True) if o)
        full = [i for i, o in enumerate(is_open) if o and per_weight * weights[i] >= limits_w[i] - given[i]]
        if not full:
            return [g + per_weight * w * o for g, w, o in zip(given, weights, is_open, strict=True)]
        for i in full:
            left_w -= limits_w[i] - given[i]
            given[i], is_open[i] = limits_w[i], False
    return given


def faults(
    fleets: Sequence[Fleet],
    batteries: Sequence[Battery],
    arrays: Sequence[PvArray],
    inverters: Sequence[HybridInverter],
    assets: Sequence[Key],
) -> Iterator[str]:
    """What fleets ask that cannot be, each with its remedy."""
    known = {battery.key: battery for battery in batteries}
    named = [key for fleet in fleets for key in fleet.batteries]
    with_modules = {array.device for array in arrays} - {None}
    shared = {key for inverter in inverters for key in inverter.batteries}
    yield from (f"fleet {f.key!r} has the key of an asset; give it another" for f in fleets if f.key in assets)
    for key in dict.fromkeys(named):
        battery = known.get(key)
        if battery is None:
            yield f"a fleet names battery {key!r}; known: {sorted(known)}"
        elif named.count(key) > 1:
            yield f"battery {key!r} is named twice by fleets; it can be told one thing at a time"
        elif battery.device is None or [b.device for b in batteries].count(battery.device) > 1:
            yield f"battery {key!r} of a fleet needs a device of its own; name one"
        elif battery.device in with_modules or key in shared:
            yield f"battery {key!r} shares its inverter with modules or others; leave it out of the fleet"
        elif battery.at_times or battery.spare_band or battery.discharge_wear_per_kwh is not None:
            yield (
                f"battery {key!r} of a fleet has at_times, spare_band or discharge_wear_per_kwh, which no whole has; "
                "leave them out"
            )
        elif battery.loses or battery.empty_taper or battery.least_charge_w or battery.least_discharge_w:
            yield (
                f"battery {key!r} of a fleet has self_discharge_pct_per_day, standby_w, empty_taper or a least power, "
                "which no whole has; leave them out"
            )
        elif battery.efficiency_steps or battery.efficiency_bands or battery.taper:
            yield f"battery {key!r} of a fleet has steps, bands or a taper, which no whole has; give it constant ones"


def after_slot(battery: Battery, soc_pct: float, power_w: float) -> float:
    """Charge at the end of a quarter-hour at a power (> 0 discharge), %, within empty and full."""
    factor = 1 / battery.discharge_efficiency if power_w > 0 else battery.charge_efficiency
    after_pct = soc_pct - FULL_PCT * units.slot_energy_wh(power_w) * factor / battery.capacity_wh
    return min(max(after_pct, 0.0), FULL_PCT)


def stop_pct(battery: Battery, soc_pct: float, power_w: float) -> float:
    """Where a battery is to stop that has its share of a power for a quarter-hour: what the whole is to come to is no
    target of a part."""
    after_pct = after_slot(battery, soc_pct, power_w)
    return math.floor(after_pct * 10) / 10 if power_w > 0 else math.ceil(after_pct * 10) / 10


def by_charge(
    batteries: Sequence[Battery], soc_pct: Mapping[str, float], *, charging: bool, to_pct: float
) -> list[float]:
    """Weight of each battery: room up to ``to_pct`` where it is to charge, else what it holds above it; of one whose
    charge nobody knows, nothing."""
    found = []
    for battery in batteries:
        soc = soc_pct.get(battery.key)
        if soc is None:
            found.append(0.0)
            continue
        room_pct = min(to_pct, battery.max_soc_pct) - soc if charging else soc - max(to_pct, battery.reserve_soc_pct)
        found.append(max(0.0, room_pct) * battery.capacity_wh / 100.0)
    return found
