-- Which other action would have been the next best, and how its cost was found.
ALTER TABLE ems.planning_interval
    ADD COLUMN next_best_action text,
    ADD COLUMN next_best_kind text CHECK (next_best_kind IN ('re-solved', 'bound', 'impossible'));

-- What the grid's side asks of a site for a while. Append-only: a change or a cancellation is a row known later.
CREATE TABLE ems.grid_event (
    site_key       text NOT NULL REFERENCES ems.site,
    event_key      text NOT NULL,
    from_at        timestamptz NOT NULL,
    until_at       timestamptz NOT NULL,
    limit_w        double precision CHECK (limit_w >= 0),
    baseline_w     double precision CHECK (baseline_w >= 0),
    price_per_kwh  double precision CHECK (price_per_kwh > 0),
    is_cancelled   boolean NOT NULL DEFAULT false,
    entered_by     text NOT NULL,
    known_at       timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, event_key, known_at),
    CHECK (until_at > from_at),
    CHECK (limit_w IS NOT NULL OR price_per_kwh IS NOT NULL),
    CHECK ((price_per_kwh IS NULL) = (baseline_w IS NULL))
);
CREATE INDEX grid_event_until ON ems.grid_event (site_key, until_at);
