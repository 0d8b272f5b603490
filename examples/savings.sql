-- What the days of the last month were worth against a home without a battery and one in self-use.
SELECT site_key, day, currency, round(cost::numeric, 2) AS cost,
       round(no_battery_saving::numeric, 2) AS against_no_battery,
       round(self_use_saving::numeric, 2) AS against_self_use,
       round(coverage_pct::numeric) AS measured_pct
FROM ems.vw_audit_summary
WHERE day >= current_date - 31
ORDER BY site_key, day;

-- Which set-points of the last week the devices did not obey, and why.
SELECT site_key, device_key, intended_at, state, state_reason
FROM ems.vw_setpoint
WHERE state IN ('failed', 'reverted') AND intended_at >= now() - interval '7 days'
ORDER BY intended_at DESC;
