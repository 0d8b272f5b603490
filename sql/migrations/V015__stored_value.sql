-- What a kWh more in a device's store would be worth (ems_pipeline/plan/marginal.py), beside its planned state.
ALTER TABLE ems.planning_device_interval ADD COLUMN stored_value_per_kwh double precision;
