"""The batteries behind one inverter: how much is in them, and what they take and give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ems_pipeline.sites import Battery


@dataclass(frozen=True, slots=True)
class Limits:
    """What the battery itself allows in this minute, W >= 0 at the bus, and its voltage."""

    charge_w: float
    discharge_w: float
    voltage_v: float
    soc_pct: float


class Conversion:
    """Power at the bus against power in the cells: straight lines from step to step, the last one without end."""

    def __init__(self, steps: Sequence[tuple[float, float]]) -> None:
        """``steps``: upper end of each step at the bus (the last one's does not matter), cell watts per bus watt."""
        self._corners = [(0.0, 0.0)]
        for upto_w, slope in steps[:-1]:
            bus_w, cell_w = self._corners[-1]
            self._corners.append((upto_w, cell_w + slope * (upto_w - bus_w)))
        self._slopes = [slope for _, slope in steps]

    def to_cell(self, bus_w: float) -> float:
        """Cell power for a bus power >= 0."""
        i = sum(bus_w > corner for corner, _ in self._corners[1:])
        return self._corners[i][1] + self._slopes[i] * (bus_w - self._corners[i][0])

    def to_bus(self, cell_w: float) -> float:
        """The inverse."""
        i = sum(cell_w > corner for _, corner in self._corners[1:])
        return self._corners[i][0] + (cell_w - self._corners[i][1]) / self._slopes[i]


class Cells:
    """Energy of the batteries behind one inverter, pooled; losses fall on the way in and on the way out."""

    def __init__(self, batteries: Sequence[Battery], soc_pct: float = 50.0) -> None:
        self.batteries = tuple(batteries)
        self.capacity_wh = sum(b.capacity_wh for b in batteries)
        self.charge_limit_w = sum(b.charge_limit_w for b in batteries)
        self.discharge_limit_w = sum(b.discharge_limit_w for b in batteries)
        self.into_cells = self._pooled(lambda b: _steps(b, charging=True))
        self.out_of_cells = self._pooled(lambda b: _steps(b, charging=False))
        self.min_wh = sum(b.min_soc_pct / 100 * b.capacity_wh for b in batteries)
        self.max_wh = sum(b.max_soc_pct / 100 * b.capacity_wh for b in batteries)
        self._loses = any(b.loses for b in batteries)
        self.energy_wh = min(max(soc_pct / 100 * self.capacity_wh, self.min_wh), self.max_wh)

    @property
    def soc_pct(self) -> float:
        return 100 * self.energy_wh / self.capacity_wh

    def limits(self, seconds: float, nominal_v: float, floor_pct: float) -> Limits:
        """What the cells take and give at a constant power for ``seconds`` without leaving their window.

        Args:
            floor_pct: where discharging is to stop, if above the battery's own floor.
        """
        floor_wh = max(self.min_wh, floor_pct / 100 * self.capacity_wh)
        room_w = self.into_cells.to_bus(max(0.0, self.max_wh - self.energy_wh) * 3600 / seconds)
        left_w = self.out_of_cells.to_bus(max(0.0, self.energy_wh - floor_wh) * 3600 / seconds)
        soc_pct = self.soc_pct
        charge_w = min(sum([_tapered_w(b, soc_pct) for b in self.batteries]), room_w)
        voltage_v = nominal_v * (0.96 + 0.08 * self.energy_wh / self.capacity_wh)
        discharge_w = min(sum([_given_w(b, soc_pct) for b in self.batteries]), left_w)
        return Limits(charge_w, discharge_w, voltage_v, soc_pct)

    def able_w(self, battery_w: float) -> float:
        """A power (> 0 discharge) as the converter gives it: nothing where that is less than its least."""
        least_w = min(b.least_discharge_w if battery_w > 0 else b.least_charge_w for b in self.batteries)
        return battery_w if abs(battery_w) >= least_w else 0.0

    def integrate(self, battery_w: float, seconds: float) -> None:
        """Let time pass at ``battery_w`` (> 0 discharge)."""
        hours = seconds / 3600
        if battery_w > 0:
            self.energy_wh -= self.out_of_cells.to_cell(battery_w) * hours
        else:
            self.energy_wh += self.into_cells.to_cell(-battery_w) * hours
        if self._loses:
            kept = sum((1 - b.self_discharge_pct_per_day / 100) ** (hours / 24) * b.capacity_wh for b in self.batteries)
            own_wh = hours * sum(b.standby_w for b in self.batteries)
            self.energy_wh = max(0.0, self.energy_wh * kept / self.capacity_wh - own_wh)

    def _pooled(self, steps_of: Callable[[Battery], list[tuple[float, float]]]) -> Conversion:
        """Batteries share power by capacity; each has its own steps."""
        shares = [(b.capacity_wh / self.capacity_wh, steps_of(b)) for b in self.batteries]
        ends = sorted({upto_w / share for share, steps in shares for upto_w, _ in steps})
        pooled, below_w = [], 0.0
        for end_w in ends:
            middle_w = (below_w + end_w) / 2
            slopes = [share * _slope_at(steps, share * middle_w) for share, steps in shares]
            pooled.append((end_w, sum(slopes)))
            below_w = end_w
        return Conversion(pooled)


def _steps(battery: Battery, *, charging: bool) -> list[tuple[float, float]]:
    """Upper end of each step at the bus, cell watts per bus watt."""
    if not battery.efficiency_steps:
        slope = battery.charge_efficiency if charging else 1 / battery.discharge_efficiency
        return [(battery.charge_limit_w if charging else battery.discharge_limit_w, slope)]
    steps = sorted(battery.efficiency_steps, key=lambda s: s.upto_w)
    return [(s.upto_w, s.charge_efficiency if charging else 1 / s.discharge_efficiency) for s in steps]


def _slope_at(steps: list[tuple[float, float]], power_w: float) -> float:
    return next((slope for upto_w, slope in steps if power_w <= upto_w), steps[-1][1])


def _tapered_w(battery: Battery, soc_pct: float) -> float:
    """Charging limit at a state of charge: a straight line from the taper's start to the end of the window."""
    taper = battery.taper
    if taper is None or soc_pct <= taper.from_soc_pct:
        return battery.charge_limit_w
    span_pct = max(battery.max_soc_pct - taper.from_soc_pct, 1e-9)
    part = min(1.0, (soc_pct - taper.from_soc_pct) / span_pct)
    return battery.charge_limit_w + part * (taper.full_limit_w - battery.charge_limit_w)


def _given_w(battery: Battery, soc_pct: float) -> float:
    """Discharging limit at a state of charge: a straight line from the taper's start down to the least charge."""
    taper = battery.empty_taper
    if taper is None or soc_pct >= taper.from_soc_pct:
        return battery.discharge_limit_w
    part = min(1.0, (taper.from_soc_pct - soc_pct) / (taper.from_soc_pct - battery.min_soc_pct))
    return battery.discharge_limit_w + part * (taper.empty_limit_w - battery.discharge_limit_w)
