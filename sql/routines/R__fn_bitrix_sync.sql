-- A person wants a synchronisation now: what was put off is tried, and a portal that was left alone is asked again. With p_again
-- tasks of these sites (null: of all) that were deleted in the portal are added once more, under a key of their own. Returns how
-- many those are.
CREATE OR REPLACE FUNCTION ems.fn_bitrix_sync(p_again boolean DEFAULT false, p_sites text[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added bigint := 0;
BEGIN
    INSERT INTO ems.bitrix_portal (woken_at) VALUES (now())
    ON CONFLICT (is_one) DO UPDATE SET woken_at = now(), held_until = NULL, is_shut = false;
    UPDATE ems.bitrix_outbox SET next_try_at = least(next_try_at, now()) WHERE ended_at IS NULL AND is_refused;
    IF p_again THEN
        WITH anew AS (
            UPDATE ems.bitrix_task t SET state = 'wanted', task_id = NULL, problem = '', state_at = now(), changed_at = NULL,
                order_key = split_part(order_key, '-again-', 1) || '-again-' || to_char(now(), 'YYYYMMDDHH24MISS'),
                wanted = jsonb_set(wanted, '{key}', to_jsonb(
                    split_part(order_key, '-again-', 1) || '-again-' || to_char(now(), 'YYYYMMDDHH24MISS')))
            WHERE t.state = 'gone' AND (p_sites IS NULL OR t.site_key = ANY (p_sites)) RETURNING t.order_id
        ), posted AS (
            INSERT INTO ems.bitrix_outbox (order_id, what, filed_at, next_try_at)
            SELECT order_id, 'add', now(), now() FROM anew RETURNING 1
        )
        SELECT count(*) INTO added FROM posted;
    END IF;
    RETURN added;
END $$;
