-- Backtests: what was asked, which months are done, and what each day came to. A schema of its own, because nothing in it was ever
-- real: whoever controls a house has no right to look (sql/roles/R__roles.sql).
CREATE SCHEMA study;

CREATE TABLE study.definition (
    study_key   text PRIMARY KEY,
    definition  json NOT NULL,
    asked_at    timestamptz NOT NULL
);

CREATE TABLE study.part (
    study_key      text NOT NULL REFERENCES study.definition ON DELETE CASCADE,
    home_key       text NOT NULL,
    variant        text NOT NULL,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    inputs_digest  text NOT NULL,
    rows_digest    text NOT NULL,
    asked_days     integer NOT NULL,
    lived_days     integer NOT NULL CHECK (lived_days BETWEEN 0 AND asked_days),
    code_version   text NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (study_key, home_key, variant, month)
);

CREATE TABLE study.day (
    study_key               text NOT NULL,
    home_key                text NOT NULL,
    variant                 text NOT NULL,
    month                   date NOT NULL,
    day                     date NOT NULL,
    tariff                  text NOT NULL,
    currency                text NOT NULL,
    slots                   integer NOT NULL,
    cost                    double precision NOT NULL,
    import_wh               double precision NOT NULL,
    export_wh               double precision NOT NULL,
    consumption_wh          double precision NOT NULL,
    pv_wh                   double precision NOT NULL,
    throughput_wh           double precision NOT NULL,
    self_use_throughput_wh  double precision NOT NULL,
    stored_change_wh        double precision NOT NULL,
    stored_value_per_kwh    double precision NOT NULL,
    net_cost                double precision GENERATED ALWAYS AS
                            (cost - stored_value_per_kwh * stored_change_wh / 1000) STORED,
    no_battery_cost         double precision NOT NULL,
    self_use_cost           double precision NOT NULL,
    no_battery_saving       double precision NOT NULL,
    self_use_saving         double precision NOT NULL,
    PRIMARY KEY (study_key, home_key, variant, day),
    FOREIGN KEY (study_key, home_key, variant, month) REFERENCES study.part ON DELETE CASCADE
);
