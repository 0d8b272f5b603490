-- Binds a browser to a person; its number, null where the person has ten already. A browser is one person's: a former binding
-- ends. Bound again it is open again, with its wishes.
CREATE OR REPLACE FUNCTION ems.fn_push_bind(p_person text, p_endpoint text, p_keys text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bound bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('push'), hashtext(p_endpoint));   -- one browser bound by two persons at once
    PERFORM FROM ems.person WHERE name = p_person FOR UPDATE;   -- two browsers at once are counted one after the other
    DELETE FROM ems.notice_channel
    WHERE kind = 'push' AND split_part(address, ' ', 1) = p_endpoint AND person <> p_person;
    UPDATE ems.notice_channel
    SET address = p_endpoint || ' ' || p_keys, bound_at = now(), state = 'open', state_reason = ''
    WHERE kind = 'push' AND split_part(address, ' ', 1) = p_endpoint
    RETURNING notice_channel_id INTO bound;
    IF bound IS NOT NULL THEN
        RETURN bound;
    END IF;
    IF (SELECT count(*) FROM ems.notice_channel WHERE kind = 'push' AND person = p_person) >= 10 THEN
        RETURN NULL;
    END IF;
    INSERT INTO ems.notice_channel (person, kind, address, bound_at)
    VALUES (p_person, 'push', p_endpoint || ' ' || p_keys, now())
    RETURNING notice_channel_id INTO bound;
    RETURN bound;
END $$;
