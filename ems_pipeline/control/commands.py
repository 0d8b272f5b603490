"""Claims on assets -> one command per device: a hybrid inverter carries battery and PV, and obeys once.

Pure. Modes and limits are those of `ems_pipeline.sites.wish`. A new kind of device is a new function here and a line
in `for_device`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
)
from ems_pipeline.devices.installed import obedience
from ems_pipeline.errors import EmsError
from ems_pipeline.sites import Asset, Battery, Charger, PvArray, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode, MachineMode, PvMode
from ems_pipeline.sites.wish import Limits, Unfit, Wish
from ems_pipeline.warehouse.claims import Claim

Wishes = Mapping[str, Wish]
"""By key of the asset."""


class WrongWish(EmsError, ValueError):
    """A mode or limit that an asset does not have, or wishes of one device that exclude each other."""


def assets_of(site: Site, device: str) -> tuple[Asset, ...]:
    """Assets a device obeys for."""
    return tuple(asset for asset in site.assets if asset.device == device and asset.modes is not None)


def check_wish(site: Site, asset_key: str, mode: str, limits: Mapping[str, Any]) -> Wish:
    """The wish an override would be, before it is filed.

    Raises:
        WrongWish: an asset, mode or limit that the site does not have, with what there is.
    """
    wish = site.wish(asset_key, mode, limits)
    if isinstance(wish, Unfit):
        raise WrongWish(f"the override {wish.fault}", "ask for what it can do", is_told=True)
    if why := obedience.deaf(site).get(asset_key):
        raise WrongWish(f"nothing will obey for {asset_key!r}, {why}", "name a device that obeys in the site file")
    return wish


def for_device(device: str, assets: Sequence[Asset], claims: Mapping[str, Claim]) -> Command | None:
    """The command of a device whose assets are claimed (by key) like this; None when nobody wants anything.

    Raises:
        WrongWish: see there.
    """
    wishes = {asset.key: _fit(claims[asset.key]) for asset in assets if asset.key in claims}
    if not wishes:
        return None
    if any(isinstance(a, Battery) for a in assets):
        return _battery(device, assets, wishes)
    first = next(a for a in assets if a.key in wishes)
    match wishes[first.key]:
        case Wish(PvMode()):
            limit_w, export_w = _pv_limit_w(assets, wishes), _export_w(wishes)
            if limit_w is None and export_w is None:
                return None
            return BatteryCommand(device, BatteryMode.SELF_USE, pv_limit_w=limit_w, export_limit_w=export_w)
        case Wish(ChargerMode() as mode, limits) if isinstance(first, Charger):
            return _charger(device, first, mode, limits)
        case Wish(HeatPumpMode() as mode, limits):
            return HeatPumpCommand(device, mode, _float(limits.power_limit_w))
        case Wish(GensetMode() as mode, limits):
            # As plan rows and people say it; while it warms up, a plan names no power. The envelope gives the least.
            power_w = max(0.0, claims[first.key].power_w) if limits.power_w is None else float(limits.power_w)
            return GensetCommand(device, mode is GensetMode.RUN, power_w)
        case Wish(MachineMode() as mode):
            return MachineCommand(device, mode)
    raise WrongWish(f"asset {first.key} is a {type(first).__name__}, which no device obeys for", "name another asset")


def _fit(claim: Claim) -> Wish:
    if isinstance(claim.wish, Unfit):
        raise WrongWish(f"the {claim.source} {claim.wish.fault}", "ask for what it can do", is_told=True)
    return claim.wish


def _battery(device: str, assets: Sequence[Asset], wishes: Wishes) -> BatteryCommand:
    """Batteries behind one inverter are one battery: same mode, powers added, the tighter of other limits."""
    asked = [wish for wish in wishes.values() if isinstance(wish.mode, BatteryMode)]
    modes = {wish.mode for wish in asked if isinstance(wish.mode, BatteryMode)} or {BatteryMode.SELF_USE}
    if len(modes) > 1:
        raise WrongWish(
            f"batteries of {device} are to {sorted(modes)} at once; one inverter has one mode", "ask for one"
        )
    return BatteryCommand(
        device,
        modes.pop(),
        charge_limit_w=_sum([wish.limits.charge_limit_w for wish in asked]),
        discharge_limit_w=_sum([wish.limits.discharge_limit_w for wish in asked]),
        target_soc_pct=_least([wish.limits.target_soc_pct for wish in asked]),
        export_limit_w=_export_w(wishes),
        pv_limit_w=_pv_limit_w(assets, wishes),
    )


def _pv_limit_w(assets: Sequence[Asset], wishes: Wishes) -> float | None:
    """Curtailed arrays count with their limit, the others behind the same inverter with all they can give."""
    arrays = [a for a in assets if isinstance(a, PvArray)]
    curtailed = {a.key: wishes[a.key] for a in arrays if a.key in wishes and wishes[a.key].mode is PvMode.CURTAIL}
    limits = {key: wish.limits.pv_limit_w for key, wish in curtailed.items() if wish.limits.pv_limit_w is not None}
    if not limits:
        return None
    return float(sum(limits.get(a.key, a.inverter_limit_w or a.peak_power_w) for a in arrays))


def _export_w(wishes: Wishes) -> float | None:
    return _least(wish.limits.export_limit_w for wish in wishes.values())


def _charger(device: str, charger: Charger, mode: ChargerMode, limits: Limits) -> ChargerCommand:
    if mode is ChargerMode.OFF:
        return ChargerCommand(device, mode, 0.0, charger.phases)
    return ChargerCommand(
        device,
        mode,
        charger.max_current_a if limits.current_a is None else float(limits.current_a),
        charger.phases if limits.phases is None else int(limits.phases),
    )


def _float(limit: float | None) -> float | None:
    """Rows may say 10 where a device is told 10.0."""
    return None if limit is None else float(limit)


def _least(limits: Iterable[float | None]) -> float | None:
    """The tightest of the limits that are named."""
    return min((float(limit) for limit in limits if limit is not None), default=None)


def _sum(limits: Sequence[float | None]) -> float | None:
    """Added limits; None (each device's own maximum) as soon as one battery has none."""
    known = [float(limit) for limit in limits if limit is not None]
    return sum(known) if known and len(known) == len(limits) else None
