-- Baselines of a site's days as known at an instant: of each the newest version of then. `saving` is against the row `measured`:
-- net cost of the baseline less net cost of the site, net of what the change in stored energy is worth.
CREATE OR REPLACE FUNCTION ems.fn_baseline_day(
    p_site_key text, p_first date, p_last date, p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS TABLE (day date, baseline text, version integer, currency char(3), cost double precision,
                 energy_cost double precision, fuel_cost double precision, wear_cost double precision,
                 stored_change_wh double precision, stored_value double precision, net_cost double precision,
                 saving double precision, settled_slots integer, slots integer, is_modelled boolean, missing text,
                 known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT n.day, n.baseline, n.version, n.currency, n.cost, n.energy_cost, n.fuel_cost, n.wear_cost, n.stored_change_wh,
           n.stored_value, n.cost - n.stored_value,
           CASE WHEN n.baseline <> 'measured' THEN
               n.cost - n.stored_value
               - max(n.cost - n.stored_value) FILTER (WHERE n.baseline = 'measured') OVER (PARTITION BY n.day) END,
           n.settled_slots, n.slots, n.is_modelled, n.missing, n.known_at
    FROM (SELECT DISTINCT ON (b.day, b.baseline) b.*
          FROM ems.baseline_day b
          WHERE b.site_key = p_site_key AND b.day BETWEEN p_first AND p_last AND b.known_at <= p_as_known_at
          ORDER BY b.day, b.baseline, b.version DESC) n
    ORDER BY n.day, n.baseline
$$;
