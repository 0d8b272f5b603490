"""All devices of all sites: opened, asked at once, and how each has behaved.

opening.py  site -> a driver per device        sweep.py  readings of all, whatever fails
health.py   whether to ask a device now
"""

from ems_pipeline.devices.fleet.opening import DeviceId, OpenSite, close_all, open_site, open_wire
from ems_pipeline.devices.fleet.sweep import EVERYTHING, LIVE, Sweep, due_groups, judged, read_all, read_site, runner

__all__ = [
    "EVERYTHING",
    "LIVE",
    "DeviceId",
    "OpenSite",
    "Sweep",
    "close_all",
    "due_groups",
    "judged",
    "open_site",
    "open_wire",
    "read_all",
    "read_site",
    "runner",
]  # fmt: skip
