"""The devices of a problem: what they can do, where they stand, and what is wished of them.

Units and slots as in `problem`. Every wish that physics can refuse carries a price instead of being a hard demand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ems_pipeline.arrays import Array, Mask
from ems_pipeline.plan.problem.batteries import within_w
from ems_pipeline.plan.record import Record

ROUNDING = 1e-6
"""Share of a power by which solvers miss it."""
NO_FLOOR_C = -273.15
"""Nothing is colder: a store of which no temperature is wanted at the end."""


@dataclass(frozen=True, eq=False)
class Window(Record):
    """Slots ``[first, end)``."""

    first: int
    end: int


def covered(windows: Iterable[Window], slots: int) -> Mask:
    """Which of the first ``slots`` lie in one of the windows."""
    inside = np.zeros(slots, dtype=bool)
    for window in windows:
        inside[window.first : window.end] = True
    return inside


@dataclass(frozen=True, eq=False)
class PvSource(Record):
    """A PV array: what the sky offers; a curtailable one may use less."""

    key: str
    available_w: Array
    curtailable: bool = True


@dataclass(frozen=True, eq=False)
class HybridInverter(Record):
    """PV arrays and batteries behind one AC connection: ``|sum of their AC powers| <= ac_limit_w``."""

    key: str
    ac_limit_w: float
    pv: tuple[str, ...]
    batteries: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class EnergyBy(Record):
    """Energy a car should have had from the horizon's begin on before slot ``end``; what is missing is priced."""

    end: int
    energy_wh: float


@dataclass(frozen=True, eq=False)
class ChargingSession(Record):
    """A car at a charger during ``[first, end)`` that wants ``energy_wh`` (wall side); 0 or ``[min_w, max_w]``."""

    key: str
    """Name of the session, unique in the problem."""
    charger: str
    first: int
    end: int
    energy_wh: float
    min_w: float
    max_w: float
    phases: int = 3
    voltage_v: float = 230.0
    unmet_price_per_kwh: float = 20.0
    later_wh: float = 0.0
    """Of ``energy_wh``, what can wait until after the horizon; done before, it is worth ``later_value_per_kwh``."""
    later_value_per_kwh: float = 0.0
    min_run_slots: int = 1
    blocked: tuple[Window, ...] = ()
    """A schedule keeps the charger off there."""
    anywhere_w: Array | None = None
    """What it may draw per slot wherever that comes from, W; more only where the sun leaves it. None: all of it."""
    steady: tuple[Window, ...] = ()
    """There it should not wait before it has all it wants: its least power left out costs like missing energy."""
    switches_phases: bool = False
    """It charges by one of its phases or by all: ``min_w`` is that of one, and not every power between is given."""

    spares_batteries: bool = False
    """While it charges no battery gives."""
    batteries_first_wh: float = 0.0
    """Energy the batteries together hold before what the sun leaves beyond `anywhere_w` is this car's."""
    on_the_way: tuple[EnergyBy, ...] = ()
    """What of `energy_wh` should be there earlier; each kWh missing then costs what one missing at departure does."""
    most_price_per_kwh: float | None = None
    """Price above which `anywhere_w` is 0; told as the reason."""

    @property
    def gap_w(self) -> tuple[float, float] | None:
        """Powers between which none is given: the most by one phase, the least by all; None where they overlap."""
        if not self.switches_phases:
            return None
        one_w, all_w = self.max_w / self.phases, self.min_w * self.phases
        return (one_w, all_w) if one_w < all_w else None

    def phases_for(self, power_w: float) -> int:
        """By how many phases a power is charged; by all wherever they can."""
        is_less = self.switches_phases and power_w < self.min_w * self.phases * (1 - ROUNDING)
        return 1 if is_less else self.phases


@dataclass(frozen=True, eq=False)
class Fuse(Record):
    """Chargers that share a fuse: the sum of their powers stays below ``limit_w``."""

    key: str
    limit_w: float
    chargers: tuple[str, ...]
    most_w: Array | None = None
    """Less in some slots, W."""

    def carries_w(self, slots: int) -> Array:
        """What it carries in each slot, W."""
        return within_w(self.limit_w, self.most_w, slots)


@dataclass(frozen=True, eq=False)
class DeferrableRun(Record):
    """A machine that runs its ``profile_w`` once, without a break, inside ``[first, end)``; or not, at a price."""

    key: str
    profile_w: Array
    first: int
    end: int
    skip_price: float = 100.0


@dataclass(frozen=True, eq=False)
class ComfortBand(Record):
    """A comfort band that holds in slots ``[first, end)`` in place of the usual one."""

    first: int
    end: int
    min_c: float
    max_c: float


@dataclass(frozen=True, eq=False)
class HeatStore(Record):
    """A house or a tank, first-order: ``C dT/dt = heat + gains - UA (T - ambient)``, solved exactly per slot."""

    key: str
    loss_w_per_k: float
    capacity_wh_per_k: float
    ambient_c: Array
    gains_w: Array
    """Heat nobody plans (people, sun), less heat drawn (hot water), W."""
    initial_c: float
    min_c: float
    max_c: float
    outside_price_per_kh: float
    """Money per kelvin-hour outside ``[min_c, max_c]``, and per kelvin missing to ``end_floor_c`` at the end."""
    end_floor_c: float = NO_FLOOR_C
    end_value_per_k: float = 0.0
    """What a kelvin within the band is worth at the end of the horizon."""
    bands: tuple[ComfortBand, ...] = ()
    """Other bands in place of ``[min_c, max_c]``; where two hold, the later one of them counts."""

    @property
    def least_c(self) -> Array:
        """Lower edge of the band in each slot."""
        edge = np.full(len(self.ambient_c), self.min_c)
        for band in self.bands:
            edge[band.first : band.end] = band.min_c
        return edge

    @property
    def most_c(self) -> Array:
        """Upper edge of the band in each slot."""
        edge = np.full(len(self.ambient_c), self.max_c)
        for band in self.bands:
            edge[band.first : band.end] = band.max_c
        return edge


@dataclass(frozen=True, eq=False)
class HeatPumpUnit(Record):
    """A heat pump: off or ``[min_w, max_w]`` electric, giving ``cop`` times its power to its store.

    With a hot-water ``tank`` it heats house or tank in a slot, never both, the tank at ``tank_cop`` (hotter supply).
    """

    key: str
    min_w: float
    max_w: float
    cop: Array
    store: HeatStore
    min_run_slots: int = 1
    min_pause_slots: int = 1
    was_on: bool | None = None
    """Whether it ran before the first slot; None when unknown (then the first start is free)."""
    state_slots: int | None = None
    """For how many slots it has been on (off) before the first; None: longer than any rule asks."""
    tank: HeatStore | None = None
    tank_cop: Array | None = None
