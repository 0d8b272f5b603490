-- What is wrong with a goal of a site at an instant; null: it may be filed. All who file one ask here, or before they ask for
-- its price: `fn_goal_add`, `ems control goal add`, a `goal-price`.
CREATE OR REPLACE FUNCTION ems.fn_goal_fault(
    p_site_key text, p_asset_key text, p_from_at timestamptz, p_until_at timestamptz, p_source text,
    p_energy_wh double precision, p_ready_at timestamptz, p_comfort_min_c double precision,
    p_comfort_max_c double precision, p_reason text, p_at timestamptz
) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asset record;
    low double precision;
    high double precision;
BEGIN
    SELECT known.kind, found.part INTO asset
    FROM (SELECT c.config FROM ems.site_config c JOIN ems.site s USING (site_key)
          WHERE s.site_key = p_site_key AND s.is_active ORDER BY c.known_at DESC LIMIT 1) newest
    CROSS JOIN (VALUES ('batteries'), ('pv'), ('chargers'), ('heat_pumps'), ('gensets'), ('deferrables')) AS known (kind)
    CROSS JOIN LATERAL jsonb_array_elements(newest.config -> known.kind) AS found (part)
    WHERE found.part ->> 'key' = p_asset_key;
    low := coalesce(p_comfort_min_c, (asset.part #>> '{house,comfort_min_c}')::double precision);
    high := coalesce(p_comfort_max_c, (asset.part #>> '{house,comfort_max_c}')::double precision);

    RETURN CASE
        WHEN asset.kind IS NULL THEN format('no active site %s has an asset %s', p_site_key, p_asset_key)
        WHEN asset.kind NOT IN ('chargers', 'heat_pumps') THEN
            format('%s takes no goal; a charger and a heat pump do, others an override', p_asset_key)
        WHEN asset.part ->> 'device' IS NULL THEN format('%s has no device that could obey', p_asset_key)
        WHEN asset.kind = 'chargers' AND num_nonnulls(p_comfort_min_c, p_comfort_max_c) > 0
             OR asset.kind = 'heat_pumps' AND num_nonnulls(p_source, p_energy_wh, p_ready_at) > 0 THEN
            format('a goal of %s says %s', p_asset_key, CASE asset.kind WHEN 'chargers'
                   THEN 'source, energy_wh and ready_at' ELSE 'comfort_min_c and comfort_max_c' END)
        WHEN num_nonnulls(p_source, p_energy_wh, p_ready_at, p_comfort_min_c, p_comfort_max_c) = 0 THEN
            format('a goal of %s that wants nothing; say %s', p_asset_key, CASE asset.kind WHEN 'chargers'
                   THEN 'source, energy_wh or ready_at' ELSE 'comfort_min_c or comfort_max_c' END)
        WHEN p_source NOT IN ('any', 'solar', 'min-solar') THEN
            format('source %s is none of any, solar, min-solar', p_source)
        WHEN NOT p_energy_wh BETWEEN 100 AND 1e6 THEN format('energy_wh %s is outside 100 to 1000000 Wh', p_energy_wh)
        WHEN p_ready_at <= p_from_at THEN format('ready_at %s is not after %s; name a later instant', p_ready_at, p_from_at)
        WHEN p_ready_at > p_until_at THEN
            format('ready_at %s is after the goal''s end %s; let it hold until then', p_ready_at, p_until_at)
        WHEN NOT p_comfort_min_c BETWEEN 5 AND 30 THEN format('comfort_min_c %s is outside 5 to 30 °C', p_comfort_min_c)
        WHEN NOT p_comfort_max_c BETWEEN 6 AND 35 THEN format('comfort_max_c %s is outside 6 to 35 °C', p_comfort_max_c)
        WHEN low > high THEN format('comfort from %s to %s °C is no band; give it from cold to warm', low, high)
        ELSE ems.fn_wanted_fault('goal', p_from_at, p_until_at, p_reason, p_at)
    END;
END $$;
