"""Fitted responses of heated houses: every fit is kept, a read takes the newest known at an instant."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.heat import building
from ems_pipeline.heat.building import BuildingResponse
from ems_pipeline.sites import HeatPump
from ems_pipeline.warehouse import known
from ems_pipeline.warehouse.frames import query


def put(
    connection: Connection,
    site_key: str,
    asset_key: str,
    response: BuildingResponse,
    known_at: datetime,
    recorded_at: datetime | None = None,
) -> int:
    """Keep a fit to what was measured before ``known_at``, made at ``recorded_at`` (None: right then)."""
    made = {"known_at": known_at, "recorded_at": recorded_at or known_at}
    row = {"site_key": site_key, "asset_key": asset_key, **response.__dict__, **made}
    return known.issue(connection, "ems.building_response", pl.DataFrame([row]), keys=("site_key", "asset_key"))


def newest(connection: Connection, site_key: str, asset_key: str, as_known_at: datetime) -> BuildingResponse | None:
    """The newest fit known at an instant; None when there is none."""
    rows = query(
        connection,
        f"""SELECT heat_loss_w_per_k, heat_capacity_wh_per_k, gains_w, residual_w, windows FROM ems.building_response
           WHERE site_key = :site AND asset_key = :asset AND known_at <= :at
           ORDER BY {known.issue_order(":at")} LIMIT 1""",
        site=site_key,
        asset=asset_key,
        at=as_known_at,
    )
    return BuildingResponse(**rows.row(0, named=True)) if rows.height else None


def of(connection: Connection, site_key: str, pump: HeatPump, as_known_at: datetime) -> tuple[BuildingResponse, str]:
    """The house to reckon with at an instant, fitted or stated, and why (`building.chosen`)."""
    return building.chosen(newest(connection, site_key, pump.key, as_known_at), pump.house)
