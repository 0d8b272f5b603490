-- Gives a set a version of a template, and says when its levels were done last, as far as somebody knows; returns the number of
-- the plan. What is not said and not logged is unknown, and so due now. The same again changes nothing.
--   p_last: [{"level": "TO-1", "done_h": 1200.0, "done_at": "2026-03-01T10:00:00Z"}, ...]
CREATE OR REPLACE FUNCTION ems.fn_maintenance_plan_put(
    p_site_key text, p_asset_key text, p_template_id bigint, p_last jsonb DEFAULT '[]'
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person text := ems.fn_maintenance_person();
    number bigint;
    fault text;
BEGIN
    PERFORM ems.fn_maintenance_set(p_site_key, p_asset_key);
    PERFORM pg_advisory_xact_lock(hashtext('ems.maintenance_plan'), hashtext(p_site_key || '.' || p_asset_key));
    SELECT p.plan_id INTO number FROM ems.maintenance_plan p
    WHERE p.site_key = p_site_key AND p.asset_key = p_asset_key AND p.until_at IS NULL AND p.template_id = p_template_id;
    SELECT CASE
        WHEN number IS NULL AND NOT EXISTS (SELECT FROM ems.maintenance_template t
                                            WHERE t.template_id = p_template_id AND t.retired_at IS NULL)
            THEN format('there is no template %s, or it is retired', coalesce(p_template_id::text, 'null'))
        WHEN jsonb_typeof(p_last) <> 'array' OR jsonb_array_length(p_last) > 12 THEN 'p_last is no list of levels'
        ELSE (SELECT CASE WHEN l.level IS NULL THEN format('the template has no level %s', said.level)
                          WHEN said.done_at IS NULL OR said.done_at > now() + interval '1 day'
                              THEN format('level %s was done at no time that is over', said.level)
                          WHEN said.done_h < 0 OR said.done_h >= 1e6 OR (said.done_h IS NULL AND l.hours IS NOT NULL)
                              THEN format('level %s was done at no number of hours', said.level) END
              FROM jsonb_to_recordset(p_last) AS said (level text, done_h double precision, done_at timestamptz)
              LEFT JOIN ems.maintenance_level l ON l.template_id = p_template_id AND l.level = said.level
              WHERE l.level IS NULL OR said.done_at IS NULL OR said.done_at > now() + interval '1 day' OR said.done_h < 0
                    OR said.done_h >= 1e6 OR (said.done_h IS NULL AND l.hours IS NOT NULL) LIMIT 1) END INTO fault;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'GET /api/v1/maintenance/templates lists templates with their levels';
    END IF;
    IF number IS NULL THEN
        UPDATE ems.maintenance_plan SET until_at = now(), ended_by = person
        WHERE site_key = p_site_key AND asset_key = p_asset_key AND until_at IS NULL;
        INSERT INTO ems.maintenance_plan (site_key, asset_key, template_id, from_at, created_by)
        VALUES (p_site_key, p_asset_key, p_template_id, now(), person) RETURNING plan_id INTO number;
    END IF;
    PERFORM ems.fn_maintenance_closed(p_site_key, p_asset_key, said.level, said.done_h, said.done_at, NULL)
    FROM jsonb_to_recordset(p_last) AS said (level text, done_h double precision, done_at timestamptz)
    WHERE NOT EXISTS (SELECT FROM ems.maintenance_done d
                      WHERE d.site_key = p_site_key AND d.asset_key = p_asset_key AND d.level = said.level
                        AND d.superseded_at IS NULL AND d.done_h IS NOT DISTINCT FROM said.done_h
                        AND d.done_at = said.done_at);
    PERFORM ems.fn_maintenance_settle(now(), p_site_key);
    RETURN number;
END $$;
