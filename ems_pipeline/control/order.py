"""What a person may ask of one point of a device: opt-ins, map, site, and who will undo it.

Pure but for the reading it judges. `commissioning` carries an order out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ems_pipeline.control.footing import Footing
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.control.permit import UNREGISTERED, not_steered
from ems_pipeline.devices.driver.command import PointCommand
from ems_pipeline.devices.driver.contract import Driver, SetpointRefused
from ems_pipeline.devices.driver.translation import check_value, needed_by_hand
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import good_values
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import arming

LONGEST_S = 600.0
"""The gateways are ours while a value stands: no longer than the controller can be kept from a quarter-hour."""


@dataclass(frozen=True)
class Order:
    """What a person wants; ``restore_after_s`` None: it stands until the controller or a release changes it."""

    site: Site
    device: str
    point: str
    value: float
    who: str
    restore_after_s: float | None = None
    commissioning: bool = False

    @property
    def command(self) -> PointCommand:
        return PointCommand(self.device, self.point, self.value)


@dataclass(frozen=True)
class Standing:
    """A point as it stands, before anybody is asked whether it may be changed; ``undone`` says who changes it back."""

    point: Point
    value: float
    undone: str


def check_opt_ins(order: Order, footing: Footing, standing: arming.Standing | None, now: datetime) -> None:
    """Refuse an order without both opt-ins, but for a value that ends by itself on a site that enables no control.

    Args:
        footing: of the newest configuration.

    Raises:
        SetpointRefused, LookupError: with what is missing and the remedy.
    """
    site = footing.site
    if standing is None:
        raise LookupError(f"site {site.key}: {UNREGISTERED}, so nothing could be journalled")
    seconds = order.restore_after_s
    if seconds is not None and not 0 < seconds <= LONGEST_S:
        raise SetpointRefused(
            f"--restore-after {seconds:g} s is outside 0..{LONGEST_S:g} s; nothing was written",
            "give a time within them",
        )
    why = not_steered(footing, standing, now)
    if not why:
        return
    if site.control.enabled:
        raise SetpointRefused(why, f"arm it for a while: ems control arm {site.key} --minutes 15")
    if not order.commissioning:
        raise SetpointRefused(why, "enable and arm it, or try a value for a while: --commissioning --restore-after 60")
    if seconds is None:
        raise SetpointRefused(f"{why}: with --commissioning a value must end", "add --restore-after SECONDS")


def driver_of(drivers: Mapping[str, Driver], device: str) -> Driver:
    """The driver of a device; LookupError says which there are."""
    if device not in drivers:
        raise LookupError(f"the site has no device {device!r}; it has {list(drivers)}")
    return drivers[device]


async def observe(driver: Driver, site: Site, point: str) -> Live:
    """What an order needs to know of its device. LookupError: it has no such point."""
    try:
        needed = driver.needs | needed_by_hand(driver.point_map, point)
    except KeyError:
        writable = [p.name for p in driver.point_map.points if p.writable]
        raise LookupError(f"{driver.device} has no point {point!r}; it can be told {writable or 'nothing'}") from None
    readings = await driver.read(needed)
    faults = [r.reason for r in readings if r.quantity == driver.point_map.point(point).key and not r.is_good]
    return Live(site, {driver.device: Observed(good_values(readings), faults[0] if faults else "")})


def standing(driver: Driver, order: Order, observed: Observed) -> Standing:
    """What stands, if the order may be carried out.

    Raises:
        SetpointRefused: outside map or site, or nobody could or would put back what stands.
    """
    point, values = driver.point_map.point(order.point), observed.values
    check_value(point, order.value)
    if point.key not in values:
        why = f"{driver.device}/{point.name} cannot be read ({observed.fault})"
        raise SetpointRefused(
            f"{why}, so what stands there could not be put back; nothing was written", "look at the device"
        )
    writes = driver.translate(order.command, values)
    if order.restore_after_s is not None:
        return Standing(point, values[point.key], f"is put back after {order.restore_after_s:g} s")
    released = {driver.point_map.point(w.point).name for w in driver.release_writes(values)}
    if not {w.point for w in writes} <= released:
        raise SetpointRefused(
            f"no release of {driver.device} writes {point.name}: nobody would ever put it back",
            "add --restore-after SECONDS",
        )
    minutes = order.site.control.setpoint_ttl_minutes
    return Standing(point, values[point.key], f"stands until the next control, {minutes} min at most; then it releases")
