-- A price that nobody confirmed says why it was in doubt; a site whose contract no market price enters has none.
ALTER TABLE ems.market_interval_price ADD COLUMN doubt text;
ALTER TABLE ems.effective_price ALTER COLUMN spot_per_kwh DROP NOT NULL;
