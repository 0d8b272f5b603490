-- Set-points for people: what was asked by whom and why, the plan rows behind it, and how long each step took.
CREATE OR REPLACE VIEW ems.vw_setpoint AS
SELECT s.setpoint_id, s.site_key, s.device_key, s.slot, s.source, s.is_shadow, s.state, s.state_reason,
       s.command, s.reason, cardinality(s.changes) AS points_written,
       s.planning_run_id, s.plan_decided_at, p.planned_w, p.plan_modes, p.plan_reasons,
       s.control_override_id, s.intended_at,
       extract(epoch FROM s.sent_at - s.intended_at) AS sent_after_s,
       extract(epoch FROM s.echoed_at - s.intended_at) AS echoed_after_s,
       extract(epoch FROM s.effective_at - s.intended_at) AS effective_after_s,
       s.valid_until, s.ended_at
FROM ems.setpoint s
LEFT JOIN LATERAL (
    SELECT sum(d.power_w) AS planned_w,
           string_agg(d.asset_key || ': ' || d.mode, ', ' ORDER BY d.asset_key) AS plan_modes,
           string_agg(nullif(d.reason, ''), '; ' ORDER BY d.asset_key) AS plan_reasons
    FROM ems.planning_device_interval d
    WHERE d.planning_run_id = s.planning_run_id AND d.starts_at = s.slot AND d.asset_key = ANY (s.asset_keys)
) p ON true;
