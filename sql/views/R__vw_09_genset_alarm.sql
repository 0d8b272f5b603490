-- Genset alarms as people are shown them: what hides one comes before the state that it is in. A shelf ends by itself, also where
-- nobody looks; of a controller that is not heard nobody knows.
CREATE OR REPLACE VIEW ems.vw_genset_alarm AS
SELECT a.genset_alarm_id, a.site_key, a.device_key, a.source, a.group_name, a.name,
       CASE WHEN a.ended_at IS NOT NULL THEN 'normal' WHEN a.removed_for IS NOT NULL THEN 'out_of_service'
            WHEN a.shelved_until > now() THEN 'shelved' WHEN a.suppressed_by IS NOT NULL THEN 'suppressed' ELSE a.state END AS shown_as,
       a.state, CASE a.suppressed_by WHEN 'link' THEN 'bad' ELSE 'good' END AS quality,
       a.first_raised_at, a.raised_at, a.returned_at, a.times, a.trouble_at, a.place, a.acknowledged_at, a.acknowledged_by,
       a.suppressed_by, a.removed_for, CASE WHEN a.shelved_until > now() THEN a.shelved_until END AS shelved_until,
       a.shelved_by, a.shelved_reason, a.alarm_id, a.ended_at
FROM ems.genset_alarm a;
