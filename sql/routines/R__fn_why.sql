-- Of one quarter-hour of a site all that stands behind it, in one answer: what was known when it was decided, what was decided and
-- why, what each device was told and by which registers, whether it obeyed, and what it was worth. Powers in W, energies in Wh,
-- money in the site's currency; what is not known is null, never 0. The plan is the one that was settled with, else the one that held
-- as the quarter-hour began, else one made within it; of one to come the one that holds at p_as_known_at. Null: no such site.
CREATE OR REPLACE FUNCTION ems.fn_why(
    p_site_key text, p_at timestamptz, p_as_known_at timestamptz DEFAULT now()
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH asked AS (
        SELECT s.site_key, s.currency, date_bin('15 minutes', p_at, 'epoch') AS starts_at
        FROM ems.site s WHERE s.site_key = p_site_key
    ), worth AS (
        SELECT a.* FROM asked JOIN ems.audit_interval a USING (site_key, starts_at)
    ), plan AS (
        SELECT r.* FROM asked CROSS JOIN LATERAL (
            SELECT coalesce((SELECT planning_run_id FROM worth),
                            (SELECT planning_run_id FROM ems.fn_plan_in_force(
                                 site_key, starts_at, least(starts_at, p_as_known_at))),
                            (SELECT planning_run_id FROM ems.fn_plan_in_force(
                                 site_key, starts_at, least(starts_at + interval '15 minutes', p_as_known_at)))
                           ) AS planning_run_id
        ) held JOIN ems.planning_run r USING (planning_run_id)
    )
    SELECT jsonb_build_object(
        'site', asked.site_key, 'currency', asked.currency,
        'starts_at', asked.starts_at, 'ends_at', asked.starts_at + interval '15 minutes',
        'plan', (SELECT to_jsonb(plan) - '{site_key,problem,inputs,build_s,day}'::text[] FROM plan),
        'known', jsonb_build_object(
            'inputs', (SELECT inputs FROM plan),
            'document', (SELECT jsonb_build_object('config_hash', c.config_hash, 'known_at', c.known_at)
                         FROM plan JOIN ems.site_config c USING (site_key, config_hash)
                         WHERE c.known_at <= plan.decided_at ORDER BY c.known_at DESC LIMIT 1),
            'price', (SELECT to_jsonb(p) FROM plan CROSS JOIN LATERAL ems.fn_effective_price(
                          asked.site_key, asked.starts_at, asked.starts_at + interval '15 minutes', plan.decided_at) p),
            'load', (SELECT to_jsonb(f) - '{site_key,starts_at}'::text[] FROM plan CROSS JOIN LATERAL (
                         SELECT * FROM ems.load_forecast l
                         WHERE l.site_key = asked.site_key AND l.starts_at = asked.starts_at AND l.known_at <= plan.decided_at
                         ORDER BY (l.recorded_at <= plan.decided_at) DESC, l.known_at DESC, l.recorded_at DESC LIMIT 1) f),
            'pv', (SELECT jsonb_agg(to_jsonb(f) - '{site_key,starts_at}'::text[] ORDER BY f.asset_key)
                   FROM plan CROSS JOIN LATERAL (
                         SELECT DISTINCT ON (v.asset_key) v.* FROM ems.pv_forecast v
                         WHERE v.site_key = asked.site_key AND v.starts_at = asked.starts_at AND v.known_at <= plan.decided_at
                         ORDER BY v.asset_key, (v.recorded_at <= plan.decided_at) DESC, v.known_at DESC, v.recorded_at DESC) f),
            'heat', (SELECT jsonb_agg(to_jsonb(f) - '{site_key,starts_at}'::text[] ORDER BY f.asset_key)
                     FROM plan CROSS JOIN LATERAL (
                         SELECT DISTINCT ON (h.asset_key) h.* FROM ems.heat_demand_forecast h
                         WHERE h.site_key = asked.site_key AND h.starts_at = asked.starts_at AND h.known_at <= plan.decided_at
                         ORDER BY h.asset_key, (h.recorded_at <= plan.decided_at) DESC, h.known_at DESC, h.recorded_at DESC) f)),
        'decided', (SELECT to_jsonb(i) - 'planning_run_id' || jsonb_build_object('assets',
                        (SELECT coalesce(jsonb_agg(to_jsonb(d) - '{planning_run_id,starts_at}'::text[] ORDER BY d.asset_key), '[]')
                         FROM ems.planning_device_interval d
                         WHERE d.planning_run_id = i.planning_run_id AND d.starts_at = i.starts_at))
                    FROM plan JOIN ems.planning_interval i
                      ON i.planning_run_id = plan.planning_run_id AND i.starts_at = asked.starts_at),
        'told', (SELECT coalesce(jsonb_agg(to_jsonb(t) - '{site_key}'::text[] || jsonb_build_object('steps',
                        (SELECT coalesce(jsonb_agg(to_jsonb(e) - '{setpoint_event_id,setpoint_id}'::text[] ORDER BY e.setpoint_event_id), '[]')
                         FROM ems.setpoint_event e WHERE e.setpoint_id = t.setpoint_id)) ORDER BY t.device_key), '[]')
                 FROM (SELECT DISTINCT ON (s.device_key) s.* FROM ems.setpoint s
                       WHERE s.site_key = asked.site_key AND s.intended_at < asked.starts_at + interval '15 minutes'
                         AND s.intended_at > asked.starts_at - interval '1 day'
                         AND coalesce(s.ended_at, 'infinity') > asked.starts_at
                       ORDER BY s.device_key, s.setpoint_id DESC) t),
        'worth', (SELECT to_jsonb(worth) - '{site_key,starts_at}'::text[] FROM worth))
    FROM asked
$$;
