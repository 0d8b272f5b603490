-- Commands to generating sets and switchboards, each a sequence that the poller runs, and the journal of its steps. A step is
-- committed before anything is told, so that a process that dies goes on, or backs out, from what stands here.

-- A command of a person waits for its second confirmation for a minute; one of a plan (`dispatch`) needs none.
CREATE TABLE ems.genset_command (
    genset_command_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key       text NOT NULL REFERENCES ems.site,
    device_key     text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('start', 'stop', 'auto', 'manual', 'power', 'mute', 'reset', 'run', 'release')),
    power_w        double precision CHECK (power_w >= 0 AND power_w < 1e9),
    until_at       timestamptz CHECK (until_at > asked_at),
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    asked_by       text NOT NULL,
    asked_at       timestamptz NOT NULL,
    code_hash      bytea,                                       -- null: a plan's
    confirm_by_at  timestamptz,
    confirmed_at   timestamptz,
    cancelled_at   timestamptz,
    cancelled_by   text,
    is_shadow      boolean NOT NULL DEFAULT false,
    state          text NOT NULL CHECK (state IN ('asked', 'lapsed', 'confirmed', 'running', 'backing-out', 'done', 'failed',
                                                  'refused', 'cancelled', 'shadow')),
    state_reason   text NOT NULL DEFAULT '',
    progress       jsonb,                                       -- where the sequence stands; null: not begun
    begun_at       timestamptz,
    ended_at       timestamptz,
    CHECK ((code_hash IS NULL) = (confirm_by_at IS NULL)),
    CHECK ((ended_at IS NULL) = (state IN ('asked', 'confirmed', 'running', 'backing-out')))
);
-- One sequence per controller at a time; a person's may wait beside a plan's until that has let go.
CREATE UNIQUE INDEX genset_command_person ON ems.genset_command (site_key, device_key)
    WHERE state IN ('confirmed', 'running', 'backing-out') AND asked_by <> 'dispatch';
CREATE UNIQUE INDEX genset_command_dispatch ON ems.genset_command (site_key, device_key)
    WHERE state IN ('confirmed', 'running', 'backing-out') AND asked_by = 'dispatch';
CREATE INDEX genset_command_device ON ems.genset_command (site_key, device_key, genset_command_id DESC);

-- Every step, with what was seen when it was taken. Appended.
CREATE TABLE ems.genset_command_step (
    genset_command_step_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    genset_command_id  bigint NOT NULL REFERENCES ems.genset_command ON DELETE CASCADE,
    at             timestamptz NOT NULL,
    step           text NOT NULL,
    action         text NOT NULL DEFAULT '',                    -- empty: nothing was told
    reason         text NOT NULL DEFAULT '',
    seen           jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX genset_command_step_command ON ems.genset_command_step (genset_command_id, genset_command_step_id);

-- What sequences remember of a set: whose mode it stands in, its starts and resets, since when it runs or rests.
CREATE TABLE ems.genset_memory (
    site_key       text NOT NULL REFERENCES ems.site,
    device_key     text NOT NULL,
    said           jsonb NOT NULL,
    noted_at       timestamptz NOT NULL,
    PRIMARY KEY (site_key, device_key)
);

-- A lock: while one is open nobody starts the set from afar. A person places it, or an order that wants the engine stopped.
CREATE TABLE ems.genset_lockout (
    genset_lockout_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key       text NOT NULL REFERENCES ems.site,
    device_key     text NOT NULL,
    source         text NOT NULL CHECK (source IN ('person', 'order')),
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    placed_at      timestamptz NOT NULL,
    placed_by      text NOT NULL,
    lifted_at      timestamptz,
    lifted_by      text,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX genset_lockout_open ON ems.genset_lockout (site_key, device_key) WHERE lifted_at IS NULL;

CREATE TRIGGER genset_command_told AFTER INSERT ON ems.genset_command REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('gensets', 'genset_command_id', 'asked_at');
CREATE TRIGGER genset_command_change_told AFTER UPDATE ON ems.genset_command REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ems.fn_notify_live('gensets', 'genset_command_id', 'asked_at');
