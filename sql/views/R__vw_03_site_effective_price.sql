-- Newest known price per site and quarter-hour, with the market price it came from.
CREATE OR REPLACE VIEW ems.vw_site_effective_price AS
SELECT DISTINCT ON (e.site_key, e.starts_at)
       e.site_key, e.starts_at, e.starts_at AT TIME ZONE 'UTC' + z.utc_offset AS local_time, e.buy_per_kwh, e.sell_per_kwh,
       e.spot_per_kwh, e.currency, e.is_provisional, e.components, e.known_at
FROM ems.effective_price e
JOIN ems.site s USING (site_key)
LEFT JOIN ems.zone_offset z
  ON z.timezone = s.timezone AND e.starts_at >= z.valid_from AND e.starts_at < z.valid_to
ORDER BY e.site_key, e.starts_at, e.known_at DESC;
