-- What a site's days cost more than they had to, split into parts, as known at an instant: of each the newest version of then.
-- The row `total` is the day as it was less the day of perfect foresight, net of what stays in the battery; the others add up to it.
CREATE OR REPLACE FUNCTION ems.fn_regret_day(
    p_site_key text, p_first date, p_last date, p_as_known_at timestamptz DEFAULT 'infinity'
) RETURNS TABLE (day date, part text, version integer, currency char(3), amount double precision, missing text,
                 known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (r.day, r.part) r.day, r.part, r.version, r.currency, r.amount, r.missing, r.known_at
    FROM ems.regret_day r
    WHERE r.site_key = p_site_key AND r.day BETWEEN p_first AND p_last AND r.known_at <= p_as_known_at
    ORDER BY r.day, r.part, r.version DESC
$$;
