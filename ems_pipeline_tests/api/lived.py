"""A noon of the demo site, in numbers that are easily added up by hand."""

from __future__ import annotations

from sqlalchemy.engine import Connection

PLAN = "00000000-0000-0000-0000-000000000001"
LIVED = f"""
SELECT ems.fn_ensure_partitions('telemetry', '2026-03-01', '2026-03-02');
INSERT INTO ems.point (site_key, device_key, quantity, unit) VALUES
    ('home01', 'inverter', 'grid_power_w', 'W'), ('home01', 'inverter', 'pv_power_w', 'W'),
    ('home01', 'inverter', 'battery_power_w', 'W'), ('home01', 'inverter', 'battery_soc_pct', '%'),
    ('home01', 'wallbox-1', 'ev_power_w', 'W'), ('home01', 'wallbox-2', 'ev_power_w', 'W'),
    ('home01', 'heat-pump', 'heat_pump_power_w', 'W');
INSERT INTO ems.telemetry (point_id, reported_at, received_at, value, quality, reason)
SELECT p.point_id, '2026-03-01 11:59:10+00', '2026-03-01 11:59:11+00', v.value, 0, NULL
FROM (VALUES ('inverter', 'grid_power_w', 1250), ('inverter', 'pv_power_w', 3100), ('inverter',
        'battery_power_w', -2000),
             ('inverter', 'battery_soc_pct', 62.5), ('wallbox-1', 'ev_power_w', 0), ('wallbox-2', 'ev_power_w', 0),
             ('heat-pump', 'heat_pump_power_w', 1750)) v (device, quantity, value)
JOIN ems.point p ON p.device_key = v.device AND p.quantity = v.quantity;
INSERT INTO ems.device_health (site_key, device_key, state, last_attempt_at, last_seen_at, error_streak,
        last_error) VALUES
    ('home01', 'inverter', 'ok', '2026-03-01 11:59:10+00', '2026-03-01 11:59:10+00', 0, NULL),
    ('home01', 'heat-pump', 'degraded', '2026-03-01 11:59:10+00', '2026-03-01 11:58:10+00', 1,
        'no usable answer in 2 s');
INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start, horizon_end, status,
                              is_verified, inputs, config_hash, code_version, dagster_run_id, recorded_at)
VALUES ('{PLAN}', 'home01', 'rolling', '2026-03-01', '2026-03-01 11:59:00+00', '2026-03-01 12:00+00',
        '2026-03-01 12:30+00', 'optimal', true, '{{}}', 'hash', '1', 'run-1', '2026-03-01 11:59:20+00');
INSERT INTO ems.planning_interval (planning_run_id, starts_at, grid_w, pv_w, pv_available_w, battery_w,
        genset_w, load_w,
                                   ev_w, heat_pump_w, soc_pct, buy_per_kwh, sell_per_kwh, cost, mode, reason)
VALUES ('{PLAN}', '2026-03-01 12:00+00', 1250, 3100, 3200, -2000, 0, 600, 0, 1750, 65, 4.1, 1.9, 1.28125,
        'charge', 'cheap'),
       ('{PLAN}', '2026-03-01 12:15+00', 'NaN', 3100, 3200, 0, 0, 600, 0, 1750, 65, 4.1, 1.9, -0.5, 'hold', 'dear');
INSERT INTO ems.planning_device_interval (planning_run_id, starts_at, asset_key, kind, power_w, mode, limits,
        state, reason)
VALUES ('{PLAN}', '2026-03-01 12:00+00', 'pack', 'battery', -2000, 'charge', '{{"charge_limit_w": 2000}}', 65,
        'cheap');
INSERT INTO ems.effective_price (site_key, starts_at, buy_per_kwh, sell_per_kwh, spot_per_kwh, currency,
        known_at) VALUES
    ('home01', '2026-03-01 12:00+00', 4.1, 1.9, 2.25, 'CZK', '2026-02-28 12:30+00'),
    ('home01', '2026-03-01 12:15+00', 4.2, 2.0, NULL, 'CZK', '2026-02-28 12:30+00');
INSERT INTO ems.audit_day (site_key, day, currency, slots, settled_slots, coverage_pct, cost, planned_cost,
        no_battery_cost,
                           no_battery_saving, throughput_wh, import_wh, known_at)
VALUES ('home01', '2026-02-27', 'CZK', 96, 96, 100, 30, 29, 50, 20, 15000, 10000, '2026-02-28 00:20+00'),
       ('home01', '2026-02-28', 'CZK', 96, 90, 95, 38.12, 36.9, 61.03, 22.91, 30000, 18200, '2026-03-01 00:20+00');
INSERT INTO ems.baseline_day (site_key, day, baseline, version, currency, energy_cost, fuel_cost, wear_cost,
        stored_change_wh, stored_value, settled_slots, slots, is_modelled, missing, known_at) VALUES
    ('home01', '2026-02-28', 'measured', 1, 'CZK', 38, 0, 1, 0, 0, 90, 96, false, NULL, '2026-03-01 00:20+00'),
    ('home01', '2026-02-28', 'timer', 1, 'CZK', 43.5, 0, 2, 500, 1.5, 90, 96, true, NULL, '2026-03-01 00:20+00'),
    ('home01', '2026-02-28', 'timer', 2, 'CZK', 41.5, 0, 2, 500, 1.5, 90, 96, true, NULL, '2026-03-01 02:20+00'),
    ('home01', '2026-02-28', 'last_plan', 1, 'CZK', NULL, NULL, NULL, NULL, NULL, 90, 96, true,
        'the plan reaches 4 of 96', '2026-03-01 00:20+00');
INSERT INTO ems.regret_day (site_key, day, part, version, currency, amount, missing, known_at) VALUES
    ('home01', '2026-02-28', 'execution', 1, 'CZK', 1, NULL, '2026-03-01 00:50+00'),
    ('home01', '2026-02-28', 'load', 1, 'CZK', 2, NULL, '2026-03-01 00:50+00'),
    ('home01', '2026-02-28', 'load', 2, 'CZK', 2.5, NULL, '2026-03-01 02:50+00'),
    ('home01', '2026-02-28', 'car', 1, 'CZK', 0, NULL, '2026-03-01 00:50+00'),
    ('home01', '2026-02-28', 'pv', 1, 'CZK', NULL, 'not stored', '2026-03-01 00:50+00'),
    ('home01', '2026-02-28', 'together', 1, 'CZK', 0.5, NULL, '2026-03-01 00:50+00'),
    ('home01', '2026-02-28', 'total', 2, 'CZK', 4, NULL, '2026-03-01 00:50+00');
INSERT INTO ems.audit_interval (site_key, starts_at, grid_w, planned_grid_w, planned_buy_per_kwh,
        planned_sell_per_kwh,
                                buy_per_kwh, sell_per_kwh, coverage_pct, known_at) VALUES
    ('home01', '2026-03-01 10:00+00', 1000, 2000, 4, 2, 4, 2, 100, '2026-03-01 11:00+00'),
    ('home01', '2026-03-01 10:15+00', -1000, -1000, 4, 2, 4, 2, 100, '2026-03-01 11:00+00'),
    ('home01', '2026-03-01 10:30+00', NULL, 500, 4, 2, 4, 2, 0, '2026-03-01 11:00+00');
INSERT INTO ems.telemetry_15m (site_key, device_key, quantity, starts_at, mean_value, last_value, samples,
        coverage_pct)
VALUES ('home01', 'inverter', 'grid_power_w', '2026-03-01 11:00+00', 800, 800, 15, 100),
       ('home01', 'inverter', 'pv_power_w', '2026-03-01 11:00+00', NULL, NULL, 0, 0);
INSERT INTO ems.load_forecast (site_key, starts_at, power_w, p10_w, p90_w, model, known_at, recorded_at) VALUES
    ('home01', '2026-03-01 12:15+00', 400, 300, 700, 'profile', '2026-03-01 10:00+00', '2026-03-01 10:00+00'),
    ('home01', '2026-03-01 12:15+00', 480, 310, 900, 'gbm', '2026-03-01 11:00+00', '2026-03-01 11:00+00');
INSERT INTO ems.pv_forecast (site_key, asset_key, starts_at, power_w, p10_w, p90_w, model, known_at,
        recorded_at) VALUES
    ('home01', 'roof-south', '2026-03-01 12:15+00', 2000, 1000, 3000, 'geometry', '2026-03-01 11:00+00',
        '2026-03-01 11:00+00'),
    ('home01', 'roof-west', '2026-03-01 12:15+00', 500, 200, 900, 'geometry', '2026-03-01 11:00+00',
        '2026-03-01 11:00+00');
INSERT INTO ems.forecast_score (site_key, day, target, horizon, model, samples, mae_w, bias_w, coverage_pct,
        skill_naive)
VALUES ('home01', '2026-02-27', 'load', '12-36 h', 'gbm', 96, 200, -20, 80, 0.5),
       ('home01', '2026-02-28', 'load', '12-36 h', 'gbm', 32, 400, 60, NULL, NULL);
INSERT INTO ems.alarm (site_key, device_key, kind, severity, text, raised_at, last_at, cleared_at) VALUES
    ('home01', 'heat-pump', 'silent', 'warning', 'look at it', '2026-03-01 11:00+00', '2026-03-01 11:30+00', NULL),
    ('home02', NULL, 'site-config', 'critical', 'elsewhere', '2026-03-01 11:10+00', '2026-03-01 11:10+00', NULL),
    (NULL, NULL, 'disk', 'info', 'of the installation', '2026-03-01 11:20+00', '2026-03-01 11:20+00', NULL),
    ('home01', NULL, 'old', 'info', 'over', '2026-02-01 11:00+00', '2026-02-01 11:30+00', '2026-02-01 12:00+00');
INSERT INTO ems.control_arm (site_key, armed_at, armed_by, until_at)
VALUES ('home01', '2026-03-01 08:00+00', 'local:anna', '2036-03-20 08:00+00');
"""


def live(connection: Connection) -> None:
    """Fill the tables of the registered site ``home01``."""
    connection.connection.cursor().execute(LIVED)
