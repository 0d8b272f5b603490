-- The channel that a wish for a site came by, where whoever asks may have one: bound, by the person who bound it, who is an
-- operator or owner and for whom the site exists. Looked at again when the button is pressed.
CREATE OR REPLACE FUNCTION ems.fn_wish_channel(p_chat text, p_user text, p_site_key text)
RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    SELECT c.notice_channel_id AS number, p.name, p.role,
           (p.sites IS NULL OR p_site_key = ANY (p.sites)) AND (c.sites IS NULL OR p_site_key = ANY (c.sites)) AS sees
    INTO found
    FROM ems.notice_channel c JOIN ems.person p ON p.name = c.person
    WHERE c.kind = 'telegram' AND c.address = p_chat AND c.telegram_user = p_user AND c.state = 'open';
    IF found IS NULL THEN
        RAISE EXCEPTION 'wishes are taken only from whoever bound this chat' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF found.role NOT IN ('operator', 'owner') THEN
        RAISE EXCEPTION '% (%) may look and not ask for anything', found.name, found.role
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT found.sees OR NOT EXISTS (SELECT FROM ems.site s WHERE s.site_key = p_site_key) THEN
        RAISE EXCEPTION 'there is no site % for you', coalesce(p_site_key, 'null') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN found.number;
END $$;
