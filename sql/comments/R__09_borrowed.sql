-- A column that is shown as another table has it means the same; the file that follows says what is a view's own.
DO $$
DECLARE spoken record;
BEGIN
    FOR spoken IN
        SELECT a.attrelid::regclass AS relation, a.attname, col_description(source.attrelid, source.attnum) AS meaning
        FROM (VALUES
            ('weather_observation', 'weather_forecast'),
            ('vw_latest_telemetry', 'telemetry'),
            ('vw_latest_telemetry', 'point'),
            ('vw_telemetry_15m_7d', 'telemetry_15m'),
            ('vw_site_effective_price', 'effective_price'),
            ('vw_heat_pump_cop_history', 'cop_history'),
            ('vw_audit_summary', 'audit_day'),
            ('vw_setpoint', 'setpoint'),
            ('vw_executable_plan', 'planning_run')
        ) AS borrowed (relation, source)
        JOIN pg_attribute a ON a.attrelid = format('ems.%I', borrowed.relation)::regclass AND a.attnum > 0
        JOIN pg_attribute source ON source.attrelid = format('ems.%I', borrowed.source)::regclass
                                AND source.attname = a.attname AND source.attnum > 0
        WHERE NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', spoken.relation, spoken.attname, spoken.meaning);
    END LOOP;
END $$;
