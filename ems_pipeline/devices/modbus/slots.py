"""Values that stand where a list says: slots that the installer, or another master, fills with messages of his choice.

A Samsung module shows bus messages in slots; which ones is written in its lists (ids from register 6000 for the outdoor
unit, 7000 for the indoor one). What the map calls the flow rate is that only while its slot holds that message. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from ems_pipeline.devices.points.map_rules import SlotList
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample

Listed = Mapping[SlotList, tuple[int, ...]]
"""What stands in each list; nothing where the device does not show it, and its table of defaults holds."""


def placed(point: Point, listed: Listed) -> Point | Sample:
    """The point where its message stands on this device; a sample says why it has none."""
    slots = next((s for s in listed if point.address is not None and point.address in s.addresses), None)
    if point.message is None or slots is None:
        return point
    ids, own = listed[slots], (point.address or 0) - slots.values
    if point.message in ids:
        return point.model_copy(update={"address": slots.values + ids.index(point.message)})
    if not ids or ids[own] == 0:
        return point
    reason = (
        f"message {point.message:#06x} is in none of the module's slots: register {slots.ids + own} selects "
        f"{ids[own]:#06x} for its own; write the list anew at commissioning"
    )
    return Sample(None, Quality.ABSENT, reason)
