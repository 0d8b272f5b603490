"""What runs as a whole or not at all: gensets and their switchboards, and machines with a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.fuel import KG_PER_KWH, FuelCurve, Gas
from ems_pipeline.sites.modes import GensetMode, MachineMode
from ems_pipeline.sites.record import (
    Key,
    LimitW,
    Minutes,
    Money,
    Pct,
    PowerW,
    Price,
    Record,
    WallClock,
    Weekday,
    WindowEnd,
)

START_HOURS = 2.0
"""A start wears an engine like so many hours of running (1 to 5 are said of gas sets)."""

SAME_SHARE = 1e-6


class DailyWindow(Record):
    """Local wall-clock time ``[start, end)`` on every day; an end before the start is on the next day."""

    start: WallClock
    end: WindowEnd


class Genset(Asset):
    """A generating set on the site's bus. Its fuel is money per kWh and hour, or gas (`fuel`)."""

    modes = GensetMode
    limit_names = frozenset({"power_w"})

    min_power_w: PowerW
    max_power_w: PowerW
    start_cost: Money | None = None
    """None: two hours of `service_cost_per_h`."""
    fuel_per_kwh: Price | None = None
    fuel: Gas | None = None
    min_run_minutes: Minutes = 30
    min_pause_minutes: Minutes = 30
    idle_fuel_per_h: Price = 0.0
    """Money per hour of turning without load; `fuel_per_kwh` comes on top (straight fuel curve)."""
    service_cost_per_h: Price = 0.0
    """What an engine hour costs in service: oil, plugs, the technician."""
    warm_up_minutes: int = Field(0, ge=0, le=60)
    lead_s: int = Field(0, ge=0, le=900)
    """It is started so long before its quarter-hour, to carry load when that begins."""
    cool_down_s: int = Field(0, ge=0, le=900)
    """So long it turns without load after its last quarter-hour."""
    max_starts_per_day: int | None = Field(None, ge=0, le=96)
    max_starts_per_2h: int | None = Field(None, ge=0, le=8)
    low_load_pct: Pct = 0.0
    """Below it (of `max_power_w`) load is low; 0: none is. Below `min_power_w` it only starts and stops."""
    low_load_minutes: int = Field(120, ge=15, le=720)
    """So long it bears low load within twice the time."""
    ramp_pct_per_s: float | None = Field(None, ge=0.1, le=100)
    run_hours_left: float | None = Field(None, ge=0, le=100_000)
    """Hours to the next service when this number first stands in the registered file; hours run since are taken off.

    After a service write the new number: the same again is taken for the old one.
    """
    run_hours_tolerance: float = Field(0.0, ge=0, le=1000)
    """So many hours a service may be late, each at `late_service_price_per_h`; then plans leave the set off."""
    late_service_price_per_h: Price = 0.0
    co2_kg_per_kwh: float | None = Field(None, ge=0, le=5)
    """Stated beside plans and days, never decided by; None: that of gas where it burns gas."""
    locked_out: bool = False
    """Not to be started at all (alarm, service)."""
    quiet_hours: tuple[DailyWindow, ...] = ()
    alarm_limits: tuple[AlarmLimit, ...] = ()
    """Alarms of our own on values of its controller, beside the controller's."""

    @model_validator(mode="after")
    def _costs_are_known(self) -> Self:
        if (self.fuel is None) == (self.fuel_per_kwh is None):
            raise ValueError(f"genset {self.key!r}: give fuel_per_kwh (money per kWh), or fuel (gas with its prices)")
        if self.fuel is not None and self.idle_fuel_per_h:
            raise ValueError(f"genset {self.key!r}: idle_fuel_per_h is counted in fuel already; leave it out")
        if self.start_cost is None and not self.service_cost_per_h:
            raise ValueError(f"genset {self.key!r}: give start_cost, or service_cost_per_h, of which a start costs two")
        if self.run_hours_tolerance and not self.late_service_price_per_h:
            raise ValueError(
                f"genset {self.key!r}: run_hours_tolerance needs late_service_price_per_h, what an hour of it is worth"
            )
        return self

    @property
    def price_of_start(self) -> float:
        """Money per start besides fuel."""
        return START_HOURS * self.service_cost_per_h if self.start_cost is None else self.start_cost

    @property
    def co2(self) -> float | None:
        """Kilogrammes of CO2 per kWh of electricity, None: not stated."""
        return self.co2_kg_per_kwh if self.co2_kg_per_kwh is not None or self.fuel is None else KG_PER_KWH

    def fuel_on(self, day: date) -> FuelCurve:
        """What it burns and what that costs on a local day; LookupError where no price holds."""
        if self.fuel is not None:
            return self.fuel.curve(day, self.max_power_w)
        assert self.fuel_per_kwh is not None
        return FuelCurve(self.fuel_per_kwh, self.idle_fuel_per_h)


