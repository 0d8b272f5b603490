-- What is steered is held with the configuration and at the place it was told, an arm is bound to what it was given for, and
-- one party at a time talks to a gateway.

-- Which configuration (ems.site_config.config_hash) and which wire a set-point was made with: it is verified and released there,
-- whatever the site file says by then. Rows from before have neither and count as the newest configuration's.
ALTER TABLE ems.setpoint ADD COLUMN config_hash text NOT NULL DEFAULT '', ADD COLUMN wire text NOT NULL DEFAULT '';
DROP INDEX ems.setpoint_touched;
CREATE INDEX setpoint_touched ON ems.setpoint (site_key, device_key, wire, setpoint_id DESC)
    WHERE NOT is_shadow AND (sent_at IS NOT NULL OR echoed_at IS NOT NULL OR state = 'intended');

-- An arm names what it was given for, and always ends. Those of before did neither: they end with this upgrade.
ALTER TABLE ems.control_arm ADD COLUMN bound_to jsonb NOT NULL DEFAULT '{}';
UPDATE ems.control_arm SET until_at = greatest(armed_at + interval '1 us', least(until_at, now()))
WHERE disarmed_at IS NULL OR until_at IS NULL;
ALTER TABLE ems.control_arm ALTER COLUMN until_at SET NOT NULL;

-- How often in a row a site was not served because somebody else was master of its gateways, or the journal was blocked.
CREATE TABLE ems.control_miss (
    site_key  text PRIMARY KEY REFERENCES ems.site,
    times     integer NOT NULL,
    since_at  timestamptz NOT NULL
);

-- Who talks to gateways now. A party is a process at work: it keeps its own row locked (FOR UPDATE) as long as it lives, which
-- needs the right to update, so nobody who may only read can pose as one or keep one out. Unlogged: after a crash of the
-- server all parties are gone, and so are their leases.
CREATE UNLOGGED TABLE ems.gateway_party (
    party_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL,
    since_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNLOGGED TABLE ems.gateway_lease (
    address           text PRIMARY KEY,
    controller        bigint,
    talker            bigint,
    is_awaited        boolean NOT NULL DEFAULT false
);
