-- The site's bus per quarter-hour in the signs of units.py. Powers of several devices are added, and the sum is NULL as
-- soon as one of them did not answer: a silent charger is not a charger at rest. The house load follows from the balance.
CREATE OR REPLACE VIEW ems.vw_site_15m AS
WITH bus AS (
    SELECT site_key, starts_at,
           avg(mean_value) FILTER (WHERE quantity = 'grid_power_w') AS grid_w,
           CASE WHEN bool_and(mean_value IS NOT NULL) FILTER (WHERE quantity = 'pv_power_w')
                THEN sum(mean_value) FILTER (WHERE quantity = 'pv_power_w') END AS pv_w,
           CASE WHEN bool_and(mean_value IS NOT NULL) FILTER (WHERE quantity = 'battery_power_w')
                THEN sum(mean_value) FILTER (WHERE quantity = 'battery_power_w') END AS battery_w,
           CASE WHEN bool_and(mean_value IS NOT NULL) FILTER (WHERE quantity = 'genset_power_w')
                THEN sum(mean_value) FILTER (WHERE quantity = 'genset_power_w') END AS genset_w,
           CASE WHEN bool_and(mean_value IS NOT NULL) FILTER (WHERE quantity = 'ev_power_w')
                THEN sum(mean_value) FILTER (WHERE quantity = 'ev_power_w') END AS ev_w,
           CASE WHEN bool_and(mean_value IS NOT NULL) FILTER (WHERE quantity = 'heat_pump_power_w')
                THEN sum(mean_value) FILTER (WHERE quantity = 'heat_pump_power_w') END AS heat_pump_w,
           count(*) FILTER (WHERE quantity = 'pv_power_w') AS pv_points,
           count(*) FILTER (WHERE quantity = 'battery_power_w') AS battery_points,
           count(*) FILTER (WHERE quantity = 'genset_power_w') AS genset_points,
           count(*) FILTER (WHERE quantity = 'ev_power_w') AS ev_points,
           count(*) FILTER (WHERE quantity = 'heat_pump_power_w') AS heat_pump_points,
           avg(last_value) FILTER (WHERE quantity = 'battery_soc_pct') AS soc_pct,
           avg(mean_value) FILTER (WHERE quantity = 'indoor_temp_c') AS indoor_c,
           avg(mean_value) FILTER (WHERE quantity = 'outdoor_temp_c') AS outdoor_c,
           min(coverage_pct) FILTER (WHERE quantity IN ('grid_power_w', 'pv_power_w', 'battery_power_w', 'genset_power_w',
                                                        'ev_power_w', 'heat_pump_power_w')) AS coverage_pct
    FROM ems.telemetry_15m
    WHERE quantity IN ('grid_power_w', 'pv_power_w', 'battery_power_w', 'genset_power_w', 'ev_power_w', 'heat_pump_power_w',
                       'battery_soc_pct', 'indoor_temp_c', 'outdoor_temp_c')
    GROUP BY site_key, starts_at
), present AS (
    -- a part the site does not have is 0; a part that exists and did not answer stays NULL
    SELECT site_key, starts_at, grid_w, soc_pct, indoor_c, outdoor_c, coverage_pct,
           CASE WHEN pv_points = 0 THEN 0 ELSE pv_w END AS pv_w,
           CASE WHEN battery_points = 0 THEN 0 ELSE battery_w END AS battery_w,
           CASE WHEN genset_points = 0 THEN 0 ELSE genset_w END AS genset_w,
           CASE WHEN ev_points = 0 THEN 0 ELSE ev_w END AS ev_w,
           CASE WHEN heat_pump_points = 0 THEN 0 ELSE heat_pump_w END AS heat_pump_w
    FROM bus
)
SELECT *, grid_w + pv_w + battery_w + genset_w - ev_w - heat_pump_w AS load_w
FROM present;