class Switchboard(Record):
    """Where sets and mains meet, with a controller of its own that measures the mains."""

    key: Key
    device: Key
    gensets: tuple[Key, ...] = ()
    """Sets behind it, which share its load at equal percent; each stands behind one switchboard."""
    spare_w: LimitW = 0.0
    """What its sets could give more while any of them carries load: the step they take when the mains fails."""
    mains_sign: Literal[1, -1] = 1
    """-1 where the current transformers of the mains were put in the other way round, so that import reads negative;
    found out at commissioning."""


def board_faults(boards: Sequence[Switchboard], gensets: Sequence[Genset]) -> Iterator[str]:
    """Why the sets of a board could not share its load, or not keep its spare; a board names known sets."""
    known = {genset.key: genset for genset in gensets}
    named = [key for board in boards for key in board.gensets]
    for key in dict.fromkeys(key for key in named if named.count(key) > 1):
        yield f"switchboards name genset {key!r} {named.count(key)} times; give it to the one it stands behind"
    for board in boards:
        sets = [known[key] for key in board.gensets if key in known]
        least = [genset.min_power_w / genset.max_power_w for genset in sets]
        if least and max(least) - min(least) > SAME_SHARE:
            yield (
                f"switchboard {board.key!r} shares load at equal percent, and min_power_w is {min(least):.1%} to "
                f"{max(least):.1%} of max_power_w; give all of its sets the same share"
            )
        room_w = min((genset.max_power_w - genset.min_power_w for genset in sets), default=board.spare_w)
        if room_w < board.spare_w:
            yield (
                f"switchboard {board.key!r} is to keep spare_w {board.spare_w:g}, and one of its sets has {room_w:g} "
                "above its min_power_w; give less, or a lower min_power_w"
            )


class DeferrableLoad(Asset):
    """A machine that runs once a day inside a window, or so many hours of it: constant power, or a profile.

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
    """What a run that finds no room is worth avoiding, site currency; of an interruptible one in shares by time."""
    is_interruptible: bool = False
    """Its `run_minutes` may be made up of several runs, at any times of the window."""
    min_run_minutes: int = Field(15, ge=15, le=1440)
    min_pause_minutes: int = Field(15, ge=15, le=1440)
    max_starts: int | None = Field(None, ge=1, le=96)
    """In a window; none: any number."""
    quiet_hours: tuple[DailyWindow, ...] = ()
    """Parts of the window in which it stays off."""
    most_price_per_kwh: float | None = Field(None, ge=-20, le=50)
    """Buying price above which only what the sun leaves runs it, site currency; none: it runs as it pays."""

    @model_validator(mode="after")
    def _interruptions_fit(self) -> Self:
        """A profile has no parts; and whoever runs without a break has one run, whose least time says so."""
        options = ("min_run_minutes", "min_pause_minutes", "max_starts", "quiet_hours", "most_price_per_kwh")
        given = [name for name in options if getattr(self, name) != type(self).model_fields[name].default]
        if given and not self.is_interruptible:
            raise ValueError(
                f"deferrable {self.key!r}: {', '.join(given)} stands without is_interruptible: true; give that, and "
                "for a run without a break min_run_minutes as long as run_minutes"
            )
        if self.is_interruptible and self.profile_w:
            raise ValueError(
                f"deferrable {self.key!r}: profile_w is a run without a break and is_interruptible true; keep one"
            )
        if self.min_run_minutes > self.run_minutes:
            raise ValueError(
                f"deferrable {self.key!r}: min_run_minutes is {self.min_run_minutes} of run_minutes "
                f"{self.run_minutes}; give no more than it runs in all"
            )
        return self
