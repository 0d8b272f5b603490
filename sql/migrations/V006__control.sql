-- What was asked of the devices, by whose authority, and what became of it. A row is never changed but by its life cycle.

-- The second opt-in: a person arms a site at run time. One open row per site at most.
CREATE TABLE ems.control_arm (
    control_arm_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key        text NOT NULL REFERENCES ems.site,
    armed_at        timestamptz NOT NULL,
    armed_by        text NOT NULL,
    until_at        timestamptz CHECK (until_at > armed_at),
    disarmed_at     timestamptz,
    disarmed_by     text
);
CREATE UNIQUE INDEX control_arm_open ON ems.control_arm (site_key) WHERE disarmed_at IS NULL;

-- A person's wish for one asset. It always ends: a forgotten override is worse than none.
CREATE TABLE ems.control_override (
    control_override_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key      text NOT NULL REFERENCES ems.site,
    asset_key     text NOT NULL,
    mode          text NOT NULL,
    limits        jsonb NOT NULL DEFAULT '{}',
    from_at       timestamptz NOT NULL,
    until_at      timestamptz NOT NULL CHECK (until_at > from_at),
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    cancelled_at  timestamptz,
    cancelled_by  text
);
CREATE INDEX control_override_site ON ems.control_override (site_key, until_at);

-- One device told once. `command` is in the site's units, `writes` what it means in points of the device ([point, value]).
CREATE TABLE ems.setpoint (
    setpoint_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key         text NOT NULL REFERENCES ems.site,
    device_key       text NOT NULL,
    slot             timestamptz NOT NULL,
    source           text NOT NULL CHECK (source IN ('envelope', 'grid', 'override', 'plan', 'release')),
    command          jsonb NOT NULL,
    writes           jsonb NOT NULL DEFAULT '[]',             -- all points of the command, also those that stood already
    changes          text[] NOT NULL DEFAULT '{}',            -- the points that had to be written
    planning_run_id  uuid REFERENCES ems.planning_run ON DELETE SET NULL,
    plan_decided_at  timestamptz,
    asset_keys       text[] NOT NULL DEFAULT '{}',            -- with run and slot: the plan rows it came from
    control_override_id bigint REFERENCES ems.control_override,
    reason           text NOT NULL,
    is_shadow        boolean NOT NULL,
    state            text NOT NULL CHECK (state IN ('intended', 'sent', 'echoed', 'effective', 'failed', 'reverted',
                                                    'superseded', 'expired', 'released')),
    state_reason     text NOT NULL DEFAULT '',
    valid_until      timestamptz NOT NULL CHECK (valid_until > slot),
    intended_at      timestamptz NOT NULL,
    sent_at          timestamptz,
    echoed_at        timestamptz,
    effective_at     timestamptz,
    ended_at         timestamptz
);
CREATE INDEX setpoint_device ON ems.setpoint (site_key, device_key, setpoint_id DESC);
CREATE INDEX setpoint_slot ON ems.setpoint (site_key, slot);
CREATE INDEX setpoint_open ON ems.setpoint (site_key)
    WHERE state IN ('intended', 'sent', 'echoed', 'effective');

-- Every step of every set-point, with what was measured when it was taken.
CREATE TABLE ems.setpoint_event (
    setpoint_event_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    setpoint_id        bigint NOT NULL REFERENCES ems.setpoint ON DELETE CASCADE,
    at                 timestamptz NOT NULL,
    state              text NOT NULL,
    reason             text NOT NULL DEFAULT '',
    measured           jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX setpoint_event_setpoint ON ems.setpoint_event (setpoint_id, setpoint_event_id);

-- Settings live in memory that wears: writes per point and UTC day, counted with the intent.
CREATE TABLE ems.point_write_count (
    site_key    text NOT NULL REFERENCES ems.site,
    device_key  text NOT NULL,
    point       text NOT NULL,
    day         date NOT NULL,
    writes      integer NOT NULL,
    PRIMARY KEY (site_key, device_key, day, point)
);

-- What a person should know. The same trouble again raises the count of the open row, not a second one.
CREATE TABLE ems.alarm (
    alarm_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key         text REFERENCES ems.site,
    device_key       text,
    kind             text NOT NULL,
    severity         text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    text             text NOT NULL,
    raised_at        timestamptz NOT NULL,
    last_at          timestamptz NOT NULL,
    times            integer NOT NULL DEFAULT 1,
    acknowledged_at  timestamptz,
    acknowledged_by  text,
    cleared_at       timestamptz
);
CREATE UNIQUE INDEX alarm_open ON ems.alarm (coalesce(site_key, ''), coalesce(device_key, ''), kind)
    WHERE cleared_at IS NULL;
