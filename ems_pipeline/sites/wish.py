"""What is wanted of an asset: a mode, and the limits that go with it. Plan rows, schedules and overrides all say it so.

Elsewhere it is text: a column, JSON, a line of a file. `Asset.wish` makes it this, once; what it does not know stays
readable as an `Unfit`, and is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode, MachineMode, PvMode

Mode = BatteryMode | PvMode | ChargerMode | HeatPumpMode | GensetMode | MachineMode


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by name, the unit in it; None: not named. Every number is from 0 on, as it was given: 10 is not 10.0."""

    phases: float | None = None
    power_w: float | None = None
    """What a genset is to give."""
    current_a: float | None = None
    pv_limit_w: float | None = None
    power_limit_w: float | None = None
    """What a heat pump may draw."""
    charge_limit_w: float | None = None
    export_limit_w: float | None = None
    """What the meter may let out."""
    target_soc_pct: float | None = None
    discharge_limit_w: float | None = None

    @property
    def named(self) -> dict[str, float]:
        """Those that are named, as they are stored; in the order in which PostgreSQL keeps the names."""
        found = ((name, getattr(self, name)) for name in NAMES)
        return {name: value for name, value in found if value is not None}


NAMES = tuple(field.name for field in fields(Limits))


@dataclass(frozen=True, slots=True)
class Wish:
    """A mode of an asset with its limits."""

    mode: Mode
    limits: Limits = Limits()

    def __str__(self) -> str:
        return in_words(self.mode, self.limits.named)

    @property
    def expected_w(self) -> float:
        """Bus power of an asset asked by hand to give or take it, its own sign; 0 where it is left to the device."""
        match self.mode:
            case BatteryMode.CHARGE:
                return -float(self.limits.charge_limit_w or 0.0)
            case BatteryMode.DISCHARGE:
                return float(self.limits.discharge_limit_w or 0.0)
            case GensetMode.RUN:
                return float(self.limits.power_w or 0.0)
        return 0.0


@dataclass(frozen=True, slots=True)
class Unfit:
    """What an asset cannot be asked: how it was said, and why not. Nothing can be made of it, and nothing is."""

    said: str
    fault: str

    def __str__(self) -> str:
        return self.said

    @property
    def expected_w(self) -> float:
        """Nothing is expected of what is not asked."""
        return 0.0


def in_words(mode: str, limits: object) -> str:
    """Mode and limits as people write them; what is no limits, as it stands."""
    named = [f"{name}={value}" for name, value in limits.items()] if isinstance(limits, Mapping) else [str(limits)]
    return " ".join([mode, *named])
