"""All devices of all sites: opened, asked at once, and how each has behaved.

opening.py  site -> a driver per device        sweep.py  readings of all, whatever fails
health.py   whether to ask a device now
"""

from ems_pipeline.devices.fleet.opening import DeviceId, OpenSite, open_site, open_wire
from ems_pipeline.devices.fleet.sweep import Sweep, due_groups, judged, read_all, runner

__all__ = [
    "DeviceId",
    "OpenSite",
    "Sweep",
    "due_groups",
    "judged",
    "open_site",
    "open_wire",
    "read_all",
    "runner",
]  # fmt: skip
