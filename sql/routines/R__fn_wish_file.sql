-- Files a wish of the person whose channel it is, by the functions everybody else files by: an override for an asset, or where none
-- is named the request that hands the site's devices back. Returns what it was filed as. For fn_wish_ask and fn_wish_confirm.
CREATE OR REPLACE FUNCTION ems.fn_wish_file(
    p_channel bigint, p_site_key text, p_asset_key text, p_mode text, p_limits jsonb, p_until_at timestamptz
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', c.person)::text, true)
    FROM ems.notice_channel c WHERE c.notice_channel_id = p_channel;
    IF p_asset_key IS NULL THEN
        RETURN 'request ' || ems.fn_request_add('release', p_site_key);
    END IF;
    RETURN 'override ' || ems.fn_override_add(p_site_key, p_asset_key, p_mode, p_until_at, p_limits);
END $$;
