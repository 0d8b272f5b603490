-- Commands that have not ended are looked at with every round of polls, three times in two seconds: few among years of those that have.
CREATE INDEX genset_command_open ON ems.genset_command (site_key, device_key) WHERE ended_at IS NULL;
