-- A portal says that a task has changed: the next synchronisation looks at once. Says nothing else and starts nothing.
CREATE OR REPLACE FUNCTION ems.fn_bitrix_wake() RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO ems.bitrix_portal (woken_at) VALUES (now())
    ON CONFLICT (is_one) DO UPDATE SET woken_at = now() RETURNING woken_at
$$;
