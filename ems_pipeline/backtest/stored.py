"""What energy in the cells is worth, as a convex function made of straight pieces, and what a slot adds to it.

Energy in kWh in the cells, money per kWh; ``drawn`` is what a slot takes out of the cells (< 0 puts in).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from ems_pipeline import units
from ems_pipeline.plan.problem import BatteryStore, GridLimits
from ems_pipeline.plan.solving.second import EARLY_WEIGHT, WEAR_WEIGHT

H = units.SLOT_HOURS
CALM = 1e-7
"""Of the dearest price: what a kWh of the second stage's regret weighs against money. It only parts what costs the
same; less is what prices are rounded to."""
SOLD, UNUSED = 0.5, 2.0
"""Regret of a kWh fed in and of one of PV left unused, against one bought (`plan.solving.second`)."""


class Piece(NamedTuple):
    """A straight piece of a slot's cost: money per kWh drawn, how many kWh it is long."""

    slope: float
    length: float


class SlotCost(NamedTuple):
    """A slot's cost over what it draws, from all it can charge to all it can discharge; slopes rise.

    ``charged`` and ``discharged`` is how long it is on either side of nothing, which costs nothing here.
    """

    pieces: list[Piece]
    charged: float
    discharged: float

    def of(self, drawn: float) -> float:
        """Money of drawing so much, against drawing nothing."""
        begin, money, nothing = -self.charged, 0.0, 0.0
        for slope, length in self.pieces:
            money += slope * (min(max(drawn, begin), begin + length) - begin)
            nothing += slope * (min(max(0.0, begin), begin + length) - begin)
            begin += length
        return money - nothing


@dataclass(frozen=True)
class Terms:
    """What holds in every slot: powers in kW on the AC side, losses, wear, the meter's limits."""

    charge_kw: float
    discharge_kw: float
    into: float
    out_of: float
    wear: float
    import_kw: float
    export_kw: float
    calm: float

    @classmethod
    def of(cls, battery: BatteryStore, grid: GridLimits, dearest: float) -> Terms:
        """Of a problem whose limits are the same in all slots."""
        limits = (battery.charge_limit_w, battery.discharge_limit_w)
        charge_kw, discharge_kw = (float(units.kilo(w)) for w in limits)
        import_kw, export_kw = (float(units.kilo(w[0])) for w in (grid.import_limit_w, grid.export_limit_w))
        calm = CALM * dearest
        wear = battery.wear_per_kwh + calm * WEAR_WEIGHT
        losses = battery.charge_efficiency, battery.discharge_efficiency
        return cls(charge_kw, discharge_kw, *losses, wear, import_kw, export_kw, calm)

    def slot(self, load_kw: float, pv_kw: float, buy: float, sell: float, early: float) -> tuple[SlotCost, ...]:
        """What a slot costs; where buying is paid two costs, of charging and of discharging: no battery does both.

        Args:
            early: 1 at the horizon's first slot, 0 behind its last.
        """
        # Who is paid for buying leaves the sun alone; what is not paid for is not fed in: PV gives way from zero on.
        deficit = load_kw - (pv_kw if buy >= 0 else 0.0)
        weight = self.calm * (1 + EARLY_WEIGHT * early)
        bought, sold, unused = buy + weight, sell - SOLD * weight, -UNUSED * weight
        export = self.export_kw if sell >= 0 else 0.0
        most, least = min(self.charge_kw, self.import_kw - deficit), -min(self.discharge_kw, load_kw + export)
        edges = [edge for edge in (0.0, -deficit, -deficit - export) if least < edge < most]
        edges = [most, *sorted(edges, reverse=True), least]
        takes: list[Piece] = []
        gives: list[Piece] = []
        for above, below in pairwise(edges):
            middle = (above + below) / 2
            price = bought if deficit + middle > 0 else sold if deficit + middle > -export else unused
            if middle > 0:
                takes.append(Piece(-(price + self.wear) / self.into, (above - below) * H * self.into))
            else:
                gives.append(Piece(-(price - self.wear) * self.out_of, (above - below) * H / self.out_of))
        charged, discharged = sum(piece.length for piece in takes), sum(piece.length for piece in gives)
        if takes and gives and takes[-1].slope > gives[0].slope:
            return SlotCost(takes, charged, 0.0), SlotCost(gives, 0.0, discharged)
        return (SlotCost(takes + gives, charged, discharged),)

    def power_kw(self, drawn: float) -> float:
        """AC power (> 0 discharges) that draws so much in a slot."""
        return drawn * self.out_of / H if drawn > 0 else drawn / self.into / H

    def drawn(self, power_kw: float) -> float:
        """The inverse."""
        return power_kw * H / self.out_of if power_kw > 0 else power_kw * H * self.into


