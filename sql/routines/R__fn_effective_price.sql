-- Buying and selling price of a site per quarter-hour, as known at an instant. The arithmetic of tariffs lives in
-- ems_pipeline/market/tariff.py alone; this reads its stored result.
CREATE OR REPLACE FUNCTION ems.fn_effective_price(
    p_site_key text, p_from timestamptz, p_to timestamptz, p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS TABLE (starts_at timestamptz, buy_per_kwh double precision, sell_per_kwh double precision,
                 spot_per_kwh double precision, currency char(3), is_provisional boolean, known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (e.starts_at)
           e.starts_at, e.buy_per_kwh, e.sell_per_kwh, e.spot_per_kwh, e.currency, e.is_provisional, e.known_at
    FROM ems.effective_price e
    WHERE e.site_key = p_site_key AND e.starts_at >= p_from AND e.starts_at < p_to AND e.known_at <= p_as_known_at
    ORDER BY e.starts_at, e.known_at DESC
$$;
