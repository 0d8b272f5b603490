-- What energy costs. Append-only with known_at: a correction is a new row, a plan reads "as known at".

-- Day-ahead prices by market zone, never by site. One row per quarter-hour; hourly markets repeat the hour's price.
CREATE TABLE ems.market_interval_price (
    zone            text NOT NULL,
    starts_at       timestamptz NOT NULL,
    price_per_mwh   double precision NOT NULL,
    currency        char(3) NOT NULL,
    resolution_min  smallint NOT NULL CHECK (resolution_min IN (15, 30, 60)),
    source          text NOT NULL,
    known_at        timestamptz NOT NULL,
    known_basis     text NOT NULL CHECK (known_basis IN ('received', 'published', 'nominal')),
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (zone, starts_at, known_at)
);
CREATE INDEX market_interval_price_starts_at ON ems.market_interval_price USING brin (starts_at);

CREATE TABLE ems.fx_rate (
    base            char(3) NOT NULL,
    quote           char(3) NOT NULL,
    rate_on         date NOT NULL,
    rate            double precision NOT NULL CHECK (rate > 0),   -- quote units for one unit of base
    is_provisional  boolean NOT NULL,
    source          text NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (base, quote, rate_on, known_at)
);

-- What the site pays and is paid, tariff and taxes included, in its own currency.
CREATE TABLE ems.effective_price (
    site_key        text NOT NULL REFERENCES ems.site,
    starts_at       timestamptz NOT NULL,
    buy_per_kwh     double precision NOT NULL,
    sell_per_kwh    double precision NOT NULL,
    spot_per_kwh    double precision NOT NULL,
    currency        char(3) NOT NULL,
    is_provisional  boolean NOT NULL DEFAULT false,               -- the exchange rate was not final
    components      jsonb NOT NULL DEFAULT '{}',
    known_at        timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site_key, starts_at, known_at)
);
