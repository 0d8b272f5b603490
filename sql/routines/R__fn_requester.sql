-- Who asks, for the record: the subject of the token that a REST server has checked (rest:...), else the login (db:...).
-- Only a REST server's login is believed when it names somebody else; the prefix keeps the two kinds of name apart.
CREATE OR REPLACE FUNCTION ems.fn_requester() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject text := nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ems_gateway')
       OR NOT pg_has_role(session_user, 'ems_gateway', 'MEMBER') THEN
        RETURN 'db:' || session_user;
    END IF;
    IF coalesce(subject, '') = '' THEN
        RAISE EXCEPTION 'the token names nobody; an override needs somebody who wants it'
            USING ERRCODE = 'insufficient_privilege', HINT = 'issue the token with a claim sub';
    END IF;
    RETURN 'rest:' || subject;
END $$;
