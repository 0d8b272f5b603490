"""Does the measured PV fit the plane the site file states? Told by `ems doctor`, and as an alarm once a week.

Every forecast of a wrong azimuth is wrong by hours, and no device ever reports it.
"""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from ems_pipeline.forecast import orientation
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import alarms, audits

KIND = "pv-azimuth"
"""Of the alarm."""
LOOK_BACK = timedelta(days=180)


def finding(connection: Any, site: Site, until: datetime) -> orientation.Finding | None:
    """The stated azimuth against what was measured in the half year before ``until``.

    None while too little is measured, and where several planes share the meter or there is none.
    """
    if len(site.pv) != 1:
        return None
    measured = audits.measured_targets(connection, site.key, until - LOOK_BACK, until)
    power = measured.select("starts_at", power_w=pl.col("pv_w").clip(0)).drop_nulls()
    if power.is_empty():
        return None
    (plane,) = site.pv
    return orientation.check(power, plane.tilt_deg, plane.azimuth_deg, site.latitude, site.longitude)


def watch(connection: Any, site: Site, at: datetime) -> None:
    """Raise the alarm of a wrong azimuth, or end it once the site file and the measurements agree."""
    found = finding(connection, site, at)
    if found is None:
        return
    if found.is_wrong:
        alarms.raise_alarm(connection, site.key, KIND, "warning", found.words(), at)
    else:
        alarms.clear(connection, site.key, KIND, at)
