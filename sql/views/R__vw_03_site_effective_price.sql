-- Newest known price per site and quarter-hour, with the market price it came from.
-- The newest rows are found first, in the order of the primary key read backwards: nothing is sorted, and what is joined
-- is one row per quarter-hour.
CREATE OR REPLACE VIEW ems.vw_site_effective_price AS
SELECT e.site_key, e.starts_at, e.starts_at AT TIME ZONE 'UTC' + z.utc_offset AS local_time, e.buy_per_kwh, e.sell_per_kwh,
       e.spot_per_kwh, e.currency, e.is_provisional, e.components, e.known_at
FROM (SELECT DISTINCT ON (site_key, starts_at) *
      FROM ems.effective_price
      ORDER BY site_key DESC, starts_at DESC, known_at DESC) e
JOIN ems.site s USING (site_key)
LEFT JOIN ems.zone_offset z
  ON z.timezone = s.timezone AND e.starts_at >= z.valid_from AND e.starts_at < z.valid_to;
