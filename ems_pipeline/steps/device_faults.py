"""A device that says itself that something is wrong with it: its telemetry goes on, and a person hears of it."""

from collections.abc import Iterable
from datetime import datetime

from ems_pipeline.devices.points.quantities import FAULT
from ems_pipeline.devices.points.reading import Reading, Readings
from ems_pipeline.warehouse import alarms
from ems_pipeline.warehouse.engine import Connection

KIND = "device-fault"


def file(connection: Connection, answers: Iterable[tuple[str, Readings]], at: datetime) -> None:
    """Raise the alarm of each device whose newest answer names a fault, in its words; end those that name none.

    A device that does not answer, or not with its fault words, changes nothing.
    """
    newest: dict[tuple[str, str], Reading] = {}
    for site, readings in answers:
        if FAULT in readings.names.quantities:
            newest[site, readings.device] = readings[readings.names.quantities.index(FAULT)]
    told = {of: said for of, said in newest.items() if said.is_good}
    for (site, device), said in told.items():
        if said.value:
            alarms.raise_alarm(connection, site, KIND, "warning", f"it reports {said.reason}", at, device)
    sound = {of for of, said in told.items() if not said.value}
    for site, device in sound and sound & alarms.open_of_kind(connection, KIND):
        alarms.clear(connection, site, KIND, at, device)
