"""Generating sets and the switchboards they stand behind, as planning records."""

from __future__ import annotations

from dataclasses import dataclass, field

from ems_pipeline.plan.problem.devices import Window
from ems_pipeline.plan.record import WHERE_GIVEN, Record


@dataclass(frozen=True, eq=False)
class GensetUnit(Record):
    """A generating set: off, warming up (fuel, no power) or within ``[min_w, max_w]``.

    Fuel costs ``idle_fuel_per_h`` while it turns plus ``fuel_per_kwh`` (the straight fuel curve of an engine).
    """

    key: str
    min_w: float
    max_w: float
    fuel_per_kwh: float
    idle_fuel_per_h: float = 0.0
    start_cost: float = 0.0
    min_run_slots: int = 1
    min_pause_slots: int = 1
    warm_up_slots: int = 0
    starts_per_day: int | None = None
    run_hours_left: float | None = None
    """Until the next service; not exceeded within the horizon by more than ``over_hours``."""
    blocked: tuple[Window, ...] = ()
    """Quiet hours and lock-outs: it does not turn there."""
    was_on: bool = False
    state_slots: int | None = None
    """For how many slots it has been on (off) before the first; None: longer than any rule asks."""
    starts_before: int = 0
    """Starts already made on the first local day."""
    service_per_h: float = 0.0
    """Money per hour of turning besides fuel: what a service costs by the hour."""
    even_per_h: float = 0.0
    """The same, paid by nobody: of twins the one with more hours seems dearer by it."""
    lead_h: float = 0.0
    """It turns so long without load before its first slot, for it is started earlier: fuel and engine hours count."""
    cool_down_h: float = 0.0
    """The same after its last slot."""
    starts_per_2h: int | None = None
    """In any eight slots in a row."""
    started_ago: tuple[int, ...] = ()
    """Starts of the last two hours, in slots before the horizon: 1 began in the slot just before it."""
    low_load_w: float = 0.0
    """Below it is low load, which wets an engine: no more than ``low_load_slots`` of any ``2 low_load_slots``."""
    low_load_slots: int = 1
    low_load_before: int = 0
    """Slots of low load in a row just before the horizon."""
    ramp_w_per_s: float | None = None
    """How fast it takes load; None: at once."""
    over_hours: float = 0.0
    """Tolerance of the next service: so many hours more, each at ``over_hours_price_per_h``."""
    over_hours_price_per_h: float = 0.0
    co2_kg_per_kwh: float | None = None
    """Stated by whoever knows the fuel; what it counts is in `unbilled_per_kwh`."""
    unbilled_per_kwh: float = field(default=0.0, metadata=WHERE_GIVEN)
    """What each kWh given counts besides its fuel and nobody pays: its CO2 at the owner's price."""

    @property
    def counts_per_kwh(self) -> float:
        """What a kWh given counts for in the plan: its fuel, and what nobody pays."""
        return self.fuel_per_kwh + self.unbilled_per_kwh

    @property
    def beside_h(self) -> float:
        """Hours a start has it turn beside its slots."""
        return self.lead_h + self.cool_down_h

    @property
    def ramp_loss_w(self) -> float:
        """What the mean of the first slot with load lacks of full power: ``max^2 / (2 ramp * 900 s)``, W."""
        return 0.0 if self.ramp_w_per_s is None else self.max_w**2 / (2.0 * self.ramp_w_per_s * 900.0)


@dataclass(frozen=True, eq=False)
class Switchboard(Record):
    """Sets on one busbar: those that carry load share it at equal percent of their rating.

    While any of them carries load, together they could give ``spare_w`` more: the step they take when the mains fails.
    """

    key: str
    gensets: tuple[str, ...]
    spare_w: float = 0.0
