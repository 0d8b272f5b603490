-- What the hour meter of each set said last: its controller's newest good answer, or what a person has typed since; and after how
-- long without a newer one people are told. The newest answers are unlogged: after a crash, and while a link is lost, a set that
-- is polled has no row of its own here, or the typed one, and counts on from its meter within a day.
CREATE OR REPLACE VIEW ems.vw_genset_hours AS
SELECT s.site_key, g.part ->> 'key' AS asset_key, newest.run_hours, newest.taken_at,
       CASE WHEN newest.is_typed AND NOT coalesce(known.is_polled AND m.read_at > newest.taken_at, false)
            THEN interval '31 days' ELSE interval '24 hours' END AS stale_after
FROM ems.site s
CROSS JOIN LATERAL (SELECT c.config FROM ems.site_config c WHERE c.site_key = s.site_key
                    ORDER BY c.known_at DESC LIMIT 1) file
CROSS JOIN LATERAL jsonb_array_elements(file.config -> 'gensets') AS g (part)
CROSS JOIN LATERAL (
    SELECT said.* FROM (
        SELECT (l.readings ->> 'run_hours')::double precision AS run_hours, l.taken_at, false AS is_typed
        FROM ems.genset_live l
        WHERE l.site_key = s.site_key AND l.device_key = g.part ->> 'device' AND l.link = 'good'
          AND jsonb_typeof(l.readings -> 'run_hours') = 'number'
        UNION ALL
        SELECT r.run_hours, r.taken_at, true FROM ems.genset_reading r
        WHERE r.site_key = s.site_key AND r.asset_key = g.part ->> 'key') said
    ORDER BY said.taken_at DESC NULLS LAST LIMIT 1) newest
LEFT JOIN ems.genset_meter m ON m.site_key = s.site_key AND m.asset_key = g.part ->> 'key'
LEFT JOIN LATERAL (SELECT true AS is_polled FROM ems.genset_controller p
                   WHERE p.site_key = s.site_key AND p.device_key = g.part ->> 'device') known ON true;
