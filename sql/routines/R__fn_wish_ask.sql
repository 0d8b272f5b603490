-- Keeps a wish from a bound chat until its button is pressed, for two minutes; nothing is filed. Refused at once is what would be
-- refused then: it is filed and taken back here, by the one function that files overrides.
CREATE OR REPLACE FUNCTION ems.fn_wish_ask(
    p_chat text, p_user text, p_nonce_hash bytea, p_site_key text, p_asset_key text DEFAULT NULL, p_mode text DEFAULT NULL,
    p_limits jsonb DEFAULT '{}', p_until_at timestamptz DEFAULT NULL
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    channel bigint := ems.fn_wish_channel(p_chat, p_user, p_site_key);
BEGIN
    IF (SELECT count(*) FROM ems.notice_wish w
        WHERE w.notice_channel_id = channel AND w.confirmed_at IS NULL AND w.expires_at > now()) >= 10 THEN
        RAISE EXCEPTION 'ten wishes wait for their button; press one, or wait two minutes'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    BEGIN
        PERFORM ems.fn_wish_file(channel, p_site_key, p_asset_key, p_mode, p_limits, p_until_at);
        RAISE EXCEPTION 'rehearsed' USING ERRCODE = 'EMS01';
    EXCEPTION WHEN SQLSTATE 'EMS01' THEN
        NULL;                                                   -- it would be taken, and is taken back
    END;
    INSERT INTO ems.notice_wish
        (nonce_hash, notice_channel_id, site_key, asset_key, mode, limits, until_at, asked_at, expires_at)
    VALUES (p_nonce_hash, channel, p_site_key, p_asset_key, p_mode, p_limits, p_until_at, now(), now() + interval '2 minutes');
END $$;
