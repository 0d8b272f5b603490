CREATE OR REPLACE VIEW ems.vw_heat_pump_cop_history AS
SELECT c.site_key, c.asset_key, c.starts_at, c.starts_at AT TIME ZONE 'UTC' + z.utc_offset AS local_time,
       c.outdoor_c, c.flow_c, c.electric_w, c.heat_w, c.cop,
       c.cop * (c.flow_c - c.outdoor_c) / (c.flow_c + 273.15) AS carnot_fraction
FROM ems.cop_history c
JOIN ems.site s USING (site_key)
LEFT JOIN ems.zone_offset z
  ON z.timezone = s.timezone AND c.starts_at >= z.valid_from AND c.starts_at < z.valid_to;
