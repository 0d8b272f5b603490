"""An alarm of a generating set as the API tells it, for the routes that list it and those that do something to it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ems_pipeline.api.caller import Caller
from ems_pipeline.api.reading import Row, absent, first
from ems_pipeline.api.values import Answer, instant, said
from ems_pipeline.api.web import Web
from ems_pipeline.gensets.alarms import titles
from ems_pipeline.gensets.alarms.alarm import Condition, Source
from ems_pipeline.gensets.states import AlarmGroup

Group = Literal["shutdown", "trip_stop", "safety_trip_stop", "trip", "safety_trip", "mains_trip", "block", "warning"]
State = Literal["unacknowledged", "acknowledged", "returned", "latched", "normal"]
Shown = Literal[
    "unacknowledged", "acknowledged", "returned", "latched", "normal", "shelved", "suppressed", "out_of_service"
]


class GensetAlarm(Answer):
    """An alarm of a controller, from its first cause until it is over."""

    genset_alarm_id: int = said("Number.", 5, "number", 1)
    site: str = said("Site.", "hall")
    device: str | None = said("Controller; null: the road to all controllers of the site.", "set-1")
    source: Literal["bit", "limit", "link"] = said("Who says so: the controller, a limit of ours, the link.", "bit")
    group: Group = said("What the controller does about it.", "shutdown")
    name: str = said("Which alarm, as the controller's map calls it.", "low_oil_pressure")
    title: str = said("The same in English.", "Oil pressure too low")
    severity: Literal["warning", "critical"] = said("How grave to people.", "critical")
    shown_as: Shown = said("What hides it, else its state.", "unacknowledged")
    state: State = said("State, whatever hides it.", "unacknowledged")
    quality: Literal["good", "bad"] = said("`bad`: its controller is not heard, and it is as heard last.", "good")
    first_raised_at: datetime = instant("When its cause came first.")
    raised_at: datetime = instant("When its cause came last.")
    returned_at: datetime | None = instant("When its cause went; null: it is there.")
    times: int = said("How often its cause has come.", 1, "times", 1)
    trouble_at: datetime | None = instant("When its trouble began; null: it stops nothing, and has no place.")
    place: int | None = said("In the order of its trouble; 1: it came first. Those of one poll tie.", 1, "place", 1)
    acknowledged_at: datetime | None = instant("When somebody said that he knows; null: nobody did.")
    acknowledged_by: str | None = said("Who was first.", "web:anna")
    suppressed_by: str | None = said("What hides it by design: `link`, `resting`.", None)
    removed_for: str | None = said("Why its controller is out of service.", None)
    shelved_until: datetime | None = instant("Until when it is shelved.")
    shelved_by: str | None = said("Who shelved it.", None)
    shelved_reason: str | None = said("Why.", None)
    ended_at: datetime | None = instant("When it was over; null: it stands.")


COLUMNS = """genset_alarm_id, site_key AS site, device_key AS device, source, group_name AS "group", name, shown_as,
             state, quality, first_raised_at, raised_at, returned_at, times, trouble_at, place, acknowledged_at,
             acknowledged_by, suppressed_by, removed_for, shelved_until, shelved_by, shelved_reason, ended_at"""
VISIBLE = "(%(sites)s::text[] IS NULL OR site_key = ANY (%(sites)s))"


async def one(web: Web, caller: Caller, number: int) -> Row:
    """An alarm that exists for whoever asks; Problem 404 for others."""
    async with web.database.reading(caller) as connection:
        query = f"SELECT {COLUMNS} FROM ems.vw_genset_alarm WHERE genset_alarm_id = %(number)s AND {VISIBLE}"
        found = await first(connection, query, number=number, sites=caller.listed_sites)
    if found is None:
        raise absent(f"there is no genset alarm {number}", "GET /api/v1/gensets/alarms lists those that stand")
    return worded(found)


def worded(row: Row) -> Row:
    """With the title of the alarm, and how grave it is."""
    condition = Condition(Source(row["source"]), AlarmGroup(row["group"]), row["name"])
    return row | {"title": titles.title(row["name"]), "severity": titles.severity(condition)}
