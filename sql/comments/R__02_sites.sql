-- Sites

COMMENT ON TABLE ems.site IS 'One row per installation that was ever registered.';
COMMENT ON COLUMN ems.site.name IS 'for people';
COMMENT ON COLUMN ems.site.timezone IS 'IANA zone; days are counted in it';
COMMENT ON COLUMN ems.site.latitude IS 'degrees north';
COMMENT ON COLUMN ems.site.longitude IS 'degrees east';
COMMENT ON COLUMN ems.site.market_zone IS 'bidding zone whose day-ahead price applies; `none` where none enters the contract';
COMMENT ON COLUMN ems.site.currency IS 'ISO 4217 code of its money';
COMMENT ON COLUMN ems.site.is_active IS 'read, planned and controlled; switched without touching the file';
COMMENT ON COLUMN ems.site.created_at IS 'first registration';

COMMENT ON TABLE ems.site_config IS 'Every version of a site file. A plan names the one it was made with.';
COMMENT ON COLUMN ems.site_config.config_hash IS 'hash of the content';
COMMENT ON COLUMN ems.site_config.config IS 'the whole site as JSON, without secrets';

COMMENT ON TABLE ems.zone_offset IS 'What is added to UTC to read the clock on a wall, as `time_grid` has it: PostgreSQL''s own tables are of another release, and nothing here asks them. Written when a site is registered and at every start.';
COMMENT ON COLUMN ems.zone_offset.timezone IS 'IANA zone';
COMMENT ON COLUMN ems.zone_offset.valid_from IS 'since when it holds';
COMMENT ON COLUMN ems.zone_offset.valid_to IS 'end of the period that begins at `valid_from`, exclusive; equal to it: a change that was called off';
COMMENT ON COLUMN ems.zone_offset.utc_offset IS 'what is added';
