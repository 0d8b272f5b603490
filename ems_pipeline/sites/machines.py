"""What runs as a whole or not at all: gensets, where they meet the mains, and machines with a window."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.modes import GensetMode, MachineMode
from ems_pipeline.sites.record import Key, LimitW, Minutes, Money, PowerW, Price, Record, WallClock, Weekday, WindowEnd


class DailyWindow(Record):
    """Local wall-clock time ``[start, end)`` on every day; an end before the start is on the next day."""

    start: WallClock
    end: WindowEnd


class Genset(Asset):
    """A generating set on the site's bus."""

    modes = GensetMode
    limit_names = frozenset({"power_w"})

    min_power_w: PowerW
    max_power_w: PowerW
    start_cost: Money
    fuel_per_kwh: Price
    min_run_minutes: Minutes = 30
    min_pause_minutes: Minutes = 30
    idle_fuel_per_h: Price = 0.0
    """Money per hour of turning without load; `fuel_per_kwh` comes on top (straight fuel curve)."""
    warm_up_minutes: int = Field(0, ge=0, le=60)
    max_starts_per_day: int | None = Field(None, ge=0, le=96)
    run_hours_left: float | None = Field(None, ge=0, le=100_000)
    """Hours to the next service when this number first stands in the registered file; hours run since are taken off.

    After a service write the new number: the same again is taken for the old one.
    """
    locked_out: bool = False
    """Not to be started at all (alarm, service)."""
    quiet_hours: tuple[DailyWindow, ...] = ()
    alarm_limits: tuple[AlarmLimit, ...] = ()
    """Alarms of our own on values of its controller, beside the controller's."""


class Switchboard(Record):
    """Where sets and mains meet, with a controller of its own that measures the mains."""

    key: Key
    device: Key
    gensets: tuple[Key, ...] = ()
    """Sets behind it, which share its load."""
    mains_sign: Literal[1, -1] = 1
    """-1 where the current transformers of the mains were put in the other way round, so that import reads negative;
    found out at commissioning."""


class DeferrableLoad(Asset):
    """A machine that runs once a day inside a window: constant power, or a profile of quarter-hours.

    With a device (a switch) it is steered; without one its plan is advice.
    """

    modes = MachineMode

    power_w: PowerW = 1000.0
    run_minutes: int = Field(60, ge=15, le=1440)
    profile_w: tuple[LimitW, ...] = ()
    """Power per quarter-hour of the run, instead of `power_w` for `run_minutes`."""
    window: DailyWindow
    weekdays: tuple[Weekday, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days on which the window begins, 0 = Monday."""
    skip_price: float = Field(100.0, gt=0, le=10_000_000)
    """What a run that finds no room is worth avoiding, site currency."""
