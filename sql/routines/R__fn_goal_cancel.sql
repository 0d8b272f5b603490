-- Ends a goal that the one who asks has filed through fn_goal_add; returns the key of its site. Our own web process ends those
-- of others, too, as with overrides.
CREATE OR REPLACE FUNCTION ems.fn_goal_cancel(p_asset_goal_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    site text;
BEGIN
    UPDATE ems.asset_goal SET cancelled_at = now(), cancelled_by = requester
    WHERE asset_goal_id = p_asset_goal_id AND (created_by = requester OR requester LIKE 'web:%')
      AND cancelled_at IS NULL AND until_at > now()
    RETURNING site_key INTO site;
    IF site IS NULL THEN
        RAISE EXCEPTION 'no goal % of % holds or is to come', p_asset_goal_id, requester
            USING ERRCODE = 'invalid_parameter_value', HINT = 'only whoever filed a goal may cancel it';
    END IF;
    RETURN site;
END $$;
