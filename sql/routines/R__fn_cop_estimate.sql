-- COP a heat pump reaches at an outdoor and a flow temperature: its own measured share of the Carnot COP
-- T_flow / (T_flow - T_outdoor) (kelvin), or NULL where fewer than 8 quarter-hours have been measured. The share is the
-- median, because defrosting and start-up quarters lie far off.
CREATE OR REPLACE FUNCTION ems.fn_cop_estimate(
    p_site_key text, p_asset_key text, p_outdoor_c double precision, p_flow_c double precision,
    p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(*) >= 8 THEN
               greatest(1.0, percentile_cont(0.5) WITHIN GROUP (ORDER BY
                   h.cop * (h.flow_c - h.outdoor_c) / (h.flow_c + 273.15))
               * (p_flow_c + 273.15) / greatest(p_flow_c - p_outdoor_c, 5.0))
           END
    FROM ems.cop_history h
    WHERE h.site_key = p_site_key AND h.asset_key = p_asset_key
      AND h.starts_at < p_as_known_at AND h.flow_c > h.outdoor_c + 5
$$;
