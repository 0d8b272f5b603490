-- Files an override for somebody who may do nothing else, and returns its number. It checks what ems_pipeline/control
-- /commands.py checks before `ems control override add` files one: the asset, its mode, its limits; besides, an override
-- must end within a week, and one person may have no more than 50 waiting. A test holds the two lists of modes together.
CREATE OR REPLACE FUNCTION ems.fn_override_add(
    p_site_key text, p_asset_key text, p_mode text, p_until_at timestamptz, p_limits jsonb DEFAULT '{}',
    p_from_at timestamptz DEFAULT now(), p_reason text DEFAULT ''
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    requester text := ems.fn_requester();
    holds_from_at timestamptz := greatest(p_from_at, now());
    asset record;
    fault text;
    number bigint;
BEGIN
    -- a fleet has no device of its own: its batteries have
    SELECT known.*, coalesce(found.part ->> 'device', found.part -> 'batteries' ->> 0) AS device INTO asset
    FROM (SELECT c.config FROM ems.site_config c JOIN ems.site s USING (site_key)
          WHERE s.site_key = p_site_key AND s.is_active ORDER BY c.known_at DESC LIMIT 1) newest
    CROSS JOIN (VALUES
        ('batteries', '{self-use,hold,charge,discharge}'::text[],
         '{charge_limit_w,discharge_limit_w,target_soc_pct,export_limit_w}'::text[]),
        ('fleets', '{self-use,hold,charge,discharge}',
         '{charge_limit_w,discharge_limit_w,target_soc_pct,export_limit_w}'),
        ('pv', '{produce,curtail}', '{pv_limit_w,export_limit_w}'),
        ('chargers', '{off,charge}', '{current_a,phases}'),
        ('heat_pumps', '{blocked,normal,recommended,forced}', '{power_limit_w}'),
        ('gensets', '{off,run}', '{power_w}'),
        ('deferrables', '{off,run}', '{}')) AS known (kind, modes, limits)
    CROSS JOIN LATERAL jsonb_array_elements(newest.config -> known.kind) AS found (part)
    WHERE found.part ->> 'key' = p_asset_key;

    fault := CASE
        WHEN asset IS NULL THEN format('no active site %s has an asset %s', p_site_key, p_asset_key)
        WHEN asset.device IS NULL THEN format('%s has no device that could obey', p_asset_key)
        WHEN p_mode IS NULL OR p_mode <> ALL (asset.modes) THEN
            format('%s: mode %s is none of %s', p_asset_key, coalesce(p_mode, 'null'), array_to_string(asset.modes, ', '))
        WHEN jsonb_typeof(p_limits) IS DISTINCT FROM 'object' THEN 'limits are an object of names and numbers'
        WHEN EXISTS (SELECT FROM jsonb_each(p_limits) l WHERE l.key <> ALL (asset.limits)) THEN
            format('%s has no limits but %s', p_asset_key, array_to_string(asset.limits, ', '))
        WHEN EXISTS (SELECT FROM jsonb_each(p_limits) l
                     WHERE CASE WHEN jsonb_typeof(l.value) = 'number' THEN l.value::numeric NOT BETWEEN 0 AND 1e9
                                ELSE true END) THEN 'a limit is a number from 0 on; the unit is in its name'
        WHEN p_mode = 'curtail' AND NOT p_limits ?| '{pv_limit_w,export_limit_w}' THEN
            'curtail to what? name the limit pv_limit_w or export_limit_w'
        WHEN (SELECT count(*) FROM ems.control_override o
              WHERE o.created_by = requester AND o.cancelled_at IS NULL AND o.until_at > now()) >= 50 THEN
            format('%s has 50 overrides already; cancel some with fn_override_cancel', requester)
        ELSE ems.fn_wanted_fault('override', holds_from_at, p_until_at, p_reason, now())
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO ems.control_override
        (site_key, asset_key, mode, limits, from_at, until_at, created_at, created_by, reason)
    VALUES (p_site_key, p_asset_key, p_mode, p_limits, holds_from_at, p_until_at, now(), requester, p_reason)
    RETURNING control_override_id INTO number;
    RETURN number;
END $$;
