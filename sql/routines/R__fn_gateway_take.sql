-- Takes gateways for a party (ems.gateway_party). A controller gets all of them or none: 'taken'; 'awaited', where it is master
-- now and somebody else talks, who will give the wire back soon and not take it again before; or 'refused', where another
-- controller is master. Who only reads gets those on which nobody talks and no controller waits; each counts for itself.
CREATE OR REPLACE FUNCTION ems.fn_gateway_take(p_addresses text[], p_party bigint, p_steers boolean)
RETURNS TABLE (address text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    gone bigint[];
    says text := 'taken';
BEGIN
    INSERT INTO ems.gateway_lease (address) SELECT DISTINCT unnest(p_addresses) ORDER BY 1 ON CONFLICT DO NOTHING;
    PERFORM FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses) ORDER BY l.address FOR UPDATE;

    -- A party that is gone has no row any more, or one that nobody keeps locked.
    SELECT array_agg(held.party) INTO gone FROM (
        SELECT unnest(ARRAY[l.controller, l.talker]) AS party
        FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses)) held
    WHERE held.party <> p_party AND NOT EXISTS (SELECT FROM ems.gateway_party p WHERE p.party_id = held.party);
    gone := coalesce(gone, '{}') || ARRAY(
        SELECT p.party_id FROM ems.gateway_party p
        WHERE p.party_id <> p_party AND p.party_id IN (
            SELECT unnest(ARRAY[l.controller, l.talker]) FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses))
        FOR SHARE SKIP LOCKED);
    UPDATE ems.gateway_lease l SET
        controller = CASE WHEN l.controller = ANY (gone) THEN NULL ELSE l.controller END,
        is_awaited = l.is_awaited AND NOT coalesce(l.controller = ANY (gone), true),
        talker = CASE WHEN l.talker = ANY (gone) THEN NULL ELSE l.talker END
    WHERE l.address = ANY (p_addresses) AND (l.controller = ANY (gone) OR l.talker = ANY (gone));

    IF NOT p_steers THEN
        RETURN QUERY UPDATE ems.gateway_lease l SET talker = p_party
        WHERE l.address = ANY (p_addresses) AND (l.talker IS NULL OR l.talker = p_party)
          AND NOT (l.is_awaited AND l.controller <> p_party)
        RETURNING l.address, says;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses) AND l.controller <> p_party) THEN
        says := 'refused';
    ELSIF EXISTS (SELECT FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses) AND l.talker <> p_party) THEN
        says := 'awaited';
        UPDATE ems.gateway_lease l SET controller = p_party, is_awaited = true WHERE l.address = ANY (p_addresses);
    ELSE
        UPDATE ems.gateway_lease l SET controller = p_party, is_awaited = false, talker = p_party
        WHERE l.address = ANY (p_addresses);
    END IF;
    RETURN QUERY SELECT l.address, says FROM ems.gateway_lease l WHERE l.address = ANY (p_addresses);
END $$;
