-- A challenger plans beside the live planner. Its plans stand with the others, marked, and can be told to no device: what may be
-- executed must be verified (vw_executable_plan), and a shadow's never is, whoever writes it.
ALTER TABLE ems.planning_run
    ADD COLUMN planner text NOT NULL DEFAULT 'site-file',
    ADD COLUMN is_shadow boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT planning_run_shadow CHECK (NOT (is_shadow AND is_verified));
CREATE UNIQUE INDEX planning_run_beside ON ems.planning_run (site_key, decided_at, horizon_start) WHERE is_shadow;

-- A day lived through by arithmetic, under the live planner and under its challenger, from the charge that was measured at its begin.
CREATE TABLE ems.planner_day (
    site_key           text NOT NULL REFERENCES ems.site,
    day                date NOT NULL,
    live               text NOT NULL,
    options       jsonb NOT NULL,
    shadow             text NOT NULL,
    shadow_options     jsonb NOT NULL,
    decisions          integer NOT NULL CHECK (decisions >= 0),
    compared           integer NOT NULL CHECK (compared BETWEEN 0 AND decisions),
    refused            text,
    currency           text NOT NULL,
    net_cost      double precision,
    shadow_net_cost    double precision,
    measured_net_cost  double precision,
    gain               double precision GENERATED ALWAYS AS (net_cost - shadow_net_cost) STORED,
    code_version       text NOT NULL,
    known_at           timestamptz NOT NULL,
    PRIMARY KEY (site_key, day),
    CHECK ((refused IS NULL) = (net_cost IS NOT NULL AND shadow_net_cost IS NOT NULL))
);

-- What the challenger had shown by a night. Only `wins` lets it take over, and that takes four weeks and a bound above zero.
CREATE TABLE ems.planner_verdict (
    site_key        text NOT NULL REFERENCES ems.site,
    judged_at       timestamptz NOT NULL,
    live            text NOT NULL,
    shadow          text NOT NULL,
    shadow_options  jsonb NOT NULL,
    days            integer NOT NULL CHECK (days >= 0),
    gain            double precision,
    gain_low        double precision,
    gain_high       double precision,
    currency        text NOT NULL,
    outcome         text NOT NULL CHECK (outcome IN ('wait', 'wins', 'not shown')),
    PRIMARY KEY (site_key, judged_at),
    UNIQUE (site_key, judged_at, outcome),
    CONSTRAINT planner_verdict_rule CHECK (outcome <> 'wins' OR (days >= 28 AND coalesce(gain_low > 0, false)))
);

-- Who plans from then on. The key to the verdict has its outcome in it: without one that won nobody is promoted.
CREATE TABLE ems.planner_change (
    site_key      text NOT NULL REFERENCES ems.site,
    changed_at    timestamptz NOT NULL,
    planner       text NOT NULL,
    options       jsonb NOT NULL,
    former        text NOT NULL,
    judged_at     timestamptz NOT NULL,
    outcome       text NOT NULL GENERATED ALWAYS AS ('wins') STORED,
    changed_by    text NOT NULL,
    reason        text NOT NULL,
    code_version  text,
    PRIMARY KEY (site_key, changed_at),
    FOREIGN KEY (site_key, judged_at, outcome) REFERENCES ems.planner_verdict (site_key, judged_at, outcome)
);
