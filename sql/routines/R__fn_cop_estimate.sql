-- COP a heat pump reaches at an outdoor and a flow temperature [degrees C]: the curve fitted to its own history as known at
-- an instant, times the Carnot COP T_flow / lift (kelvin, lift at least 15 K), between 1 and 8: the formula and limits of
-- ems_pipeline/heat/cop.py. A curve recorded by then comes before one
-- fitted afterwards (known.issue_order). NULL while none is known: the caller decides what to assume then.
CREATE OR REPLACE FUNCTION ems.fn_cop_estimate(
    p_site_key text, p_asset_key text, p_outdoor_c double precision, p_flow_c double precision,
    p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT least(8.0, greatest(1.0, (c.efficiency + c.drift_per_k * (lift.k - 35.0)) * (p_flow_c + 273.15) / lift.k))
    FROM ems.cop_curve c, greatest(p_flow_c - p_outdoor_c, 15.0) AS lift(k)
    WHERE c.site_key = p_site_key AND c.asset_key = p_asset_key AND c.known_at <= p_as_known_at
    ORDER BY (c.recorded_at <= p_as_known_at) DESC, c.known_at DESC, c.recorded_at DESC
    LIMIT 1
$$;
