"""Wishes for assets -> one command per device: a hybrid inverter carries battery and PV, and obeys once.

Pure. Modes and limits are those of `ems_pipeline.sites.modes`. A new kind of device is a new function here and a line
in `for_device`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from ems_pipeline.control.desired import Source, Wish
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, GensetCommand, HeatPumpCommand
from ems_pipeline.devices.installed import obedience
from ems_pipeline.sites import Asset, Battery, Charger, Genset, HeatPump, PvArray, Site
from ems_pipeline.sites.asset import LARGEST_LIMIT
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode, PvMode

Wishes = Mapping[str, Wish]
Mode = TypeVar("Mode", bound=StrEnum)


class WrongWish(ValueError):
    """A mode or limit that an asset does not have, or wishes of one device that exclude each other."""


def assets_of(site: Site, device: str) -> tuple[Asset, ...]:
    """Assets a device obeys for."""
    return tuple(asset for asset in site.assets if asset.device == device and asset.modes is not None)


def check_wish(site: Site, asset_key: str, mode: str, limits: Mapping[str, Any]) -> Command | None:
    """The command an override would become, before it is filed.

    Raises:
        WrongWish: an asset, mode or limit that the site does not have, with what there is.
    """
    asset = next((a for a in site.assets if a.key == asset_key), None)
    if asset is None:
        raise WrongWish(f"site {site.key} has no asset {asset_key!r}; it has {[a.key for a in site.assets]}")
    if fault := asset.cannot(mode, limits):
        raise WrongWish(f"the override {fault}")
    if why := obedience.deaf(site).get(asset_key):
        raise WrongWish(f"nothing will obey for {asset_key!r}, {why}; name a device that obeys in the site file")
    device = asset.device or ""  # an asset without one was refused above
    wish = Wish(asset_key, mode, limits, 0.0, "", Source.OVERRIDE)
    return for_device(device, assets_of(site, device), {asset_key: wish})


def for_device(device: str, assets: Sequence[Asset], wishes: Wishes) -> Command | None:
    """The command of a device whose assets have these wishes (by asset key); None when nobody wishes anything.

    Raises:
        WrongWish: see there.
    """
    wished = [a for a in assets if a.key in wishes]
    if not wished:
        return None
    first = wished[0]
    if any(isinstance(a, Battery) for a in assets):
        return _battery(device, assets, wishes)
    match first:
        case PvArray():
            limit_w, export_w = _pv_limit_w(assets, wishes), _least([wishes[a.key] for a in wished], "export_limit_w")
            if limit_w is None and export_w is None:
                return None
            return BatteryCommand(device, BatteryMode.SELF_USE, pv_limit_w=limit_w, export_limit_w=export_w)
        case Charger():
            return _charger(device, first, wishes[first.key])
        case HeatPump():
            wish = wishes[first.key]
            return HeatPumpCommand(device, _mode(HeatPumpMode, wish), _number(wish, "power_limit_w"))
        case Genset():
            return _genset(device, wishes[first.key])
    raise WrongWish(f"asset {first.key} is a {type(first).__name__}, which no device obeys for")


def _battery(device: str, assets: Sequence[Asset], wishes: Wishes) -> BatteryCommand:
    """Batteries behind one inverter are one battery: same mode, powers added, the tighter of other limits."""
    asked = [wishes[a.key] for a in assets if isinstance(a, Battery) and a.key in wishes]
    modes = {_mode(BatteryMode, wish) for wish in asked} or {BatteryMode.SELF_USE}
    if len(modes) > 1:
        raise WrongWish(f"batteries of {device} are to {sorted(modes)} at once; one inverter has one mode")
    targets = [v for wish in asked if (v := _number(wish, "target_soc_pct")) is not None]
    return BatteryCommand(
        device,
        modes.pop(),
        charge_limit_w=_sum(asked, "charge_limit_w"),
        discharge_limit_w=_sum(asked, "discharge_limit_w"),
        target_soc_pct=min(targets) if targets else None,
        export_limit_w=_least([wishes[a.key] for a in assets if a.key in wishes], "export_limit_w"),
        pv_limit_w=_pv_limit_w(assets, wishes),
    )


def _pv_limit_w(assets: Sequence[Asset], wishes: Wishes) -> float | None:
    """Curtailed arrays count with their limit, the others behind the same inverter with all they can give."""
    arrays = [a for a in assets if isinstance(a, PvArray)]
    limits = {a.key: _pv_wish_w(wishes[a.key]) for a in arrays if a.key in wishes}
    if all(limit is None for limit in limits.values()):
        return None
    found = ((limits.get(a.key), a.inverter_limit_w or a.peak_power_w) for a in arrays)
    return sum(whole if limit is None else limit for limit, whole in found)


def _pv_wish_w(wish: Wish) -> float | None:
    mode, limit_w = _mode(PvMode, wish), _number(wish, "pv_limit_w")
    if mode is PvMode.CURTAIL and limit_w is None and _number(wish, "export_limit_w") is None:
        raise WrongWish(f"{wish.asset_key}: curtail to what? name the limit pv_limit_w or export_limit_w")
    return limit_w if mode is PvMode.CURTAIL else None


def _charger(device: str, charger: Charger, wish: Wish) -> ChargerCommand:
    mode = _mode(ChargerMode, wish)
    if mode is ChargerMode.OFF:
        return ChargerCommand(device, mode, 0.0, charger.phases)
    current_a = _number(wish, "current_a")
    phases = _number(wish, "phases")
    return ChargerCommand(
        device,
        mode,
        charger.max_current_a if current_a is None else current_a,
        charger.phases if phases is None else int(phases),
    )


def _genset(device: str, wish: Wish) -> GensetCommand:
    """With the power of the limit ``power_w``, as plan rows and people say it; the envelope gives the least else."""
    power_w = _number(wish, "power_w")
    runs = _mode(GensetMode, wish) is GensetMode.RUN
    return GensetCommand(device, runs, max(0.0, wish.power_w) if power_w is None else power_w)


def _mode(kind: type[Mode], wish: Wish) -> Mode:
    try:
        return kind(wish.mode)
    except ValueError:
        known = ", ".join(kind)
        raise WrongWish(f"{wish.asset_key}: mode {wish.mode!r} is none of {known}") from None


def expected_w(mode: str, limits: Mapping[str, Any]) -> float:
    """Bus power of an asset asked by hand to give or take it, its own sign; 0 where it is left to the device."""
    match mode:
        case BatteryMode.CHARGE:
            return -float(limits.get("charge_limit_w") or 0.0)
        case BatteryMode.DISCHARGE:
            return float(limits.get("discharge_limit_w") or 0.0)
        case GensetMode.RUN:
            return float(limits.get("power_w") or 0.0)
    return 0.0


def _number(wish: Wish, limit: str) -> float | None:
    value: Any = wish.limits.get(limit)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_LIMIT:
        raise WrongWish(f"{wish.asset_key}: {limit} = {value!r} is not a number from 0 on; the unit is in the name")
    return float(value)


def _least(wishes: Sequence[Wish], limit: str) -> float | None:
    """The tightest of the limits that are named."""
    return min((value for wish in wishes if (value := _number(wish, limit)) is not None), default=None)


def _sum(wishes: Sequence[Wish], limit: str) -> float | None:
    """Added limits; None (each device's own maximum) as soon as one battery has none."""
    values = [_number(wish, limit) for wish in wishes]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
