"""What a kWh more in the cells is worth on average over the courses, and what a battery does with it in a slot.

The move of a slot is told by four levels of energy: up to the first the battery charges from the grid, down to the
second it covers demand, up to the third it stores surplus, down to the fourth it sells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ems_pipeline import units
from ems_pipeline.arrays import Array
from ems_pipeline.plan.value.ahead import Battery
from ems_pipeline.plan.value.stock import Stock

AS_GOOD = 1e-3
"""Share of a price by which moving energy must be better than following the meter."""
NEVER_LESS = 1e-9
"""What a kWh is worth in the cells at least: it is not given away where selling and keeping bring nothing."""
NEAR = 1 / 180
"""Part of the cells on either side over which the worth of a kWh that is told is a mean."""


@dataclass(frozen=True)
class Worth:
    """Money per kWh up to each of the rising ``ends`` (kWh in the cells, the last full); it falls from end to end."""

    floor: float
    ends: Array
    per_kwh: Array

    @classmethod
    def of(cls, battery: Battery, stock: Stock) -> Worth:
        """The mean over the courses, all as likely."""
        energy, prices = stock.energy[:, :-1], stock.prices
        falls, courses = prices[:, :-1] - prices[:, 1:], len(prices)
        inside = (energy > 0) & (energy < battery.room)
        full = prices[:, -1].sum() + falls[energy >= battery.room].sum()
        at, fall = energy[inside], falls[inside]
        order = np.argsort(at)
        ends = np.append(battery.floor + at[order], battery.ceiling)
        summed = full + np.append(np.cumsum(fall[order][::-1])[::-1], 0.0)
        return cls(battery.floor, ends, summed / courses)

    def down_to(self, price: float) -> float:
        """Energy up to which a kWh is worth more than a price."""
        above = int(np.count_nonzero(self.per_kwh > price))
        return float(self.ends[above - 1]) if above else self.floor

    def about(self, energy: float) -> float:
        """Of a kWh at so much energy, as a mean over what is `NEAR`."""
        ceiling = float(self.ends[-1])
        near = (ceiling - self.floor) * NEAR
        edges = np.clip([energy - near, energy + near], self.floor, ceiling)
        money = np.cumsum(self.per_kwh * np.diff(self.ends, prepend=self.floor))
        low, high = np.interp(edges, np.append(self.floor, self.ends), np.append(0.0, money))
        return float((high - low) / (edges[1] - edges[0]))


class Now(NamedTuple):
    """A slot: prices (selling at least 0), what the site lacks and what may pass the meter."""

    buy: float
    sell: float
    lacks_kw: float
    import_kw: float
    export_kw: float


def after(battery: Battery, now: Now, worth: Worth, stored: float) -> float:
    """Energy in the cells, kWh, after a slot that begins with ``stored`` and does what is best by ``worth``.

    More than following the meter has to pay by the share `AS_GOOD`.
    """
    b, h, more, less = battery, units.SLOT_HOURS, 1 + AS_GOOD, 1 - AS_GOOD
    bought, covered = worth.down_to(b.costs(now.buy * more)), worth.down_to(b.brings(now.buy * more))
    kept = worth.down_to(b.costs(now.sell * less) - NEVER_LESS)
    sold = worth.down_to(b.brings(now.sell * less) - NEVER_LESS)
    surplus = h * b.gains * min(max(-now.lacks_kw, 0.0), b.charge_kw)
    demand = h / b.gives * min(max(now.lacks_kw, 0.0), b.discharge_kw)
    most_in = h * b.gains * min(b.charge_kw, max(now.import_kw - now.lacks_kw, 0.0))
    most_out = h / b.gives * min(b.discharge_kw, max(now.export_kw + now.lacks_kw, 0.0))
    end = stored + min(max(kept - stored, 0.0), surplus) - min(max(stored - covered, 0.0), demand)
    if end < bought:
        end = min(bought, max(end, stored + most_in))
    elif end > sold:
        end = max(sold, min(end, stored - most_out))
    return min(max(end, b.floor), b.ceiling)
