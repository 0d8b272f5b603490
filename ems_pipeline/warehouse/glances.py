"""How one site stands now, for somebody who wants it in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.time_grid import SLOT, floor_slot

STALE = timedelta(minutes=5)
SITE = """
    SELECT s.site_key AS key, s.name, s.timezone, s.currency,
           s.is_active AND coalesce((c.config #>> '{control,enabled}')::boolean, false) AS is_enabled,
           (SELECT max(a.until_at) FROM ems.control_arm a WHERE a.site_key = s.site_key AND a.disarmed_at IS NULL
              AND a.armed_at <= :now AND a.until_at > :now) AS armed_until,
           charge.soc_pct, charge.measured_at, price.buy_per_kwh, price.sell_per_kwh, planned.mode, planned.reason
    FROM ems.site s
    LEFT JOIN LATERAL (SELECT config FROM ems.site_config d WHERE d.site_key = s.site_key
                       ORDER BY d.known_at DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT avg(v.value) AS soc_pct, min(v.reported_at) AS measured_at FROM ems.vw_latest_telemetry v
        WHERE v.site_key = s.site_key AND v.quantity = 'battery_soc_pct' AND v.value IS NOT NULL
          AND v.quality IN (0, 6) AND v.reported_at > :stale) charge ON true
    LEFT JOIN LATERAL ems.fn_effective_price(s.site_key, :slot, :next) price ON true
    LEFT JOIN LATERAL (
        SELECT i.mode, i.reason FROM ems.fn_plan_in_force(s.site_key, :slot, :now) f
        JOIN ems.planning_interval i ON i.planning_run_id = f.planning_run_id AND i.starts_at = :slot) planned ON true
    WHERE s.site_key = :site"""


@dataclass(frozen=True)
class Glance:
    """A site at an instant; None: not known, or none."""

    key: str
    name: str
    timezone: str
    currency: str
    is_enabled: bool
    armed_until: datetime | None
    soc_pct: float | None
    measured_at: datetime | None
    buy_per_kwh: float | None
    sell_per_kwh: float | None
    mode: str | None
    reason: str | None
    overrides: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


def look(connection: Connection, site_key: str, now: datetime) -> Glance:
    """A site as it stands. LookupError: it was never registered."""
    slot = floor_slot(now)
    values = {"site": site_key, "now": now, "stale": now - STALE, "slot": slot, "next": slot + SLOT}
    row = connection.execute(sa.text(SITE), values).mappings().first()
    if row is None:
        raise LookupError(f"there is no site {site_key}; `ems site list` names those there are")
    holding = connection.execute(
        sa.text("""SELECT format('%s %s by %s', asset_key, mode, created_by) FROM ems.control_override
                   WHERE site_key = :site AND cancelled_at IS NULL AND from_at <= :now AND until_at > :now
                   ORDER BY control_override_id"""),
        values,
    ).scalars()
    return Glance(**row, overrides=tuple(holding), alarms=tuple(open_alarms(connection, [site_key])))


def open_alarms(connection: Connection, site_keys: list[str] | None) -> list[str]:
    """Open alarms in words, the worst first: of some sites, or of all and the installation."""
    return list(
        connection.execute(
            sa.text("""SELECT concat_ws(' ', severity, site_key, device_key, kind) || ': ' || text FROM ems.alarm
                       WHERE cleared_at IS NULL AND (CAST(:sites AS text[]) IS NULL OR site_key = ANY(:sites))
                       ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), last_at DESC"""),
            {"sites": site_keys},
        ).scalars()
    )


def site_keys(connection: Connection) -> list[str]:
    """Keys of the sites in service, in order."""
    return list(
        connection.execute(sa.text("SELECT site_key FROM ems.site WHERE is_active ORDER BY site_key")).scalars()
    )


def batteries(connection: Connection, site_key: str) -> list[str]:
    """Keys of the batteries of a site that have a device which could obey."""
    found = connection.execute(
        sa.text("""SELECT found.part ->> 'key' FROM (
                       SELECT config FROM ems.site_config WHERE site_key = :site ORDER BY known_at DESC LIMIT 1) newest
                   CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'batteries') AS found (part)
                   WHERE found.part ->> 'device' IS NOT NULL"""),
        {"site": site_key},
    )
    return list(found.scalars())
