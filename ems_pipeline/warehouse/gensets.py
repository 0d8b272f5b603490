"""What controllers of gensets say: the newest of each, means of minutes, changes of states."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.gensets.snapshot import Snapshot

Key = tuple[str, str]
"""Site and device."""


OF_MINUTE = (
    "energy_wh", "power_w", "power_target_pct", "reactive_var", "power_factor", "voltage_v", "frequency_hz",
    "current_a", "speed_rpm", "coolant_c", "oil_kpa", "oil_c", "fuel_pct", "fuel_per_h", "battery_v", "run_hours",
    "grid_w", "grid_voltage_v", "grid_hz",
)  # fmt: skip
"""Columns of `genset_minute` that hold values."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a controller: by `OF_MINUTE` means of what was read, the last of what only counts up."""

    site_key: str
    device_key: str
    minute_at: datetime
    samples: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Change:
    """A state that became another one."""

    site_key: str
    device_key: str
    at: datetime
    name: str
    was: str | None
    became: str | None


_COLUMNS = ", ".join(OF_MINUTE)
_TYPED = ", ".join(f"{name} double precision" for name in OF_MINUTE)


def tell_live(connection: Connection, snapshots: Iterable[Snapshot], seen_at: datetime) -> None:
    """Write the newest of these controllers, and say so once, when it is committed."""
    rows = [
        {
            "site_key": seen.site,
            "device_key": seen.device,
            "model": seen.model,
            "link": seen.link,
            "taken_at": None if seen.taken_at is None else seen.taken_at.isoformat(),
            "readings": seen.values,
            "bits": seen.bits,
            "alarms": None if seen.alarms is None else sorted([bit.group, bit.name] for bit in seen.alarms),
        }
        for seen in snapshots
    ]
    connection.execute(
        sa.text("""INSERT INTO ems.genset_live
                       (site_key, device_key, model, link, taken_at, seen_at, readings, bits, alarms)
                   SELECT site_key, device_key, model, link, taken_at, :seen, readings, bits, nullif(alarms, 'null')
                   FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (site_key text, device_key text, model text,
                       link text, taken_at timestamptz, readings jsonb, bits jsonb, alarms jsonb)
                   ON CONFLICT (site_key, device_key) DO UPDATE SET
                       model = excluded.model, link = excluded.link, taken_at = excluded.taken_at,
                       seen_at = excluded.seen_at, readings = excluded.readings, bits = excluded.bits,
                       alarms = coalesce(excluded.alarms, genset_live.alarms)"""),
        {"rows": json.dumps(rows), "seen": seen_at},
    )
    said = json.dumps({"topic": "gensets", "key": "live", "at": seen_at.isoformat()})
    connection.execute(sa.text("SELECT pg_notify('ems_live', :said)"), {"said": said})


def forget_live(connection: Connection, kept: Collection[Key]) -> None:
    """Take away what is polled no more."""
    sites, devices = [site for site, _ in kept], [device for _, device in kept]
    connection.execute(
        sa.text("""DELETE FROM ems.genset_live WHERE (site_key, device_key) NOT IN (
                       SELECT * FROM unnest(CAST(:sites AS text[]), CAST(:devices AS text[])))"""),
        {"sites": sites, "devices": devices},
    )


def numbers(connection: Connection, models: Mapping[Key, str]) -> dict[Key, int]:
    """The number of each controller; a new one gets one. Sites that are not registered have none."""
    asked = {
        "sites": [site for site, _ in models],
        "devices": [device for _, device in models],
        "models": list(models.values()),
    }
    found = connection.execute(
        sa.text("""INSERT INTO ems.genset_controller (site_key, device_key, model)
                   SELECT a.site_key, a.device_key, a.model
                   FROM unnest(CAST(:sites AS text[]), CAST(:devices AS text[]), CAST(:models AS text[]))
                        AS a (site_key, device_key, model) JOIN ems.site s USING (site_key)
                   ON CONFLICT (site_key, device_key) DO UPDATE SET model = excluded.model
                   RETURNING site_key, device_key, controller_id"""),
        asked,
    )
    return {(site, device): number for site, device, number in found}


def add_minutes(connection: Connection, minutes: Sequence[Minute], numbered: Mapping[Key, int]) -> None:
    """Write minutes; one that is there is written again."""
    rows = [
        {
            **one.values,
            "minute_at": one.minute_at.isoformat(),
            "samples": one.samples,
            "controller_id": numbered[one.site_key, one.device_key],
        }
        for one in minutes
        if (one.site_key, one.device_key) in numbered
    ]
    if not rows:
        return
    at = [one.minute_at for one in minutes]
    connection.execute(
        sa.text("SELECT ems.fn_ensure_partitions('genset_minute', :start, :end)"), {"start": min(at), "end": max(at)}
    )
    sets = ", ".join(f"{name} = excluded.{name}" for name in ("samples", *OF_MINUTE))
    connection.execute(
        sa.text(f"""INSERT INTO ems.genset_minute (controller_id, minute_at, samples, {_COLUMNS})
                    SELECT controller_id, minute_at, samples, {_COLUMNS}
                    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (controller_id integer, minute_at timestamptz,
                        samples smallint, {_TYPED})
                    ON CONFLICT (controller_id, minute_at) DO UPDATE SET {sets}"""),
        {"rows": json.dumps(rows)},
    )


def add_changes(connection: Connection, changes: Sequence[Change], numbered: Mapping[Key, int]) -> None:
    """Write changes; one that is there already stays."""
    rows = [
        asdict(one) | {"at": one.at.isoformat(), "controller_id": numbered[one.site_key, one.device_key]}
        for one in changes
        if (one.site_key, one.device_key) in numbered
    ]
    if rows:
        connection.execute(
            sa.text("""INSERT INTO ems.genset_change (controller_id, at, name, was, became)
                       SELECT controller_id, at, name, was, became FROM jsonb_to_recordset(CAST(:rows AS jsonb))
                           AS r (controller_id integer, at timestamptz, name text, was text, became text)
                       ON CONFLICT DO NOTHING"""),
            {"rows": json.dumps(rows)},
        )


def standing(connection: Connection, site_key: str | None = None) -> list[dict[str, Any]]:
    """How controllers stand, of a site or of all: site_key, device_key, model, link, taken_at, state, power_w, mode."""
    found = connection.execute(
        sa.text("""SELECT site_key, device_key, model, link, taken_at, readings ->> 'engine_state' AS state,
                          coalesce(readings -> 'power_w', readings -> 'mains_power_w')::text::float8 AS power_w,
                          (SELECT replace(b.key, 'mode_', '') FROM jsonb_each(bits) b
                           WHERE starts_with(b.key, 'mode_') AND b.value = 'true' LIMIT 1) AS mode
                   FROM ems.genset_live WHERE CAST(:site AS text) IS NULL OR site_key = :site ORDER BY 1, 2"""),
        {"site": site_key},
    )
    return [dict(row) for row in found.mappings()]
