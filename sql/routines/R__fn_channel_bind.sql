-- Binds a chat to the person whose code was sent from it, and uses the code up; returns the person's name, null where the code
-- is wrong, used or over: which of these is not told. A chat is one person's: a former binding ends.
CREATE OR REPLACE FUNCTION ems.fn_channel_bind(p_code_hash bytea, p_chat text, p_user text, p_language text DEFAULT 'en')
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whose text;
BEGIN
    UPDATE ems.notice_code SET used_at = now()
    WHERE code_hash = p_code_hash AND used_at IS NULL AND expires_at > now()
    RETURNING person INTO whose;
    IF whose IS NULL THEN
        RETURN NULL;
    END IF;
    DELETE FROM ems.notice_channel WHERE kind = 'telegram' AND address = p_chat AND person <> whose;
    INSERT INTO ems.notice_channel (person, kind, address, telegram_user, language, bound_at)
    VALUES (whose, 'telegram', p_chat, p_user, CASE WHEN p_language ~ '^[a-z]{2,3}$' THEN p_language ELSE 'en' END, now())
    ON CONFLICT (person, kind, address) DO UPDATE
        SET telegram_user = excluded.telegram_user, bound_at = excluded.bound_at, state = 'open', state_reason = '';
    RETURN whose;
END $$;
