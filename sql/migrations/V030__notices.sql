-- How each person is told of what happens, and what the Telegram bot has to remember. Who may read it: nobody but those who
-- tell, since where somebody can be reached is nobody else's business.

-- One way to one person. A chat is bound by a code that was made on the machine; addresses of e-mail are entered there.
CREATE TABLE ems.notice_channel (
    notice_channel_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person             text NOT NULL REFERENCES ems.person ON DELETE CASCADE,
    kind               text NOT NULL CHECK (kind IN ('telegram', 'email')),
    address            text NOT NULL CHECK (length(address) BETWEEN 1 AND 254),
    telegram_user      text,                                    -- whose wishes count in the chat; null for e-mail
    language           text NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2,3}$'),
    bound_at           timestamptz NOT NULL,
    state              text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'blocked')),
    state_reason       text NOT NULL DEFAULT '',
    -- What the person wants of it.
    least_severity     text NOT NULL DEFAULT 'warning' CHECK (least_severity IN ('info', 'warning', 'critical')),
    quiet_from         time,
    quiet_until        time,
    quiet_zone         text,
    critical_breaks_quiet boolean NOT NULL DEFAULT true,
    wants_daily        boolean NOT NULL DEFAULT false,
    wants_weekly       boolean NOT NULL DEFAULT false,
    sites              text[],                                  -- null: all that exist for the person
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND (quiet_from IS NULL) = (quiet_zone IS NULL)),
    CHECK (quiet_from IS DISTINCT FROM quiet_until OR quiet_from IS NULL),
    CHECK ((kind = 'telegram') = (telegram_user IS NOT NULL)),
    UNIQUE (person, kind, address)
);
CREATE UNIQUE INDEX notice_channel_chat ON ems.notice_channel (address) WHERE kind = 'telegram';

-- What `ems user telegram` gave somebody to send to the bot, once. The code itself is not stored.
CREATE TABLE ems.notice_code (
    code_hash      bytea PRIMARY KEY,
    person         text NOT NULL REFERENCES ems.person ON DELETE CASCADE,
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    expires_at     timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at        timestamptz
);

-- What was told by which way: written before it is sent, so that a restart repeats nothing that has arrived.
CREATE TABLE ems.notice_told (
    notice_channel_id  bigint NOT NULL REFERENCES ems.notice_channel ON DELETE CASCADE,
    alarm_id           bigint NOT NULL,                            -- alarms are never deleted
    severity           text NOT NULL,
    state              text NOT NULL CHECK (state IN ('sending', 'told', 'unsure', 'refused')),
    tries              integer NOT NULL,
    at                 timestamptz NOT NULL,
    PRIMARY KEY (notice_channel_id, alarm_id)
);
CREATE INDEX notice_told_alarm ON ems.notice_told (alarm_id);

CREATE TABLE ems.notice_report (
    notice_channel_id  bigint NOT NULL REFERENCES ems.notice_channel ON DELETE CASCADE,
    site_key           text NOT NULL REFERENCES ems.site,
    last_day           date NOT NULL,
    span_days          integer NOT NULL CHECK (span_days IN (1, 7)),
    state              text NOT NULL CHECK (state IN ('sending', 'told', 'unsure', 'refused')),
    tries              integer NOT NULL,
    at                 timestamptz NOT NULL,
    PRIMARY KEY (notice_channel_id, site_key, last_day, span_days)
);

-- A wish that the bot has repeated and nobody has confirmed yet; the button carries what is stored here as a hash.
CREATE TABLE ems.notice_wish (
    nonce_hash     bytea PRIMARY KEY,
    notice_channel_id  bigint NOT NULL REFERENCES ems.notice_channel ON DELETE CASCADE,
    site_key       text NOT NULL REFERENCES ems.site,
    asset_key      text,                                        -- null: the whole site is released
    mode           text,
    limits         jsonb NOT NULL DEFAULT '{}',
    until_at       timestamptz,
    asked_at       timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    confirmed_at   timestamptz,
    filed_as       text,
    CHECK ((asset_key IS NULL) = (mode IS NULL) AND (asset_key IS NULL) = (until_at IS NULL)),
    CHECK ((confirmed_at IS NULL) = (filed_as IS NULL))
);
CREATE INDEX notice_wish_channel ON ems.notice_wish (notice_channel_id);

-- Where the bot goes on reading what was said to it.
CREATE TABLE ems.notice_poll (
    bot            text PRIMARY KEY,
    next_update    bigint NOT NULL,
    at             timestamptz NOT NULL
);