class Stored:
    """Money still to be paid from a slot on, over the energy the slot begins with, between floor and ceiling; convex.

    Slopes rise from floor to ceiling; less its slope is what a kWh is worth. ``base`` is the money at the floor, but
    for what every course pays alike.
    """

    __slots__ = ("_ends", "_lengths", "base", "floor", "slopes")

    def __init__(self, floor: float, slopes: list[float], lengths: list[float], base: float = 0.0) -> None:
        self.floor, self.slopes, self._lengths, self.base = floor, slopes, lengths, base
        self._ends: list[float] | None = None

    @classmethod
    def at_end(cls, floor: float, ceiling: float, worth: float) -> Stored:
        """Behind the horizon every kWh is worth the same."""
        return cls(floor, [-worth], [ceiling - floor])

    def before(self, slot: SlotCost, all_charged: float) -> Stored:
        """The function one slot earlier: the slot's pieces sorted in, and cut off what it cannot do from any state.

        Args:
            all_charged: money of charging all the slot can; 0 where ``base`` is compared with nothing.
        """
        slopes, lengths = self.slopes.copy(), self._lengths.copy()
        charged, drawn, base = slot.charged, slot.discharged, self.base + all_charged
        for slope, length in slot.pieces:
            at = bisect_left(slopes, slope)
            if at < len(slopes) and slopes[at] == slope:
                lengths[at] += length
            else:
                slopes.insert(at, slope)
                lengths.insert(at, length)
        first, last = 0, len(lengths) - 1
        while lengths[first] <= charged and first < last:
            charged -= lengths[first]
            base += slopes[first] * lengths[first]
            first += 1
        while lengths[last] <= drawn and last > first:
            drawn -= lengths[last]
            last -= 1
        lengths[first] -= charged
        lengths[last] -= drawn
        base += slopes[first] * charged
        return Stored(self.floor, slopes[first : last + 1], lengths[first : last + 1], base)

    @property
    def ends(self) -> list[float]:
        """Energy at the end of each piece."""
        if self._ends is None:
            self._ends = list(accumulate(self._lengths, initial=self.floor))[1:]
        return self._ends

    @property
    def ceiling(self) -> float:
        """Energy of full cells."""
        return self.ends[-1]

    def worth(self, energy: float) -> tuple[float, float]:
        """What the next kWh is worth, and what the last one was."""
        ends, last = self.ends, len(self.slopes) - 1
        after = min(bisect_right(ends, energy), last)
        return -self.slopes[after], -self.slopes[min(bisect_left(ends, energy), last)]

    def drawn(self, energy: float, slot: SlotCost) -> tuple[float, float]:
        """What the slot before draws at the least cost from ``energy``, and what a kWh is worth after it."""
        ends = self.ends
        begin, most = -slot.charged, energy - self.floor
        at = max(begin, energy - ends[-1])
        for slope, length in slot.pieces:
            end = begin + length
            if end > at:
                # Down to where the kWh that are left are worth more than the piece brings.
                kept = bisect_right(self.slopes, slope)
                wanted = energy - (ends[kept - 1] if kept else self.floor)
                if wanted <= at:
                    break
                if wanted < min(end, most):
                    return wanted, -slope
                at = min(end, most)
                if at >= most:
                    break
            begin = end
        following, before = self.worth(energy - at)
        return at, before if at < most else following

    def of(self, energy: float) -> float:
        """Money from ``energy`` on."""
        at, money = self.floor, self.base
        for slope, end in zip(self.slopes, self.ends, strict=True):
            money += slope * (min(energy, end) - at)
            at = end
            if end >= energy:
                break
        return money
