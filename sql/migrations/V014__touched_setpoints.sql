-- What each device may still hold of ours is asked in every control run and every look at the devices. Without this index a
-- year of set-points made that 60 to 100 ms per site (ems_pipeline/warehouse/setpoints.py: steered).
CREATE INDEX setpoint_touched ON ems.setpoint (site_key, device_key, setpoint_id DESC)
    WHERE NOT is_shadow AND (sent_at IS NOT NULL OR echoed_at IS NOT NULL OR state = 'intended');
