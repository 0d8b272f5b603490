-- Who asks, for the record: the subject of the token that a REST server has checked (rest:...), whom our own web process knows
-- (web:...), who bound the chat that the wish came from (telegram:...), else the login (db:...). Only these three logins are
-- believed when they name somebody else; the prefix keeps the kinds of name apart.
CREATE OR REPLACE FUNCTION ems.fn_requester() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject text := nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';
    known_as text := (
        SELECT known.prefix FROM (VALUES ('ems_web', 'web:'), ('ems_gateway', 'rest:'), ('ems_notices', 'telegram:')) AS known (role, prefix)
        JOIN pg_roles r ON r.rolname = known.role WHERE pg_has_role(session_user, r.oid, 'MEMBER')
        ORDER BY known.role LIMIT 1);
BEGIN
    IF known_as IS NULL THEN
        RETURN 'db:' || session_user;
    END IF;
    IF coalesce(subject, '') = '' THEN
        RAISE EXCEPTION 'the token names nobody; an override needs somebody who wants it'
            USING ERRCODE = 'insufficient_privilege', HINT = 'issue the token with a claim sub';
    END IF;
    RETURN known_as || subject;
END $$;
