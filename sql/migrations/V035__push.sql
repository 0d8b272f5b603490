-- Browsers as a third way to a person. The address is the subscription, "ENDPOINT P256DH AUTH": a secret, and one person's.
ALTER TABLE ems.notice_channel DROP CONSTRAINT notice_channel_kind_check;
ALTER TABLE ems.notice_channel ADD CONSTRAINT notice_channel_kind_check CHECK (kind IN ('telegram', 'email', 'push'));
ALTER TABLE ems.notice_channel DROP CONSTRAINT notice_channel_address_check;
ALTER TABLE ems.notice_channel ADD CONSTRAINT notice_channel_address_check
    CHECK (length(address) BETWEEN 1 AND CASE kind WHEN 'push' THEN 1200 ELSE 254 END);
CREATE UNIQUE INDEX notice_channel_browser ON ems.notice_channel (split_part(address, ' ', 1)) WHERE kind = 'push';
