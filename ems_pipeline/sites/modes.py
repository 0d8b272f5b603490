"""What can be asked of an asset: the modes of plan rows, schedules and overrides, which all speak the same language."""

from __future__ import annotations

from enum import StrEnum


class BatteryMode(StrEnum):
    """What a battery (behind its hybrid inverter) does with surplus and deficit."""

    SELF_USE = "self-use"
    """Charge from surplus, discharge into the house: the device's own logic, nothing bought or sold for it."""
    HOLD = "hold"
    """Do not discharge; surplus may charge it up to `charge_limit_w`."""
    CHARGE = "charge"
    """Charge with `charge_limit_w`, from the grid if need be, up to `target_soc_pct`."""
    DISCHARGE = "discharge"
    """Discharge with `discharge_limit_w`, into the grid if need be, down to `target_soc_pct`."""


class PvMode(StrEnum):
    """What an array does with the sun."""

    PRODUCE = "produce"
    CURTAIL = "curtail"
    """Give no more than `pv_limit_w`, and no more than what the meter lets out under `export_limit_w`."""


class ChargerMode(StrEnum):
    """What a charger does."""

    OFF = "off"
    CHARGE = "charge"


class HeatPumpMode(StrEnum):
    """The four SG-Ready states (Bundesverband Waermepumpe, SG Ready label)."""

    BLOCKED = "blocked"
    NORMAL = "normal"
    RECOMMENDED = "recommended"
    FORCED = "forced"


class GensetMode(StrEnum):
    """Whether a generating set turns."""

    OFF = "off"
    RUN = "run"


class MachineMode(StrEnum):
    """What a plan says of a machine with a window; no device obeys for one."""

    OFF = "off"
    RUN = "run"


MODES_OF: dict[str, tuple[str, ...]] = {
    "batteries": tuple(BatteryMode),
    "chargers": tuple(ChargerMode),
    "heat_pumps": tuple(HeatPumpMode),
    "pv": tuple(PvMode),
    "gensets": tuple(GensetMode),
}
"""What can be wished of a kind of asset, as `fn_override_add` takes it."""
POWER_OF = {
    ("batteries", "charge"): "charge_limit_w", ("batteries", "discharge"): "discharge_limit_w",
    ("batteries", "hold"): "charge_limit_w", ("heat_pumps", "forced"): "power_limit_w",
    ("pv", "curtail"): "pv_limit_w", ("gensets", "run"): "power_w",
}  # fmt: skip
"""Which limit a power is, by kind and mode."""
