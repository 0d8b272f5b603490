-- The challenger of a site plans from the next decision on, and the planner of before goes on beside it. Only on the newest verdict,
-- and only where it won: the key of planner_change refuses any other. The site file may forbid it (planning.promote: never). Returns
-- who plans now.
CREATE OR REPLACE FUNCTION ems.fn_planner_change(
    p_site_key text, p_by text, p_reason text, p_at timestamptz, p_code_version text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest ems.planner_verdict;
    fault text;
BEGIN
    SELECT v.* INTO newest FROM ems.planner_verdict v
    WHERE v.site_key = p_site_key AND v.judged_at <= p_at ORDER BY v.judged_at DESC LIMIT 1;
    fault := CASE
        WHEN newest IS NULL THEN format('nobody has planned beside the live planner of %s yet', coalesce(p_site_key, 'null'))
        WHEN EXISTS (SELECT FROM ems.planner_change c WHERE c.site_key = p_site_key AND c.changed_at >= newest.judged_at) THEN
            format('%s was promoted on this verdict already; another one comes with the night', newest.shadow)
        WHEN newest.judged_at < p_at - interval '3 days' THEN
            format('the newest verdict of %s is of %s; nothing newer is known', p_site_key, newest.judged_at)
        WHEN newest.outcome <> 'wins' THEN
            format('%s has not shown that it is better: %s of 28 days, %s (%s to %s) %s', newest.shadow, newest.days,
                   round(newest.gain::numeric, 2), round(newest.gain_low::numeric, 2), round(newest.gain_high::numeric, 2),
                   newest.currency)
        WHEN (SELECT s.config -> 'planning' ->> 'promote' FROM ems.site_config s
              WHERE s.site_key = p_site_key AND s.known_at <= p_at ORDER BY s.known_at DESC LIMIT 1) = 'never' THEN
            format('the site file of %s says planning.promote: never', p_site_key)
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'wait for the nights to come, or write the options into planning of the site file';
    END IF;
    INSERT INTO ems.planner_change (site_key, changed_at, planner, options, former, judged_at, changed_by, reason, code_version)
    VALUES (p_site_key, p_at, newest.shadow, newest.shadow_options, newest.live, newest.judged_at, p_by,
            coalesce(nullif(btrim(p_reason), ''), format('%s %s less (%s to %s) over %s days', round(newest.gain::numeric, 2),
                     newest.currency, round(newest.gain_low::numeric, 2), round(newest.gain_high::numeric, 2), newest.days)),
            p_code_version);
    RETURN newest.shadow;
END $$;
