"""The day with which an installation begins: the earliest of any of its sites. The UI offers no day before it.

Definitions load without a database, so `prepare` asks it and hands the day over in the environment. It holds for the
life of the processes: a site with an older past is offered after the next start. Dagster keeps what is made by its
key, so another first day loses nothing; days before it are not shown, until it is an earlier one again.
"""

from collections.abc import Callable
from datetime import date

import dagster as dg

from ems_pipeline import settings
from ems_pipeline.orchestration.partitions import EARLY, days_from, site_day_partitions, site_days_from
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.beginnings import installation_begins


def first_day() -> date:
    """What `tell` handed over; `EARLY` where nobody did. WrongSetting: what was handed over is no day."""
    return settings.FIRST_DAY.read() or EARLY


def tell(warehouse: Warehouse) -> None:
    """Hand the first day of the registered sites over to this process and its children."""
    with warehouse.begin() as connection:
        found = installation_begins(connection, SystemClock().now())
    if found is not None:
        settings.FIRST_DAY.hand_over(found.isoformat())


def begins(first: date) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    """A change of specs that lets their days begin with ``first``."""
    days, site_days = days_from(first), site_days_from(first)

    def begun(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.partitions_def == site_day_partitions:
            return spec.replace_attributes(partitions_def=site_days)
        if isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition):
            return spec.replace_attributes(partitions_def=days)
        return spec

    return begun
