-- What somebody wants the planner to reach for an asset, beside an override, which is what somebody wants a device told.
-- Appended; only that it was taken back is written later. It always ends: a forgotten goal is worse than none.
CREATE TABLE ems.asset_goal (
    asset_goal_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_key       text NOT NULL REFERENCES ems.site,
    asset_key      text NOT NULL,
    from_at        timestamptz NOT NULL,
    until_at       timestamptz NOT NULL CHECK (until_at > from_at),
    source         text CHECK (source IN ('any', 'solar', 'min-solar')),
    energy_wh      double precision CHECK (energy_wh BETWEEN 0 AND 1e6),
    ready_at       timestamptz CHECK (ready_at > from_at AND ready_at <= until_at),
    comfort_min_c  double precision CHECK (comfort_min_c BETWEEN 5 AND 30),
    comfort_max_c  double precision CHECK (comfort_max_c BETWEEN 6 AND 35),
    reason         text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    cancelled_at   timestamptz,
    cancelled_by   text,
    CHECK (num_nonnulls(source, energy_wh, ready_at, comfort_min_c, comfort_max_c) > 0),
    CHECK (comfort_min_c <= comfort_max_c)
);
CREATE INDEX asset_goal_site ON ems.asset_goal (site_key, until_at);
