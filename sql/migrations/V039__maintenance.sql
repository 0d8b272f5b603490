-- Services of gensets: templates, what is done when, what was done, by whom, at how many hours of running, and who was told.
-- A set is an asset of a site: (site_key, asset_key). What was done stays with the set, whichever template counts later.

-- A version is never edited: a change is a new row, and open orders keep what they were made from.
CREATE TABLE ems.maintenance_template (
    template_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    template_key   text NOT NULL CHECK (template_key ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    version        integer NOT NULL CHECK (version > 0),
    name           jsonb NOT NULL,
    source         text NOT NULL CHECK (length(source) <= 300),
    licence        text NOT NULL CHECK (length(licence) <= 300),
    document       jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    retired_at     timestamptz,
    retired_by     text,
    UNIQUE (template_key, version)
);

CREATE TABLE ems.maintenance_level (
    template_id     bigint NOT NULL REFERENCES ems.maintenance_template,
    level           text NOT NULL CHECK (length(level) BETWEEN 1 AND 20),
    rank            smallint NOT NULL,
    hours           double precision CHECK (hours > 0),
    months          integer CHECK (months > 0),
    warning_h       double precision,
    critical_h      double precision,
    tolerance_h     double precision,
    warning_days    double precision NOT NULL,
    critical_days   double precision NOT NULL,
    tolerance_days  double precision,
    PRIMARY KEY (template_id, level),
    UNIQUE (template_id, rank),
    CHECK (num_nonnulls(hours, months) > 0)
);

CREATE TABLE ems.maintenance_task (
    template_id       bigint NOT NULL,
    code              text NOT NULL CHECK (length(code) BETWEEN 1 AND 20),
    position          integer NOT NULL,
    level             text NOT NULL,
    hours             double precision,
    months            integer,
    system            text NOT NULL,
    kind              text NOT NULL,
    minutes           integer NOT NULL,
    is_critical       boolean NOT NULL,
    needs_standstill  boolean NOT NULL,
    text              jsonb NOT NULL,
    consumable        text,
    quantity          text,
    accept            text,
    unit              text,
    supersedes        text[] NOT NULL,
    PRIMARY KEY (template_id, code),
    FOREIGN KEY (template_id, level) REFERENCES ems.maintenance_level
);

-- Which version counts for a set; one at a time.
CREATE TABLE ems.maintenance_plan (
    plan_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key     text NOT NULL REFERENCES ems.site,
    asset_key    text NOT NULL CHECK (length(asset_key) <= 64),
    template_id  bigint NOT NULL REFERENCES ems.maintenance_template,
    from_at      timestamptz NOT NULL,
    created_by   text NOT NULL,
    until_at     timestamptz,
    ended_by     text
);
CREATE UNIQUE INDEX maintenance_plan_running ON ems.maintenance_plan (site_key, asset_key) WHERE until_at IS NULL;

-- Hours of running are our own sum; what the meter's register said last is kept to see what it went on by.
CREATE TABLE ems.genset_meter (
    site_key       text NOT NULL REFERENCES ems.site,
    asset_key      text NOT NULL CHECK (length(asset_key) <= 64),
    hours          double precision NOT NULL CHECK (hours >= 0),
    register_h     double precision NOT NULL,
    read_at        timestamptz NOT NULL,
    began_at       timestamptz NOT NULL,
    doubted_h      double precision,
    doubted_at     timestamptz,
    doubt          text,
    meter_event_id bigint,
    planned_h      double precision,
    planned_until  timestamptz,
    loaded_h       double precision,
    PRIMARY KEY (site_key, asset_key)
);

-- Appended: what a person decided about a meter, and where counting began.
CREATE TABLE ems.genset_meter_event (
    meter_event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key         text NOT NULL REFERENCES ems.site,
    asset_key        text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('begun', 'read', 'replaced', 'accepted', 'corrected')),
    at               timestamptz NOT NULL,
    register_before  double precision,
    register_after   double precision,
    hours_before     double precision,
    hours_after      double precision,
    reason           text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    entered_at       timestamptz NOT NULL,
    entered_by       text NOT NULL
);
CREATE INDEX genset_meter_event_set ON ems.genset_meter_event (site_key, asset_key, meter_event_id);

CREATE TABLE ems.genset_meter_day (
    site_key   text NOT NULL REFERENCES ems.site,
    asset_key  text NOT NULL,
    day        date NOT NULL,
    hours      double precision NOT NULL,
    PRIMARY KEY (day, site_key, asset_key)                      -- the last fortnight of all sets is read at once
);

-- Readings that a person types, the newest of each set: of sets whose controller is not asked.
CREATE TABLE ems.genset_reading (
    site_key   text NOT NULL REFERENCES ems.site,
    asset_key  text NOT NULL CHECK (length(asset_key) <= 64),
    run_hours  double precision NOT NULL CHECK (run_hours >= 0 AND run_hours < 1e6),
    taken_at   timestamptz NOT NULL,
    PRIMARY KEY (site_key, asset_key)
);

