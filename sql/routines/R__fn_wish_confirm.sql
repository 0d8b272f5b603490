-- Files the wish behind a button, once: pressed again it says what it was filed as before. Only in the chat it was asked in, by
-- whom it was asked, within two minutes, and as long as the person may.
CREATE OR REPLACE FUNCTION ems.fn_wish_confirm(p_nonce_hash bytea, p_chat text, p_user text)
RETURNS TABLE (outcome text, filed_as text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wish ems.notice_wish;
BEGIN
    SELECT w.* INTO wish FROM ems.notice_wish w JOIN ems.notice_channel c USING (notice_channel_id)
    WHERE w.nonce_hash = p_nonce_hash AND c.address = p_chat AND c.telegram_user = p_user FOR UPDATE OF w;
    IF wish IS NULL THEN
        RETURN QUERY SELECT 'unknown', NULL::text;
    ELSIF wish.confirmed_at IS NOT NULL THEN
        RETURN QUERY SELECT 'before', wish.filed_as;
    ELSIF wish.expires_at <= now() THEN
        RETURN QUERY SELECT 'over', NULL::text;
    ELSE
        PERFORM ems.fn_wish_channel(p_chat, p_user, wish.site_key);
        wish.filed_as := ems.fn_wish_file(
            wish.notice_channel_id, wish.site_key, wish.asset_key, wish.mode, wish.limits, wish.until_at);
        UPDATE ems.notice_wish w SET confirmed_at = now(), filed_as = wish.filed_as WHERE w.nonce_hash = p_nonce_hash;
        RETURN QUERY SELECT 'filed', wish.filed_as;
    END IF;
END $$;
