"""What a document that comes over a channel may not change: those things come from the file on the machine."""

from __future__ import annotations

from ems_pipeline.plain_text import plain
from ems_pipeline.sites import nearby
from ems_pipeline.sites.site import Site

NEVER = ("key", "control", "gateways")
"""Whether a site is steered, and where its devices answer."""
FREE_WHILE_ARMED = frozenset({"name", "active", "first_day", "usual_load_w", "tariff", "planning"})
"""Of an armed site these alone may change: all else is a limit, what obeys it, or what is wanted of it for good."""
REMEDY = "edit the site's file on the machine"


def forbidden(before: Site | None, after: Site, *, is_armed: bool, brings_devices: bool = False) -> list[str]:
    """What of a document must not come over a channel; empty where all of it may.

    Args:
        before: the site as registered; None: there is none of this key yet.
        is_armed: whether its second opt-in stands.
        brings_devices: it comes of the set-up: a new site, in shadow, with gateways within this house.
    """
    if before is None:
        return _of_a_new_one(after, brings_devices)
    faults = [_changed(name, before, after) for name in NEVER if getattr(before, name) != getattr(after, name)]
    if after.active and not before.active:
        faults.append("active: a site is put into service on the machine (`ems site add`)")
    if is_armed:
        fixed = [name for name in type(after).model_fields if name not in FREE_WHILE_ARMED and name not in NEVER]
        faults += [
            f"{_changed(name, before, after)}; the site is armed: disarm it first"
            for name in fixed
            if getattr(before, name) != getattr(after, name)
        ]
    return faults


def _of_a_new_one(site: Site, brings_devices: bool) -> list[str]:
    faults = [] if not site.control.enabled else ["control.enabled: true comes from the file on the machine alone"]
    if brings_devices:
        return faults + list(nearby.faults(site.gateways)) + [_optioned(d.key) for d in site.devices if d.options]
    if site.gateways or site.devices:
        faults.append("gateways, devices: addresses of a new site come from its file on the machine alone")
    return faults


def _optioned(device: str) -> str:
    return f"devices: {device} has options; write them into the site's file on the machine"


def _changed(name: str, before: Site, after: Site) -> str:
    was, wanted = plain(repr(getattr(before, name)), 80), plain(repr(getattr(after, name)), 80)
    return f"{name}: {was} is registered and {wanted} was sent"
