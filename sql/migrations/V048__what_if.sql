-- What a study came to, so that people can read it without reckoning it again, and what owners asked of one.
CREATE TABLE study.saving (
    study_key      text NOT NULL REFERENCES study.definition ON DELETE CASCADE,
    variant        text NOT NULL,
    base           text NOT NULL,
    currency       text NOT NULL,
    tariff         text NOT NULL,
    season         text NOT NULL,
    homes          integer NOT NULL CHECK (homes > 0),
    days           integer NOT NULL CHECK (days > 0),
    net_cost       double precision NOT NULL,
    base_net_cost  double precision NOT NULL,
    saved          double precision NOT NULL,
    saved_low      double precision NOT NULL,
    saved_high     double precision NOT NULL,
    concluded_at   timestamptz NOT NULL,
    PRIMARY KEY (study_key, variant, currency, tariff, season)
);

-- The same study answers a question with other prices of what is bought, so the question has a key of its own.
CREATE TABLE study.what_if (
    what_if_key    text PRIMARY KEY,
    study_key      text NOT NULL REFERENCES study.definition ON DELETE CASCADE,
    site_key       text NOT NULL,
    question       json NOT NULL,
    is_own         boolean NOT NULL,
    currency       text NOT NULL,
    first_day      date NOT NULL,
    last_day       date NOT NULL CHECK (last_day >= first_day),
    lived_days     integer NOT NULL CHECK (lived_days > 0),
    left_out       text[] NOT NULL,
    answered_at    timestamptz NOT NULL
);
CREATE INDEX what_if_site ON study.what_if (site_key, answered_at DESC);

CREATE TABLE study.what_if_variant (
    what_if_key    text NOT NULL REFERENCES study.what_if ON DELETE CASCADE,
    place          integer NOT NULL,
    variant        text NOT NULL,
    tariff         text NOT NULL,
    battery_kwh    double precision NOT NULL,
    pv_kwp         double precision NOT NULL,
    days           integer NOT NULL,
    bill           double precision NOT NULL,
    saved          double precision NOT NULL,
    saved_low      double precision NOT NULL,
    saved_high     double precision NOT NULL,
    invested       double precision,
    payback_years  double precision,
    payback_low    double precision,
    payback_high   double precision,
    cycles         double precision NOT NULL,
    wear           double precision NOT NULL,
    PRIMARY KEY (what_if_key, place)
);
