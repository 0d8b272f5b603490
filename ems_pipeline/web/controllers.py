"""Controllers of a site's sets and switchboards: what its file says of each, and how each stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from ems_pipeline.api.reading import Row, rows, site_of
from ems_pipeline.gensets.sequence.progress import Step
from ems_pipeline.gensets.sequence.rules import MAPS, SWITCHBOARDS, Rules, StartBy, WrongOptions, rules_of
from ems_pipeline.gensets.sequence.steps import limit
from ems_pipeline.sites import Site
from ems_pipeline.web.reader import Reader
from ems_pipeline.web.site import Head

UNHEARD = timedelta(seconds=15)
"""A controller is polled every two seconds: a row that is older was left by a poller that does not run."""
RECENT = timedelta(days=1)
"""How long what became of a command stands beside its set."""
POLLED = """
    SELECT device_key, link, taken_at, seen_at, readings, bits FROM ems.genset_live WHERE site_key = %(site)s"""
BEFORE = """
    SELECT c.device_key, m.minute_at, to_jsonb(m) AS readings,
           (SELECT jsonb_object_agg(name, became) FROM (
                SELECT DISTINCT ON (g.name) g.name, g.became FROM ems.genset_change g
                WHERE g.controller_id = c.controller_id AND g.at > m.minute_at - interval '7 days' AND g.name <> 'link'
                ORDER BY g.name, g.at DESC) s) AS states
    FROM ems.genset_controller c CROSS JOIN LATERAL (
        SELECT * FROM ems.genset_minute m WHERE m.controller_id = c.controller_id ORDER BY m.minute_at DESC LIMIT 1) m
    WHERE c.site_key = %(site)s AND c.device_key = ANY (%(devices)s)"""
"""The last that is kept of controllers that are not heard: the mean of a minute, and the states they were in."""
COMMANDS = """
    SELECT genset_command_id AS command_id, device_key AS device, kind, power_w, reason, asked_by, asked_at, is_shadow,
           state, state_reason, progress ->> 'step' AS step, (progress ->> 'entered_at')::timestamptz AS entered_at,
           progress ->> 'trouble' AS trouble, until_at, cancelled_by, ended_at
    FROM ems.genset_command
    WHERE site_key = %(site)s AND state NOT IN ('asked', 'lapsed')
      AND (ended_at IS NULL OR ended_at > %(now)s::timestamptz - %(recent)s::interval)
    ORDER BY genset_command_id DESC LIMIT 200"""
LOCKS = """
    SELECT device_key AS device, reason, placed_by, placed_at FROM ems.genset_lockout
    WHERE site_key = %(site)s AND lifted_at IS NULL ORDER BY genset_lockout_id LIMIT 100"""
SERVICES = """
    SELECT asset_key AS asset, count(*) AS due, bool_or(severity <> 'warning') AS is_grave
    FROM ems.maintenance_alert WHERE site_key = %(site)s AND resolved_at IS NULL GROUP BY 1"""
FIRST_OUT = """
    SELECT DISTINCT ON (device_key) device_key AS device, name, group_name AS "group", trouble_at, raised_at, quality,
           state, count(*) FILTER (WHERE returned_at IS NULL) OVER (PARTITION BY device_key) AS standing
    FROM ems.vw_genset_alarm
    WHERE site_key = %(site)s AND ended_at IS NULL AND shown_as NOT IN ('shelved', 'out_of_service')
      AND (suppressed_by IS NULL OR suppressed_by = 'link')
    ORDER BY device_key, (returned_at IS NOT NULL), place NULLS LAST, (group_name = 'warning'), raised_at"""
"""Of each controller the alarm that came first in its trouble, else the gravest; one that is gone where none stands."""
OF_MINUTE = {
    "power_w": "power_w", "power_target_pct": "power_target_pct", "coolant_c": "coolant_c", "oil_kpa": "oil_kpa",
    "fuel_pct": "fuel_pct", "battery_v": "battery_v", "run_hours": "run_hours", "rpm": "speed_rpm",
    "mains_power_w": "grid_w", "mains_hz": "grid_hz", "busbar_power_w": "power_w", "busbar_hz": "frequency_hz",
}  # fmt: skip
"""A controller's value by the column that keeps its mean."""
MODES = ("auto", "manual", "stop", "test")


@dataclass(frozen=True)
class Plate:
    """What the file of a site says of a controller. ``rules`` None: it says too little to steer by."""

    device: str
    name: str
    asset: str | None
    is_switchboard: bool
    rules: Rules | None
    options: Mapping[str, Any]
    limits: tuple[Mapping[str, Any], ...]

    @property
    def rated_power_w(self) -> float | None:
        """Rated power, W; None: nobody has said it."""
        return None if self.rules is None else self.rules.rated_power_w

    @property
    def kinds(self) -> tuple[str, ...]:
        """Commands that a page offers: those of the one who owns start at this site."""
        if self.is_switchboard:
            return ("power", "mute")
        if self.rules is not None and self.rules.start_by is StartBy.MANUAL:
            return ("start", "stop", "power", "auto", "manual", "mute", "reset")
        return ("stop", "power", "auto", "mute", "reset")

    def window(self, name: str) -> float | None:
        """Of synchronising, as the site's file has it from the controller's settings: ``v``, ``hz``, ``deg``."""
        found = self.options.get(f"sync_window_{name}")
        return float(found) if isinstance(found, int | float) and found > 0 else None


