"""Rows of two made-up homes and of the market, the same for every server that speaks PostgREST's dialect.

Before a PostgREST of yours is held against the contract: ``python -m ems_pipeline_tests.api.rest.rows DATABASE_URL``
on a database of its own, made by ``ems db migrate``.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa
from sqlalchemy.engine import Connection

ROWS = """
INSERT INTO ems.site
    (site_key, name, timezone, latitude, longitude, market_zone, currency, is_active, created_at) VALUES
    ('elm', 'Elm, 1', 'Europe/Prague', 50, 14.5, 'CZ', 'CZK', true, '2026-01-01T00:00Z'),
    ('oak', 'Oak "2"', 'Europe/Berlin', 52.5, 13, 'DE', 'EUR', false, '2026-01-02T00:00Z');
INSERT INTO ems.site_config (site_key, config_hash, config, known_at) VALUES
    ('elm', 'e1', '{"name": "Elm", "batteries": [{"key": "pack", "capacity_wh": 10000}]}', '2026-01-01T00:00Z'),
    ('oak', 'o1', '{"name": "Oak", "batteries": []}', '2026-01-02T00:00Z');
INSERT INTO ems.alarm (site_key, device_key, kind, severity, text, raised_at, last_at, times) VALUES
    ('elm', NULL, 'plan-late', 'warning', 'the plan is late', '2026-03-01T10:00Z', '2026-03-01T10:05Z', 2),
    ('elm', 'meter', 'silent', 'critical', '100% silent, (again)', '2026-03-01T11:00Z', '2026-03-01T11:00Z', 1),
    ('oak', 'meter', 'silent', 'info', 'was silent', '2026-03-01T12:00Z', '2026-03-01T12:00Z', 7),
    (NULL, NULL, 'disk', 'warning', 'the disk is full', '2026-03-01T13:00Z', '2026-03-01T13:00Z', 1);
INSERT INTO ems.control_decision (site_key, slot, decided_at) VALUES
    ('elm', '2026-03-01T12:00Z', '2026-03-01T12:00:01Z');
INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end, status,
    is_verified, inputs, config_hash, code_version, recorded_at) VALUES
    ('00000000-0000-4000-8000-000000000001', 'elm', 'daily', '2026-03-01', '2026-02-28T14:00Z', '2026-03-01T00:00Z',
     '2026-03-02T00:00Z', 'optimal', true, '{}', 'e1', 'x', '2026-02-28T14:00Z'),
    ('00000000-0000-4000-8000-000000000002', 'oak', 'daily', '2026-03-01', '2026-02-28T14:00Z', '2026-03-01T00:00Z',
     '2026-03-02T00:00Z', 'failed', false, '{}', 'o1', 'x', '2026-02-28T14:00Z');
INSERT INTO ems.planning_interval
    (planning_run_id, starts_at, grid_w, pv_w, pv_available_w, battery_w, genset_w, load_w, ev_w, heat_pump_w, soc_pct,
     buy_per_kwh, sell_per_kwh, cost, mode, reason)
    SELECT '00000000-0000-4000-8000-000000000001', '2026-03-01T00:00Z'::timestamptz + i * interval '15 minutes',
        i * 100, 0, 0, 0, 0, i * 100, 0, 0, 50, 0.2, 0.05, i * 0.005,
        CASE WHEN i % 2 = 0 THEN 'hold' ELSE 'charge' END, 'r'
    FROM generate_series(0, 3) i;
INSERT INTO ems.planning_interval
    (planning_run_id, starts_at, grid_w, pv_w, pv_available_w, battery_w, genset_w, load_w, ev_w, heat_pump_w, soc_pct,
     buy_per_kwh, sell_per_kwh, cost, mode, reason)
    VALUES ('00000000-0000-4000-8000-000000000002', '2026-03-01T00:00Z',
        1, 0, 0, 0, 0, 1, 0, 0, NULL, 1, 1, 1, 'hold', 'r');
INSERT INTO ems.fx_rate (base, quote, rate_on, rate, is_provisional, source, known_at)
    SELECT 'EUR', 'CZK', '2026-01-01'::date + i, 25 + i * 0.1, i > 3, 'cnb',
        '2026-01-01T13:00Z'::timestamptz + i * interval '1 day'
    FROM generate_series(0, 4) i;
"""


def fill(connection: Connection) -> None:
    """Write them into an empty warehouse, as its owner."""
    for statement in ROWS.split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement.replace("%", "%%"))


if __name__ == "__main__":
    with sa.create_engine(sys.argv[1]).begin() as opened:
        fill(opened)
