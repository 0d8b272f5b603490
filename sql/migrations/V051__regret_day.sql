-- What each day cost more than it had to, split by what was to blame: a row each. Append-only, as ems.baseline_day.
CREATE TABLE ems.regret_day (
    site_key          text NOT NULL REFERENCES ems.site,
    day               date NOT NULL,
    part              text NOT NULL,
    version           integer NOT NULL CHECK (version >= 1),
    currency          char(3) NOT NULL,
    amount            double precision,
    missing           text,
    known_at          timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, day, part, version),
    CHECK ((amount IS NULL) = (missing IS NOT NULL))
);
