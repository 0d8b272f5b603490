-- Newest known price per site and quarter-hour, with the market price it came from.
CREATE OR REPLACE VIEW ems.vw_site_effective_price AS
SELECT DISTINCT ON (e.site_key, e.starts_at)
       e.site_key, e.starts_at, e.starts_at AT TIME ZONE s.timezone AS local_time, e.buy_per_kwh, e.sell_per_kwh,
       e.spot_per_kwh, e.currency, e.is_provisional, e.components, e.known_at
FROM ems.effective_price e JOIN ems.site s USING (site_key)
ORDER BY e.site_key, e.starts_at, e.known_at DESC;
