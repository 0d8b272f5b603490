-- What each day cost, and what it would have cost under rules, plans and with foresight: a row each. Append-only: a correction is
-- a version more, and what was said before stays readable as it was known then.
CREATE TABLE ems.baseline_day (
    site_key          text NOT NULL REFERENCES ems.site,
    day               date NOT NULL,
    baseline          text NOT NULL,
    version           integer NOT NULL CHECK (version >= 1),
    currency          char(3) NOT NULL,
    energy_cost       double precision,
    fuel_cost         double precision,
    cost              double precision GENERATED ALWAYS AS (energy_cost + fuel_cost) STORED,
    wear_cost         double precision,
    stored_change_wh  double precision,
    stored_value      double precision,
    end_soc_pct       double precision,
    settled_slots     integer NOT NULL,
    slots             integer NOT NULL,
    is_modelled       boolean NOT NULL,
    missing           text,
    known_at          timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, day, baseline, version),
    CHECK ((energy_cost IS NULL) = (missing IS NOT NULL)),
    CHECK (settled_slots BETWEEN 0 AND slots)
);
