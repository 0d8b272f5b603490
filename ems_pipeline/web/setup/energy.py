"""The fourth step: batteries and arrays. What devices say is filled in and named as theirs; the rest is asked."""

from __future__ import annotations

from typing import Any

from ems_pipeline.web.setup import typed
from ems_pipeline.web.setup.signs import Values
from ems_pipeline.web.setup.typed import Texts

Part = dict[str, Any]
FACINGS = (
    ("180", "south"),
    ("135", "south-east"),
    ("225", "south-west"),
    ("90", "east"),
    ("270", "west"),
    ("0", "north"),
)
PLANES = (1, 2)
CAPACITY = ("battery_capacity", "battery_capacity_wh")
CHARGE = ("battery_rated_charge_power", "rated_charge_power")
DISCHARGE = ("rated_discharge_power", "battery_rated_charge_power")
RATED = ("rated_power",)
"""Points of the maps that say so, best first."""


def has_battery(said: Values) -> bool:
    return "battery_soc_pct" in said


def has_pv(said: Values) -> bool:
    return "pv_power_w" in said


def guesses(said: Values) -> dict[str, str]:
    """Fields that a device answers itself, as texts in kWh and kW; what it does not say is not there."""
    volts = said.get("battery_voltage_v")
    found = {
        "capacity_kwh": _first(said, CAPACITY),
        "charge_kw": _first(said, CHARGE) or _amperes(said.get("bms_charge_current_limit"), volts),
        "discharge_kw": _first(said, DISCHARGE) or _amperes(said.get("bms_discharge_current_limit"), volts),
        "ac_kw": _first(said, RATED),
    }
    rated_w = found["ac_kw"]
    for name in ("charge_kw", "discharge_kw"):  # cells may bear more than the inverter gives
        if (limit_w := found[name]) is not None and rated_w is not None:
            found[name] = min(limit_w, rated_w)
    return {name: f"{watts / 1000:.3g}" for name, watts in found.items() if watts}


def _first(said: Values, names: tuple[str, ...]) -> float | None:
    return next((said[name] for name in names if said.get(name, 0) > 0), None)


def _amperes(amperes: float | None, volts: float | None) -> float | None:
    return amperes * volts if amperes and volts else None


def meant(texts: Texts, devices: dict[str, Values]) -> Part:
    """Batteries, arrays and inverters of a document; fields are called ``DEVICE.NAME``.

    Raises:
        Problem: the first field that cannot be taken.
    """
    batteries, arrays, inverters = [], [], []
    for device, said in devices.items():
        mine = {name.partition(".")[2]: text for name, text in texts.items() if name.startswith(f"{device}.")}
        pack = _battery(device, mine) if has_battery(said) and mine.get("battery") != "none" else None
        planes = [plane for n in PLANES if has_pv(said) and (plane := _plane(device, mine, n)) is not None]
        batteries += [pack] if pack else []
        arrays += planes
        limit_kw = typed.maybe(mine, "ac_kw", f"{device}: what the inverter gives at most, kW", 0.1, 20_000)
        if limit_kw is not None and (pack or planes):
            inverters.append({
                "key": device, "ac_limit_w": round(limit_kw * 1000), "pv": [plane["key"] for plane in planes],
                "batteries": [pack["key"]] if pack else [],
            })  # fmt: skip
    return {"batteries": batteries, "pv": arrays, "inverters": inverters}


def _battery(device: str, mine: Texts) -> Part:
    lowest = typed.number(mine, "min_soc", f"{device}: the least charge, %", 0, 95)
    reserve = typed.number(mine, "reserve_soc", f"{device}: the reserve, %", lowest, 99)
    return {
        "key": f"{device}-battery",
        "device": device,
        "capacity_wh": round(1000 * typed.number(mine, "capacity_kwh", f"{device}: the capacity, kWh", 0.2, 100_000)),
        "charge_limit_w": round(1000 * typed.number(mine, "charge_kw", f"{device}: charging, kW", 0.1, 20_000)),
        "discharge_limit_w": round(
            1000 * typed.number(mine, "discharge_kw", f"{device}: discharging, kW", 0.1, 20_000)
        ),
        "min_soc_pct": lowest,
        "reserve_soc_pct": reserve,
    }


def _plane(device: str, mine: Texts, n: int) -> Part | None:
    if n > 1 and not mine.get(f"peak{n}_kw", "").strip():
        return None
    peak_kw = typed.number(mine, f"peak{n}_kw", f"{device}: peak power of roof {n}, kW", 0.1, 20_000)
    return {
        "key": f"{device}-roof-{n}",
        "device": device,
        "peak_power_w": round(peak_kw * 1000),
        "tilt_deg": typed.number(mine, f"tilt{n}", f"{device}: slope of roof {n}, degrees", 0, 90),
        "azimuth_deg": typed.number(mine, f"azimuth{n}", f"{device}: where roof {n} faces, degrees", 0, 359.9),
    }
