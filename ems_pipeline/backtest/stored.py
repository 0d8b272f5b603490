"""What energy in the cells is worth, as a convex function made of straight pieces, and what a slot adds to it.

Energy in kWh in the cells, money per kWh; ``drawn`` is what a slot takes out of the cells (< 0 puts in).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
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
    """A straight piece of a slot's cost: money per kWh drawn, how many kWh it is long.

    ``burns``: it is a bound only. Where buying is paid, charging and discharging at once would cost so little, and no
    battery can; its two ends are real.
    """

    slope: float
    length: float
    burns: bool = False


class SlotCost(NamedTuple):
    """A slot's cost over what it draws, from all it can charge to all it can discharge; slopes rise."""

    pieces: list[Piece]
    charged: float
    discharged: float

    @property
    def burns(self) -> bool:
        """Whether any piece does."""
        return any(piece.burns for piece in self.pieces)


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

    def slot(self, load_kw: float, pv_kw: float, buy: float, sell: float, early: float) -> SlotCost:
        """What a slot costs.

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
        found, charged, discharged = [], 0.0, 0.0
        for above, below in pairwise(edges):
            if above <= below:
                continue
            middle = (above + below) / 2
            price = bought if deficit + middle > 0 else sold if deficit + middle > -export else unused
            if middle > 0:
                found.append(Piece(-(price + self.wear) / self.into, (above - below) * H * self.into))
                charged += found[-1].length
            else:
                found.append(Piece(-(price - self.wear) * self.out_of, (above - below) * H / self.out_of))
                discharged += found[-1].length
        return SlotCost(_hull(found), charged, discharged)

    def power_kw(self, drawn: float) -> float:
        """AC power (> 0 discharges) that draws so much in a slot."""
        return drawn * self.out_of / H if drawn > 0 else drawn / self.into / H

    def drawn(self, power_kw: float) -> float:
        """The inverse."""
        return power_kw * H / self.out_of if power_kw > 0 else power_kw * H * self.into


def _hull(pieces: list[Piece]) -> list[Piece]:
    """The greatest convex function below: where slopes fall, pieces become one between their ends."""
    found: list[Piece] = []
    for piece in pieces:
        one = piece
        while found and found[-1].slope > one.slope:
            last = found.pop()
            length = last.length + one.length
            one = Piece((last.slope * last.length + one.slope * one.length) / length, length, burns=True)
        found.append(one)
    return found


class Stored:
    """Money still to be paid from a slot on, over the energy the slot begins with, between floor and ceiling.

    Slopes rise from floor to ceiling; less its slope is what a kWh is worth.
    """

    __slots__ = ("_ends", "_lengths", "floor", "slopes")

    def __init__(self, floor: float, slopes: list[float], lengths: list[float]) -> None:
        self.floor, self.slopes, self._lengths = floor, slopes, lengths
        self._ends: list[float] | None = None

    @classmethod
    def at_end(cls, floor: float, ceiling: float, worth: float) -> Stored:
        """Behind the horizon every kWh is worth the same."""
        return cls(floor, [-worth], [ceiling - floor])

    def before(self, slot: SlotCost) -> Stored:
        """The function one slot earlier: the slot's pieces sorted in, and cut off what it cannot do from any state."""
        slopes, lengths = self.slopes.copy(), self._lengths.copy()
        for slope, length, _ in slot.pieces:
            at = bisect_left(slopes, slope)
            if at < len(slopes) and slopes[at] == slope:
                lengths[at] += length
            else:
                slopes.insert(at, slope)
                lengths.insert(at, length)
        charged, drawn, first, last = slot.charged, slot.discharged, 0, len(lengths) - 1
        while lengths[first] <= charged and first < last:
            charged -= lengths[first]
            first += 1
        while lengths[last] <= drawn and last > first:
            drawn -= lengths[last]
            last -= 1
        lengths[first] -= charged
        lengths[last] -= drawn
        return Stored(self.floor, slopes[first : last + 1], lengths[first : last + 1])

    @property
    def ends(self) -> list[float]:
        """Energy at the end of each piece."""
        if self._ends is None:
            at, ends = self.floor, []
            for length in self._lengths:
                at += length
                ends.append(at)
            self._ends = ends
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

    def drawn(self, energy: float, slot: SlotCost) -> Drawn:
        """What the slot before draws at the least cost from ``energy``."""
        ends = self.ends
        begin, most = -slot.charged, energy - self.floor
        at = max(begin, energy - ends[-1])
        burns = False
        for slope, length, is_bound in slot.pieces:
            end = begin + length
            if end > at:
                # Down to where the kWh that are left are worth more than the piece brings.
                kept = bisect_right(self.slopes, slope)
                wanted = energy - (ends[kept - 1] if kept else self.floor)
                if wanted <= at:
                    burns = is_bound and at > begin
                    break
                if wanted < min(end, most):
                    return Drawn(wanted, -slope, is_bound)
                at = min(end, most)
                if at >= most:
                    burns = is_bound and at < end
                    break
            begin = end
        following, before = self.worth(energy - at)
        return Drawn(at, before if at < most else following, burns)

    def cost(self, drawn: float, energy: float, slot: SlotCost) -> float:
        """Money of a slot that draws so much from ``energy``, and of all that follows; up to a constant."""
        begin, money = -slot.charged, 0.0
        for slope, length, _ in slot.pieces:
            money += slope * (min(max(drawn, begin), begin + length) - begin)
            begin += length
        at = self.floor
        for slope, end in zip(self.slopes, self.ends, strict=True):
            money += slope * (min(energy - drawn, end) - at)
            at = end
            if end >= energy - drawn:
                break
        return money


class Drawn(NamedTuple):
    """What a slot draws, what a kWh more is worth after it, and whether no battery could draw it for so little."""

    kwh: float
    worth: float
    burns: bool
