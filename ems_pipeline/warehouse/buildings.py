"""Fitted responses of heated houses: every fit is kept, a read takes the newest known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
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


def newest(
    connection: Connection, site_keys: Sequence[str], as_known_at: datetime
) -> dict[tuple[str, str], BuildingResponse]:
    """By (site, heat pump) the newest fit known at an instant, where there is one."""
    rows = query(
        connection,
        f"""SELECT DISTINCT ON (site_key, asset_key) site_key, asset_key, heat_loss_w_per_k, heat_capacity_wh_per_k,
                  gains_w, residual_w, windows
           FROM ems.building_response WHERE site_key = ANY(:sites) AND known_at <= :at
           ORDER BY site_key, asset_key, {known.issue_order(":at")}""",
        sites=list(site_keys),
        at=as_known_at,
    )
    return {(row.pop("site_key"), row.pop("asset_key")): BuildingResponse(**row) for row in rows.to_dicts()}


def of(connection: Connection, site_key: str, pump: HeatPump, as_known_at: datetime) -> tuple[BuildingResponse, str]:
    """The house to reckon with at an instant, fitted or stated, and why (`building.chosen`)."""
    return building.chosen(newest(connection, [site_key], as_known_at).get((site_key, pump.key)), pump.house)