@dataclass
class Controller:
    """One controller as a page shows it.

    Args:
        link: good, stale, down; ``unheard``: the poller does not run; ``never``: nothing was ever heard.
        values: as they are, or where the link is lost as they were known last.
        as_of: when that was.
    """

    plate: Plate
    link: str = "never"
    values: dict[str, Any] = field(default_factory=dict)
    mode: str | None = None
    as_of: datetime | None = None
    commands: list[Row] = field(default_factory=list)
    locks: list[Row] = field(default_factory=list)
    services: Row | None = None
    alarm: Row | None = None

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows how it stands now."""
        return self.link in ("down", "unheard", "never")

    @property
    def running(self) -> list[Row]:
        """Sequences under way, with when their step is given up (``ends_at``; None: it is not known)."""
        return [one | {"ends_at": self._ends_at(one)} for one in self.commands if one["ended_at"] is None]

    @property
    def last(self) -> Row | None:
        """The command that ended last."""
        return next((one for one in self.commands if one["ended_at"] is not None), None)

    def _ends_at(self, command: Row) -> datetime | None:
        rules, step = self.plate.rules, command["step"]
        entered_at: datetime | None = command["entered_at"]
        if rules is None or entered_at is None or step not in set(Step):
            return None
        ends_at = entered_at + limit(Step(step), rules)
        return min(ends_at, command["until_at"]) if command["until_at"] and step == Step.HOLDING else ends_at


def plates(config: Mapping[str, Any] | None) -> list[Plate]:
    """Controllers of a site's document: sets in its order, then switchboards, then those that no asset names."""
    found = config or {}
    devices = {part["key"]: part for part in found.get("devices") or () if str(part["map"]).startswith(MAPS)}
    sets = {part["device"]: part for part in found.get("gensets") or () if part.get("device") in devices}
    boards = {part["device"]: part for part in found.get("switchboards") or () if part["device"] in devices}
    rules = _rules(found) if devices else {}
    return [
        _plate(devices[key], sets.get(key), boards.get(key), rules.get(key))
        for key in dict.fromkeys([*sets, *boards, *devices])
    ]


def _rules(config: Mapping[str, Any]) -> dict[str, Rules]:
    """What the site allows, by controller; what cannot be read allows nothing."""
    found = dict[str, Rules]()
    with suppress(ValidationError):
        site = Site.model_validate(config)
        for device in site.devices:
            if device.map.startswith(MAPS):
                with suppress(WrongOptions):
                    found[device.key] = rules_of(site, device)
    return found


def _plate(
    device: Mapping[str, Any], asset: Mapping[str, Any] | None, board: Mapping[str, Any] | None, rules: Rules | None
) -> Plate:
    named = asset or board
    return Plate(
        device=device["key"], name=device["key"] if named is None else named["key"],
        asset=None if asset is None else asset["key"], is_switchboard=device["map"] in SWITCHBOARDS, rules=rules,
        options=device.get("options") or {}, limits=tuple((asset or {}).get("alarm_limits") or ()),
    )  # fmt: skip


async def standing(reader: Reader, head: Head) -> list[Controller]:
    """All controllers of a site as they stand."""
    asked = {"site": head.key, "now": head.said.now, "recent": RECENT}
    async with reader.web.database.reading(reader.known) as connection:
        found = [Controller(plate) for plate in plates((await site_of(connection, head.key))["config"])]
        by_device = {one.plate.device: one for one in found}
        for row in await rows(connection, POLLED, **asked):
            if (one := by_device.get(row["device_key"])) is not None:
                _polled(one, row, head.said.now)
        lost = [one.plate.device for one in found if one.link in ("down", "never")]
        for row in await rows(connection, BEFORE, devices=lost, **asked) if lost else ():
            _before(by_device[row["device_key"]], row)
        for row in await rows(connection, COMMANDS, **asked) if reader.known.may("gensets:read") else ():
            _of(by_device, row, "commands")
        for row in await rows(connection, LOCKS, **asked) if reader.known.may("gensets:read") else ():
            _of(by_device, row, "locks")
        alarms = await rows(connection, FIRST_OUT, **asked) if reader.known.may("alarms:read") else []
        services = await rows(connection, SERVICES, **asked) if reader.known.may("maintenance:read") else []
    for one in found:
        one.alarm = next((row for row in alarms if row["device"] == one.plate.device), None)
        one.services = next((row for row in services if row["asset"] == one.plate.asset), None)
    return found


def _polled(one: Controller, row: Row, now: datetime) -> None:
    one.link = "unheard" if now - row["seen_at"] > UNHEARD else row["link"]
    one.values, one.as_of = row["readings"], row["taken_at"]
    one.mode = next((mode for mode in MODES if row["bits"].get(f"mode_{mode}")), None)


def _before(one: Controller, row: Row) -> None:
    """Known last: means of a minute are told as of its beginning, or of the last answer where that is younger."""
    kept, states = row["readings"], row["states"] or {}
    values = {name: kept[column] for name, column in OF_MINUTE.items() if kept[column] is not None}
    one.values, one.mode = values | {name: word for name, word in states.items() if name != "mode"}, states.get("mode")
    one.as_of = max(one.as_of or row["minute_at"], row["minute_at"])


def _of(found: Mapping[str, Controller], row: Row, what: str) -> None:
    if row["device"] in found:
        getattr(found[row["device"]], what).append(row)


def named(found: list[Controller], device: str) -> Iterator[Controller]:
    """The controller of this key, if it is one of them."""
    return (one for one in found if one.plate.device == device)
