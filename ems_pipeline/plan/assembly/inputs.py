"""What a plan may know: prices, forecasts, sessions and the state of the site, as records without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ems_pipeline.arrays import Array
from ems_pipeline.errors import EmsError
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.plan.problem import Course
from ems_pipeline.sites.goal import Goal


@dataclass(frozen=True)
class EvSession:
    """A car at ``charger`` from ``arrives_at`` to ``departs_at`` (UTC) that still wants ``energy_wh`` (wall side).

    ``had_wh`` is what it has had since it came. Where the car tells its state of charge, ``soc_pct`` and
    ``wanted_soc_pct`` take the place of ``energy_wh``.
    """

    charger: str
    arrives_at: datetime
    departs_at: datetime
    energy_wh: float
    soc_pct: float | None = None
    wanted_soc_pct: float | None = None
    had_wh: float = 0.0


@dataclass(frozen=True)
class MachineState:
    """A machine at the horizon's first slot: whether it runs, for how many whole slots it has (None: unknown, long).

    ``starts_today`` counts its starts on the local day of that slot, before it; ``started_ago`` has those of the last
    two hours, in slots. ``low_load_slots`` are those of low load in a row just before it.
    """

    is_on: bool
    slots: int | None = None
    starts_today: int = 0
    started_ago: tuple[int, ...] = ()
    low_load_slots: int = 0


@dataclass(frozen=True)
class Service:
    """What maintenance leaves the planner of a genset.

    Args:
        hours_left: to the next service that is due by hours, negative past it; None: no hours count.
        run_hours_left: to the end of its tolerance, past which plans do not run it; None: it has no end.
        is_held: past a tolerance, by hours or by the calendar.
        is_worked_on: somebody is at the engine, which has to stand.
    """

    hours_left: float | None = None
    run_hours_left: float | None = None
    is_held: bool = False
    is_worked_on: bool = False


@dataclass(frozen=True)
class SiteState:
    """The site at an instant, by asset key.

    Args:
        soc_pct: per battery.
        indoor_c, tank_c: per heat pump; ``tank_c`` where it has a tank.
        month_peak_import_w: highest import of the local month so far, over intervals of the capacity charge; None when
            nothing was measured.
        interval_import_w: mean import of the measured quarter-hours of the interval under way; None: none was.
        machines: gensets and heat pumps of which is known whether they run; a genset not named stands still.
        run_hours: per genset, hours it has run since the site file said how many are left.
        services: per genset with a maintenance plan, what that leaves; it goes before what the site file says.
        register_h: per genset that tells, what its own hour meter shows.
        waiting: deferrable machines whose window has begun and that have not run in it.
        begun: deferrable machines in their run, and the slots of it that are over.
    """

    at: datetime
    soc_pct: Mapping[str, float]
    indoor_c: Mapping[str, float] = field(default_factory=dict)
    month_peak_import_w: float | None = None
    interval_import_w: float | None = None
    tank_c: Mapping[str, float] = field(default_factory=dict)
    machines: Mapping[str, MachineState] = field(default_factory=dict)
    run_hours: Mapping[str, float] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    register_h: Mapping[str, float] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    begun: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class GridEvent:
    """Demand response in ``[starts_at, ends_at)`` (UTC): a firm import limit, or a price for importing less.

    Both may be below 0, exports: a limit at once, a baseline where it ``is_net``.
    """

    key: str
    starts_at: datetime
    ends_at: datetime
    limit_w: float | None = None
    baseline_w: float = 0.0
    price_per_kwh: float = 0.0
    is_net: bool = False


@dataclass(frozen=True)
class PlanInputs:
    """What a plan may know, aligned to ``starts`` (consecutive slots, UTC).

    Args:
        pv_w: forecast per PV array key.
        outdoor_c: forecast; None only for a site without a heat pump.
        terminal_price_per_kwh: price after the horizon, where somebody knows better than the rule in `end_value`.
        previous_w: powers of the plan before this one per battery (> 0 discharges), charger, heat pump, genset and
            machine, from the first slot on.
        goals: what people want the plan to reach, in the order they were filed; energy and departure of cars are in
            ``sessions`` already.
        courses: ways in which load, sun and later prices may go; none: as forecast.
        houses: per heat pump key, how its house responds where that was fitted; the site file's values elsewhere.
    """

    starts: list[datetime]
    buy_per_kwh: Array
    sell_per_kwh: Array
    load_w: Array
    pv_w: Mapping[str, Array]
    outdoor_c: Array | None
    sessions: tuple[EvSession, ...]
    state: SiteState
    terminal_price_per_kwh: float | None = None
    events: tuple[GridEvent, ...] = ()
    previous_w: Mapping[str, Array] = field(default_factory=dict)
    houses: Mapping[str, BuildingResponse] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    courses: tuple[Course, ...] = ()


class InputsInvalid(EmsError, ValueError):
    """Inputs no plan can be made of; the text names the series and the remedy."""
