"""What a wish would change against the plan, about: before somebody confirms it.

Everything else stays as planned. Energy at the meter counts at its price, energy that is left in a battery afterwards
at what the plan says a kWh there is worth, what a car need not charge later at what a kWh is worth then. So a wish
that is the plan costs nothing, and a small one what it really costs; of a large one it is the least, since what is
stored is worth less the more there is of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ems_pipeline import time_grid, units
from ems_pipeline.api.reading import Row
from ems_pipeline.audit.storage import Storage
from ems_pipeline.sites import Battery, Charger, HeatPump


@dataclass(frozen=True)
class Wanted:
    """A wish, and from when until when."""

    asset: str
    mode: str
    limits: dict[str, float]
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True)
class Effect:
    """Against the plan, > 0 more: money, energy from the grid, energy in the store or the car at the end, kWh.

    ``lacking_kwh``: what a car will not get any more; its owner's to judge. ``engine_cost``: what of the money a
    generating set takes, fuel, engine hours and starts.
    """

    cost: float
    grid_kwh: float
    stored_kwh: float = 0.0
    lacking_kwh: float = 0.0
    engine_cost: float = 0.0


@dataclass(frozen=True)
class Part:
    """A planned quarter-hour, the share of it that the wish holds, and what is planned for the asset in it."""

    slot: Row
    share: float
    asset: Row

    @property
    def planned_w(self) -> float:
        return units.from_kilo(float(self.asset["power_kw"]))

    @property
    def deficit_w(self) -> float:
        """What the site would draw without this battery."""
        others_w = units.from_kilo(float(self.slot["battery_kw"])) - self.planned_w
        need = sum(units.from_kilo(float(self.slot[f"{name}_kw"])) for name in ("load", "ev", "heat_pump"))
        return need - others_w - sum(units.from_kilo(float(self.slot[f"{name}_kw"])) for name in ("pv", "genset"))

    def meter(self, more_w: float) -> tuple[float, float]:
        """Money and kWh that so much more at the meter costs, > 0."""
        planned_w = units.from_kilo(float(self.slot["grid_kw"]))
        money = self._money(planned_w + more_w) - self._money(planned_w)
        return money * self.share, self.kwh(more_w)

    def _money(self, grid_w: float) -> float:
        price = self.slot["buy_per_kwh"] if grid_w > 0 else self.slot["sell_per_kwh"]
        return units.kilo(units.slot_energy_wh(grid_w)) * float(price)

    def kwh(self, power_w: float) -> float:
        """Energy of a power in the part of the quarter-hour, kWh."""
        return units.kilo(units.slot_energy_wh(power_w)) * self.share


def parts(slots: Sequence[Row], wanted: Wanted) -> list[Part] | None:
    """The planned quarter-hours of a wish; None: the plan does not reach as far, or does not know the asset."""
    found, covered = [], timedelta(0)
    for slot in slots:
        begin, end = slot["starts_at"], slot["starts_at"] + time_grid.SLOT
        held = min(end, wanted.until_at) - max(begin, wanted.from_at)
        asset = next((one for one in slot["assets"] if one["asset"] == wanted.asset), None)
        if held <= timedelta(0):
            continue
        if asset is None or any(slot[name] is None for name in ("grid_kw", "buy_per_kwh", "sell_per_kwh")):
            return None
        found.append(Part(slot, held / time_grid.SLOT, asset))
        covered += held
    return found if covered == wanted.until_at - wanted.from_at else None


def of_battery(battery: Battery, planned: Sequence[Part], wanted: Wanted, start_soc_pct: float) -> Effect | None:
    """A battery that does something else; None where the plan says not what a kWh in it is worth."""
    store = Storage.of([battery])
    value = planned[-1].asset["stored_value_per_kwh"]
    if store is None or value is None:
        return None
    act = _acting(store, wanted)
    here_wh = there_wh = start_soc_pct / 100 * store.capacity_wh
    cost = grid_kwh = 0.0
    for part in planned:
        power_w = act(there_wh, part.deficit_w)
        money, kwh = part.meter(part.planned_w - power_w)
        wear = part.kwh(abs(power_w) - abs(part.planned_w)) * battery.wear_per_kwh
        cost, grid_kwh = cost + money + wear, grid_kwh + kwh
        here_wh += store.stored_change_wh(part.planned_w) * part.share
        there_wh += store.stored_change_wh(power_w) * part.share
    stored_kwh = units.kilo(there_wh - here_wh)
    return Effect(cost - stored_kwh * float(value), grid_kwh, stored_kwh)


def _acting(store: Storage, wanted: Wanted) -> Callable[[float, float], float]:
    """Bus power of a battery in a mode, by what it holds (Wh) and what the site lacks (W)."""
    target = wanted.limits.get("target_soc_pct")
    charge_w = wanted.limits.get("charge_limit_w", store.charge_limit_w)
    discharge_w = wanted.limits.get("discharge_limit_w", store.discharge_limit_w)
    up_to = store if target is None else replace(store, ceiling_pct=min(target, store.ceiling_pct))
    down_to = store if target is None else replace(store, floor_pct=max(target, store.floor_pct))

    def takes(stored_wh: float, deficit_w: float) -> float:
        return -store.charge_w(stored_wh, min(max(0.0, -deficit_w), charge_w))

    return {
        "charge": lambda stored_wh, _deficit_w: -up_to.charge_w(stored_wh, charge_w),
        "discharge": lambda stored_wh, _deficit_w: down_to.discharge_w(stored_wh, discharge_w),
        "hold": takes,
        "self-use": lambda stored_wh, deficit_w: (
            store.discharge_w(stored_wh, min(deficit_w, discharge_w)) if deficit_w > 0 else takes(stored_wh, deficit_w)
        ),
    }[wanted.mode]


def of_charger(charger: Charger, planned: Sequence[Part], wanted: Wanted, later: Sequence[Row]) -> Effect:
    """A car that charges now, or not; ``later``: the planned quarter-hours after the wish."""
    current_a = min(wanted.limits.get("current_a", charger.max_current_a), charger.max_current_a)
    phases = wanted.limits.get("phases", charger.phases)
    power_w = phases * charger.voltage_v * current_a if wanted.mode == "charge" else 0.0
    cost = grid_kwh = more_kwh = 0.0
    for part in planned:
        money, kwh = part.meter(power_w - part.planned_w)
        cost, grid_kwh, more_kwh = cost + money, grid_kwh + kwh, more_kwh + part.kwh(power_w - part.planned_w)
    left = more_kwh
    for worth, planned_kwh in sorted(_charging(later, wanted.asset), reverse=True):
        taken = min(max(left, 0.0), planned_kwh)
        cost, grid_kwh, left = cost - taken * worth, grid_kwh - taken, left - taken
    return Effect(cost, grid_kwh, max(left, 0.0), max(-left, 0.0))


def _charging(slots: Sequence[Row], charger: str) -> Iterator[tuple[float, float]]:
    """What a kWh is worth in the quarter-hours in which a car charges by plan, and how many there are of it."""
    for slot in slots:
        worth = slot["marginal_value_per_kwh"] or slot["buy_per_kwh"]
        for asset in slot["assets"]:
            if asset["asset"] == charger and asset["power_kw"] and worth is not None:
                yield float(worth), units.slot_energy_wh(float(asset["power_kw"]))


def of_heat_pump(pump: HeatPump, planned: Sequence[Part], wanted: Wanted) -> Effect | None:
    """Energy of a heat pump that rests or runs as fast as it may; the warmth of the house is not counted."""
    if wanted.mode not in ("blocked", "forced"):
        return None
    most_w = min(wanted.limits.get("power_limit_w", pump.max_power_w), pump.max_power_w)
    power_w = most_w if wanted.mode == "forced" else 0.0
    found = [part.meter(power_w - part.planned_w) for part in planned]
    return Effect(sum(money for money, _ in found), sum(kwh for _, kwh in found))
