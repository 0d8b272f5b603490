"""A site with a set that has a maintenance plan, and what happens to it, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.maintenance.template import shipped
from ems_pipeline.sites import Site
from ems_pipeline.sites.machines import Genset
from ems_pipeline.warehouse import maintenance, meters
from ems_pipeline.warehouse import sites as registry

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""Functions of the database go by its own clock."""
TABLES = """ems.maintenance_alert, ems.maintenance_finding, ems.maintenance_part, ems.maintenance_item,
    ems.maintenance_done,
    ems.maintenance_order, ems.maintenance_plan, ems.maintenance_template, ems.maintenance_level, ems.maintenance_task,
    ems.genset_meter, ems.genset_meter_day, ems.genset_meter_event, ems.genset_reading, ems.alarm"""
SET: Mapping[str, Any] = {"min_power_w": 80_000, "max_power_w": 160_000, "start_cost": 20, "fuel_per_kwh": 5}


def yard(home01: Site, key: str = "yard") -> Site:
    """A site with two sets and no devices."""
    sets = tuple(Genset(key=name, **SET) for name in ("gen-1", "gen-2"))
    return home01.model_copy(update={"key": key, "name": "Yard", "gateways": (), "devices": (), "gensets": sets})


def begin(connection: Connection, site: Site, at: datetime = NOW) -> int:
    """An empty record, the site with its sets, and the shipped template; its number."""
    connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")
    maintenance.acting_for(connection, "anna")
    registry.register(connection, [site], at - timedelta(days=400))
    return maintenance.add_template(connection, shipped()[0])


def last(**done: tuple[float, float]) -> list[dict[str, Any]]:
    """Levels that were done at so many hours, so many days ago: ``TO_1=(1200.0, 30)``."""
    return [
        {"level": level.replace("_", "-"), "done_h": hours, "done_at": (NOW - timedelta(days=days)).isoformat()}
        for level, (hours, days) in done.items()
    ]


def counts(connection: Connection, hours: float, site: str = "yard", asset: str = "gen-1", at: datetime = NOW) -> None:
    """The sum of a set's meter, as if it had always been read; another than before is no correction."""
    connection.execute(
        sa.text("""INSERT INTO ems.genset_meter (site_key, asset_key, hours, register_h, read_at, began_at)
                   VALUES (:site, :asset, :hours, :hours, :at, CAST(:at AS timestamptz) - interval '1 year')
                   ON CONFLICT (site_key, asset_key)
                   DO UPDATE SET hours = :hours, register_h = :hours, read_at = :at"""),
        {"site": site, "asset": asset, "hours": hours, "at": at},
    )


def reads(connection: Connection, hours: float, at: datetime, site: str = "yard", asset: str = "gen-1") -> None:
    """The register shows so much, and the meters go on."""
    connection.execute(
        sa.text("""INSERT INTO ems.genset_reading VALUES (:site, :asset, :hours, :at) ON CONFLICT (site_key, asset_key)
                   DO UPDATE SET run_hours = :hours, taken_at = :at"""),
        {"site": site, "asset": asset, "hours": hours, "at": at},
    )
    meters.advance(connection, at)


def standing(connection: Connection, at: datetime = NOW, asset: str = "gen-1") -> dict[str, str]:
    """By level how bad it is."""
    rows = maintenance.due(connection, at, "yard").iter_rows(named=True)
    return {row["level"]: row["severity"] for row in rows if row["asset_key"] == asset}


def alerts(connection: Connection) -> dict[str, tuple[str, str | None]]:
    """By level of the open alerts: severity, and who acknowledged what people were told."""
    found = connection.exec_driver_sql(
        """SELECT a.level, a.severity, l.acknowledged_by FROM ems.maintenance_alert a
           LEFT JOIN ems.alarm l USING (alarm_id)
           WHERE a.resolved_at IS NULL AND a.asset_key = 'gen-1' ORDER BY a.level"""
    )
    return {level: (severity, known) for level, severity, known in found}


def done_by(connection: Connection, level: str, hours: float | None = None, left: tuple[str, ...] = ()) -> list[str]:
    """Make and complete an order with all lines done but those named; the levels that it closed."""
    order = maintenance.make_order(connection, "yard", "gen-1", level, NOW)
    maintenance.answer_all(connection, order, left)
    return maintenance.complete(connection, order, hours, NOW)
