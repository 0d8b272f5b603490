-- Files a goal for somebody who may do nothing else, and returns its number: bounded, checked and named like an override.
CREATE OR REPLACE FUNCTION ems.fn_goal_add(
    p_site_key text, p_asset_key text, p_until_at timestamptz, p_source text DEFAULT NULL,
    p_energy_wh double precision DEFAULT NULL, p_ready_at timestamptz DEFAULT NULL,
    p_comfort_min_c double precision DEFAULT NULL, p_comfort_max_c double precision DEFAULT NULL,
    p_from_at timestamptz DEFAULT now(), p_reason text DEFAULT ''
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    holds_from_at timestamptz := greatest(p_from_at, now());
    fault text := ems.fn_goal_fault(p_site_key, p_asset_key, holds_from_at, p_until_at, p_source, p_energy_wh, p_ready_at,
                                    p_comfort_min_c, p_comfort_max_c, p_reason, now());
    number bigint;
BEGIN
    IF fault IS NULL AND (SELECT count(*) FROM ems.asset_goal g
                          WHERE g.created_by = requester AND g.cancelled_at IS NULL AND g.until_at > now()) >= 50 THEN
        fault := format('%s has 50 goals already; cancel some with fn_goal_cancel', requester);
    END IF;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO ems.asset_goal
        (site_key, asset_key, from_at, until_at, source, energy_wh, ready_at, comfort_min_c, comfort_max_c, reason,
         created_at, created_by)
    VALUES (p_site_key, p_asset_key, holds_from_at, p_until_at, p_source, p_energy_wh, p_ready_at, p_comfort_min_c,
            p_comfort_max_c, p_reason, now(), requester)
    RETURNING asset_goal_id INTO number;
    RETURN number;
END $$;