-- One piece of work: what is to be done is copied from the template when it is made.
CREATE TABLE ems.maintenance_order (
    order_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key      text NOT NULL REFERENCES ems.site,
    asset_key     text NOT NULL,
    template_id   bigint NOT NULL,
    level         text NOT NULL,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'cancelled')),
    note          text NOT NULL DEFAULT '' CHECK (length(note) <= 200),
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    started_at    timestamptz,
    done_h        double precision,
    done_at       timestamptz,
    done_by       text,
    report        text NOT NULL DEFAULT '' CHECK (length(report) <= 2000),
    photos        text[] NOT NULL DEFAULT '{}',
    closed_levels text[] NOT NULL DEFAULT '{}',
    cancelled_at  timestamptz,
    cancelled_by  text,
    FOREIGN KEY (template_id, level) REFERENCES ems.maintenance_level
);
CREATE UNIQUE INDEX maintenance_order_open ON ems.maintenance_order (site_key, asset_key, level) WHERE state = 'open';
CREATE INDEX maintenance_order_site ON ems.maintenance_order (site_key, order_id);

CREATE TABLE ems.maintenance_item (
    order_id          bigint NOT NULL REFERENCES ems.maintenance_order,
    site_key          text NOT NULL REFERENCES ems.site,
    code              text NOT NULL,
    position          integer NOT NULL,
    level             text NOT NULL,
    rank              smallint NOT NULL,
    system            text NOT NULL,
    kind              text NOT NULL,
    minutes           integer NOT NULL,
    is_critical       boolean NOT NULL,
    needs_standstill  boolean NOT NULL,
    text              jsonb NOT NULL,
    consumable        text,
    quantity          text,
    accept            text,
    unit              text,
    result            text CHECK (result IN ('done', 'not', 'na')),
    value             text CHECK (length(value) <= 60),
    note              text NOT NULL DEFAULT '' CHECK (length(note) <= 200),
    photos            text[] NOT NULL DEFAULT '{}',
    answered_at       timestamptz,
    answered_by       text,
    PRIMARY KEY (order_id, code)
);

CREATE TABLE ems.maintenance_part (
    part_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id  bigint NOT NULL REFERENCES ems.maintenance_order,
    site_key  text NOT NULL REFERENCES ems.site,
    name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    quantity  double precision CHECK (quantity > 0),
    unit      text CHECK (length(unit) <= 20)
);
CREATE INDEX maintenance_part_order ON ems.maintenance_part (order_id);

-- What is known of when a level was closed last: by an order, or as somebody said who knew. Appended; only that another row
-- counts is written later.
CREATE TABLE ems.maintenance_done (
    done_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key     text NOT NULL REFERENCES ems.site,
    asset_key    text NOT NULL,
    level        text NOT NULL,
    done_h       double precision,
    done_at      timestamptz NOT NULL,
    order_id     bigint REFERENCES ems.maintenance_order,
    recorded_at  timestamptz NOT NULL,
    recorded_by  text NOT NULL,
    superseded_at timestamptz                                   -- null: it is the newest of its set and level
);
CREATE UNIQUE INDEX maintenance_done_newest ON ems.maintenance_done (site_key, asset_key, level) WHERE superseded_at IS NULL;
CREATE INDEX maintenance_done_order ON ems.maintenance_done (order_id);

CREATE TABLE ems.maintenance_finding (
    finding_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key    text NOT NULL REFERENCES ems.site,
    asset_key   text NOT NULL,
    order_id    bigint NOT NULL REFERENCES ems.maintenance_order,
    code        text NOT NULL,
    text        jsonb NOT NULL,
    note        text NOT NULL DEFAULT '',
    due_on      date NOT NULL,
    raised_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    closed_by   text,
    remedy      text CHECK (length(remedy) <= 200),
    UNIQUE (order_id, code)
);
CREATE INDEX maintenance_finding_site ON ems.maintenance_finding (site_key, finding_id);

-- One per set and level while it stands; what it rests on says when it may be over.
CREATE TABLE ems.maintenance_alert (
    alert_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key        text NOT NULL REFERENCES ems.site,
    asset_key       text NOT NULL,
    level           text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('warning', 'critical', 'overdue')),
    due_h           double precision,
    due_on          timestamptz,
    template_id     bigint NOT NULL,
    done_id         bigint,
    meter_event_id  bigint,
    raised_at       timestamptz NOT NULL,
    risen_at        timestamptz NOT NULL,
    alarm_id        bigint REFERENCES ems.alarm,
    resolved_at     timestamptz,
    resolved_by     text CHECK (resolved_by IN ('log', 'template', 'meter'))
);
CREATE UNIQUE INDEX maintenance_alert_open ON ems.maintenance_alert (site_key, asset_key, level) WHERE resolved_at IS NULL;
