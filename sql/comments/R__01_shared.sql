-- The whole schema: what holds everywhere.
COMMENT ON SCHEMA ems IS 'Names carry units: `_w` W, `_wh` Wh, `_kwh` kWh, `_pct` %, `_c` °C, `_s` s, `_per_kwh` site currency per kWh, `_per_mwh`
market currency per MWh, `_at` an instant in UTC. Powers follow one balance:
`grid_w + pv_w + battery_w + genset_w = load_w + ev_w + heat_pump_w` with import and discharge positive.
NULL means not known; it never means zero.';

-- What a column means wherever it stands; the files that follow say more where a table means something narrower.
DO $$
DECLARE spoken record;
BEGIN
    FOR spoken IN
        SELECT c.oid::regclass AS relation, a.attname, shared.meaning
        FROM (VALUES
            ('site_key', 'the site, as in its file'),
            ('device_key', 'a piece of hardware of the site file'),
            ('asset_key', 'a planned part of the site file: battery, PV plane, charger, heat pump'),
            ('starts_at', 'start of the quarter-hour the row is about'),
            ('day', 'local civil day of the site (92, 96 or 100 quarter-hours)'),
            ('known_at', 'since when this is known; a correction is a new row with a later instant'),
            ('recorded_at', 'when the row was written: for debugging, no decision reads it'),
            ('currency', 'ISO 4217 code of the amounts in the row'),
            ('local_time', '`starts_at` on the site''s wall clock, for people'),
            ('planning_run_id', 'the plan, in `planning_run`'),
            ('dagster_run_id', 'the run that wrote it, for as long as Dagster''s history is kept'),
            ('grid_w', 'power through the grid connection, > 0 import'),
            ('pv_w', 'PV power, >= 0'),
            ('battery_w', 'battery power on the AC side, > 0 discharge'),
            ('genset_w', 'power of generating sets, >= 0'),
            ('load_w', 'the house without its planned devices'),
            ('ev_w', 'power of all chargers, >= 0 drawn'),
            ('heat_pump_w', 'electric power of all heat pumps, >= 0 drawn'),
            ('soc_pct', 'state of charge at the end of the quarter-hour'),
            ('buy_per_kwh', 'what an imported kWh costs, tariff and taxes included'),
            ('sell_per_kwh', 'what an exported kWh earns; negative: exporting costs'),
            ('is_provisional', 'made with an exchange rate that was not final')
        ) AS shared (name, meaning)
        JOIN pg_attribute a ON a.attname = shared.name AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        WHERE c.relnamespace = 'ems'::regnamespace
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', spoken.relation, spoken.attname, spoken.meaning);
    END LOOP;
END $$;
