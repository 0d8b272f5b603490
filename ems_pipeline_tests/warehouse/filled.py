"""Rows of every shape there is: two months of partitions, generated columns, arrays, documents, odd values."""

from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import sites as registry

FILL = """
INSERT INTO ems.market_interval_price
SELECT 'CZ', g, 80 + 10 * sin(extract(epoch FROM g) / 9e3), 'EUR', 15, 'test', g - interval '1 day', 'nominal', now()
FROM generate_series('2026-02-27 00:00+00'::timestamptz, '2026-03-02', '15 min') g;
INSERT INTO ems.point (site_key, device_key, quantity, unit)
VALUES ('home01', 'inverter', 'grid_power_w', 'W'), ('home01', 'loxone', 'indoor_temp_c', '°C');
DELETE FROM ems.point WHERE quantity = 'indoor_temp_c';
SELECT ems.fn_ensure_partitions('telemetry', '2026-02-27', '2026-03-02');
INSERT INTO ems.telemetry
SELECT point_id, g, g, v, CASE WHEN v IS NULL THEN 2 ELSE 0 END, CASE WHEN v IS NULL THEN 'no "answer", \\\\N' END
FROM ems.point, generate_series('2026-02-28 20:00+00'::timestamptz, '2026-03-01 04:00', '1 min') g,
     LATERAL (SELECT nullif(extract(minute FROM g) * 0.1 + 1e-9, 1e-9)::float8) x (v);
SELECT ems.fn_fill_telemetry_15m('home01', '2026-02-28 20:00+00', '2026-03-01 04:00+00');
INSERT INTO ems.planning_run
SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'home01', 'rolling', '2026-03-01', g, g,
       g + interval '1 day', 'optimal', true, false, -1.5, NULL, 0.1, 0.2, '[]', '[]', '{"a": [1, 2.50, null, "x"]}',
       NULL, 'hash', '1', NULL, g
FROM generate_series(1, 20) n, LATERAL (SELECT '2026-03-01 00:00+00'::timestamptz + n * interval '15 min') x (g);
INSERT INTO ems.planning_interval (planning_run_id, starts_at, grid_w, pv_w, pv_available_w, battery_w, genset_w,
                                   load_w, ev_w, heat_pump_w, buy_per_kwh, sell_per_kwh, cost, mode, reason)
SELECT planning_run_id, decided_at, 'NaN', 0, '-0', 1e300, 0, 0, 0, 0, 0, 0, 0, 'hold', '' FROM ems.planning_run;
INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, writes, changes, planning_run_id, asset_keys,
                          reason, is_shadow, state, valid_until, intended_at)
SELECT 'home01', 'inverter', decided_at, 'plan', '{}', '[["a", 1]]', '{a,"b c",NULL}', planning_run_id, '{}', 'ř ě 漢',
       false, 'expired', decided_at + interval '20 min', decided_at FROM ems.planning_run;
INSERT INTO ems.setpoint_event (setpoint_id, at, state) SELECT setpoint_id, intended_at, state FROM ems.setpoint;
DELETE FROM ems.setpoint_event WHERE setpoint_event_id = (SELECT max(setpoint_event_id) FROM ems.setpoint_event);
INSERT INTO ems.alarm (site_key, kind, severity, text, raised_at, last_at)
VALUES ('home01', 'test', 'info', E'two\\nlines\\t', now(), now()), (NULL, 'test', 'critical', '', now(), now());
SELECT ems.fn_fill_audit_interval('home01', '2026-02-28 20:00+00', '2026-03-01 04:00+00', '2026-03-02');
"""


def fill(connection: Connection, site: Site) -> None:
    """The demo site with a night of everything."""
    registry.register(connection, [site], datetime(2026, 2, 27, tzinfo=UTC))
    connection.connection.cursor().execute(FILL)
