-- Who may ask over HTTP, what was asked for, and a row for everything that anybody tried to change that way.

-- People are entered on the machine (`ems user add`); the web process cannot make one, nor change what one may do.
CREATE TABLE ems.person (
    name           text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_.@-]{0,63}$'),
    role           text NOT NULL CHECK (role IN ('viewer', 'operator', 'owner', 'analyst')),
    sites          text[],                                      -- null: all there are and will be
    password_hash  text NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    changed_at     timestamptz NOT NULL,                        -- sessions begun before count no more
    last_login_at  timestamptz
);

-- One browser that logged in. The cookie's 256 random bits are not stored, only their hash.
CREATE TABLE ems.web_session (
    session_hash   bytea PRIMARY KEY,
    person         text NOT NULL REFERENCES ems.person ON DELETE CASCADE,
    started_at     timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,
    confirmed_at   timestamptz NOT NULL                         -- when the password was typed last
);
CREATE INDEX web_session_person ON ems.web_session (person);

-- A token given to a program. What it may do stands here as well as in the signed text; both must say so.
CREATE TABLE ems.web_token (
    token_id       uuid PRIMARY KEY,
    name           text NOT NULL,
    note           text NOT NULL DEFAULT '',
    resources      text[] NOT NULL,
    sites          text[],
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    expires_at     timestamptz NOT NULL CHECK (expires_at > created_at),
    last_used_at   timestamptz,
    revoked_at     timestamptz,
    revoked_by     text
);

-- Every request that would change something, refused ones too; appended and never rewritten.
CREATE TABLE ems.web_write (
    web_write_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL,
    request_id     uuid NOT NULL,
    who            text NOT NULL,
    address        text NOT NULL,
    method         text NOT NULL,
    path           text NOT NULL,
    outcome        text NOT NULL
);
CREATE INDEX web_write_at ON ems.web_write (at);

-- Work that somebody asked for. A sensor turns each row into a run, with the row's number as its key.
CREATE TABLE ems.request (
    request_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind           text NOT NULL,
    site_key       text REFERENCES ems.site,
    parameters     jsonb NOT NULL DEFAULT '{}',
    requested_by   text NOT NULL,
    requested_at   timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'refused')),
    run_id         text,
    started_at     timestamptz,
    ended_at       timestamptz,
    result         jsonb,
    problem        text NOT NULL DEFAULT ''
);
CREATE INDEX request_at ON ems.request (requested_at DESC);
CREATE INDEX request_open ON ems.request (requested_by) WHERE state IN ('queued', 'running');
