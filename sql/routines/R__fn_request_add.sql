-- Files work for the pipeline to do, and returns its number. It checks the kind and the site; who asked for the same and still
-- waits gets the number of before, and one who asks may have no more than 20 waiting. What the parameters say is checked
-- again by the run that takes them.
-- What names an address of this network (the set-up) is the wish of a person alone: an owner of all sites who has typed the
-- password within the last quarter of an hour, and one look at a time, whoever asks. No token comes by, whatever it lists.
CREATE OR REPLACE FUNCTION ems.fn_request_add(p_kind text, p_site_key text DEFAULT NULL, p_parameters jsonb DEFAULT '{}')
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    takes_site boolean;
    names_address boolean := coalesce(p_kind IN ('device-find', 'device-try', 'site-begin'), false);
    fault text;
    number uuid;
BEGIN
    SELECT known.takes_site INTO takes_site
    FROM (VALUES
        ('prices-import', NULL::boolean), ('prices-site', true), ('forecast-run', true), ('forecast-train', true),
        ('plan-daily', true), ('plan-rolling', true), ('goal-price', true), ('what-if', true), ('telemetry-read', true), ('device-scan', true),
        ('devices-discover', true), ('release', true), ('site-document', NULL), ('device-find', NULL),
        ('device-try', NULL), ('site-begin', NULL)) AS known (kind, takes_site)
    WHERE known.kind = p_kind;

    fault := CASE
        WHEN NOT FOUND THEN format('no request is called %s', coalesce(p_kind, 'null'))
        WHEN takes_site AND p_site_key IS NULL THEN format('%s is about a site; name it', p_kind)
        WHEN p_site_key IS NOT NULL
             AND NOT EXISTS (SELECT FROM ems.site s WHERE s.site_key = p_site_key AND (s.is_active OR p_kind = 'release')) THEN
            format('there is no active site %s', p_site_key)
        WHEN jsonb_typeof(p_parameters) IS DISTINCT FROM 'object' THEN 'parameters are an object of names and values'
        WHEN pg_column_size(p_parameters) > CASE WHEN p_kind IN ('site-document', 'site-begin') THEN 262144 ELSE 4096 END THEN
            'parameters are longer than such a request takes; say less'
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF names_address AND NOT EXISTS (
        SELECT FROM ems.person p JOIN ems.web_session s ON s.person = p.name
        WHERE 'web:' || p.name = requester AND p.role = 'owner' AND p.sites IS NULL AND s.started_at >= p.changed_at
          AND s.confirmed_at > now() - interval '15 minutes' AND s.confirmed_at <= now() + interval '1 minute') THEN
        RAISE EXCEPTION '% is for an owner of all sites who has just typed the password', p_kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'log in as such a person, and type the password again';
    END IF;

    -- Two at once by one requester are one after the other, or both would count 19.
    PERFORM pg_advisory_xact_lock(hashtext('ems.request'), hashtext(requester));
    SELECT r.request_id INTO number FROM ems.request r
    WHERE r.requested_by = requester AND r.state = 'queued' AND r.kind = p_kind
      AND r.site_key IS NOT DISTINCT FROM p_site_key AND r.parameters = p_parameters;
    IF number IS NOT NULL THEN
        RETURN number;
    END IF;
    IF names_address THEN
        PERFORM pg_advisory_xact_lock(hashtext('ems.request'), hashtext('names_address'));
        IF EXISTS (SELECT FROM ems.request r WHERE r.kind IN ('device-find', 'device-try', 'site-begin')
                       AND r.state IN ('queued', 'running')) THEN
            RAISE EXCEPTION 'another look at an address is under way' USING ERRCODE = 'configuration_limit_exceeded',
                HINT = 'wait until it has ended, and ask again';
        END IF;
    END IF;
    IF p_kind <> 'release' AND (  -- letting go waits behind nothing
        SELECT count(*) FROM ems.request r
        WHERE r.requested_by = requester AND r.state IN ('queued', 'running')) >= 20 THEN
        RAISE EXCEPTION '% has 20 requests waiting already', requester
            USING ERRCODE = 'configuration_limit_exceeded', HINT = 'wait until one of them has ended';
    END IF;
    INSERT INTO ems.request (kind, site_key, parameters, requested_by, requested_at)
    VALUES (p_kind, p_site_key, p_parameters, requester, now())
    RETURNING request_id INTO number;
    RETURN number;
END $$;
