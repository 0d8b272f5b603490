-- How batteries stood in the seven days before each was heard last, a row for each answer in which a device tells its charge: one
-- instant of one device is one answer, so its values belong together. OFFSET 0 keeps the planner at one point after the other, as the
-- key of the table stands.
CREATE OR REPLACE VIEW ems.vw_battery_status AS
SELECT p.site_key, p.device_key, t.reported_at,
       max(t.value) FILTER (WHERE p.quantity = 'battery_soc_pct') AS soc_pct,
       max(t.value) FILTER (WHERE p.quantity = 'battery_power_w') AS battery_w,
       max(t.value) FILTER (WHERE p.quantity = 'pv_power_w') AS pv_w,
       max(t.value) FILTER (WHERE p.quantity = 'ongrid_power_w') AS ongrid_w,
       max(t.value) FILTER (WHERE p.quantity = 'offgrid_power_w') AS offgrid_w,
       (array['auto', 'ai', 'manual', 'passive', 'ups'])
           [1 + max(t.value) FILTER (WHERE p.quantity = 'battery_mode' AND t.value BETWEEN 0 AND 4)::integer] AS mode,
       max(t.value) FILTER (WHERE p.quantity = 'battery_temp_c') AS temperature_c,
       max(t.value) FILTER (WHERE p.quantity = 'battery_capacity_wh') AS capacity_wh,
       max(t.value) FILTER (WHERE p.quantity = 'battery_remaining_wh') AS remaining_wh
FROM ems.point p
CROSS JOIN LATERAL (SELECT reported_at FROM ems.telemetry l WHERE l.point_id = p.point_id
                    ORDER BY reported_at DESC LIMIT 1) newest
CROSS JOIN LATERAL (SELECT l.reported_at, l.value, l.quality FROM ems.telemetry l
                    WHERE l.point_id = p.point_id AND l.reported_at > newest.reported_at - interval '7 days' OFFSET 0) t
WHERE p.quantity IN ('battery_soc_pct', 'battery_power_w', 'pv_power_w', 'ongrid_power_w', 'offgrid_power_w', 'battery_mode',
                     'battery_temp_c', 'battery_capacity_wh', 'battery_remaining_wh')
  AND t.quality IN (0, 6)
GROUP BY p.site_key, p.device_key, t.reported_at
HAVING count(*) FILTER (WHERE p.quantity = 'battery_soc_pct') > 0;

-- Batteries that have answered a broadcast, and the gateway of a site's newest file that is one of them.
CREATE OR REPLACE VIEW ems.vw_found_battery AS
SELECT b.name, b.model, b.firmware, host(b.address) AS address, b.udp_port, b.ble_mac, b.wifi_mac, b.is_active,
       b.first_seen_at, b.last_seen_at, used.site_key, used.gateway
FROM ems.found_battery b
LEFT JOIN LATERAL (
    SELECT s.site_key, g.part ->> 'key' AS gateway
    FROM ems.site s
    CROSS JOIN LATERAL (SELECT c.config FROM ems.site_config c WHERE c.site_key = s.site_key
                        ORDER BY c.known_at DESC LIMIT 1) newest
    CROSS JOIN LATERAL jsonb_array_elements(newest.config -> 'gateways') AS g (part)
    WHERE s.is_active AND g.part ->> 'mac' = b.ble_mac
    ORDER BY s.site_key LIMIT 1) used ON true;
