-- Tasks in Bitrix24 for services that are due, and what is still to be said to the portal. Its address is a secret of the
-- environment and stands in no table.

-- One row for each order that became a task, once; order_key is what we call it there.
CREATE TABLE ems.bitrix_task (
    order_id       bigint PRIMARY KEY REFERENCES ems.maintenance_order,
    alert_id       bigint NOT NULL REFERENCES ems.maintenance_alert,
    site_key       text NOT NULL REFERENCES ems.site,
    order_key      text NOT NULL UNIQUE CHECK (order_key ~ '^[A-Za-z0-9-]{1,100}$'),
    wanted         jsonb NOT NULL,
    task_id        bigint CHECK (task_id > 0),
    state          text NOT NULL DEFAULT 'wanted'
                   CHECK (state IN ('wanted', 'open', 'unfinished', 'done', 'gone', 'withdrawn')),
    problem        text NOT NULL DEFAULT '',
    filed_at       timestamptz NOT NULL,
    changed_at     timestamptz,
    state_at       timestamptz NOT NULL,
    CHECK (task_id IS NOT NULL OR state IN ('wanted', 'withdrawn'))
);
CREATE INDEX bitrix_task_alert ON ems.bitrix_task (alert_id);
CREATE INDEX bitrix_task_site ON ems.bitrix_task (site_key, order_id);
CREATE INDEX bitrix_task_open ON ems.bitrix_task (order_id) WHERE state IN ('wanted', 'open', 'unfinished');

-- What is to be said, in order; a row is written down before anything is sent.
CREATE TABLE ems.bitrix_outbox (
    bitrix_outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id       bigint NOT NULL REFERENCES ems.bitrix_task,
    what           text NOT NULL CHECK (what IN ('add', 'say', 'complete')),
    said           jsonb NOT NULL DEFAULT '{}',
    filed_at       timestamptz NOT NULL,
    next_try_at    timestamptz NOT NULL,
    tries          integer NOT NULL DEFAULT 0,
    is_refused     boolean NOT NULL DEFAULT false,
    problem        text NOT NULL DEFAULT '',
    ended_at       timestamptz
);
CREATE INDEX bitrix_outbox_due ON ems.bitrix_outbox (order_id, bitrix_outbox_id) WHERE ended_at IS NULL;

-- How the one portal stands. The installation is a part of our keys, so that two that share a portal do not meet.
CREATE TABLE ems.bitrix_portal (
    is_one         boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    installation   text NOT NULL DEFAULT substr(md5(gen_random_uuid()::text), 1, 8) CHECK (installation ~ '^[0-9a-f]{8}$'),
    looked_at      timestamptz,
    answered_at    timestamptz,
    failing_since  timestamptz,
    woken_at       timestamptz,
    held_until     timestamptz,
    is_shut        boolean NOT NULL DEFAULT false,
    problem        text NOT NULL DEFAULT ''
);

-- What a person has still to confirm: a regulation as it was read (`ems_pipeline.regulation`), and the template that it became.
CREATE TABLE ems.maintenance_draft (
    draft_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL CHECK (length(source) BETWEEN 1 AND 200),
    digest        text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    document      jsonb NOT NULL,
    imported_at   timestamptz NOT NULL,
    imported_by   text NOT NULL,
    template_id   bigint REFERENCES ems.maintenance_template,
    ended_at      timestamptz,
    ended_by      text,
    CHECK (template_id IS NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX maintenance_draft_open ON ems.maintenance_draft (digest) WHERE ended_at IS NULL;
