-- What is wrong with a command as it is asked, whatever the set does now; null: it may be filed. What the set does now is looked at
-- by whoever runs it, right before anything is told (ems_pipeline/gensets/sequence/interlocks.py); a test holds the two together.
CREATE OR REPLACE FUNCTION ems.fn_genset_command_fault(
    p_site_key text, p_device_key text, p_kind text, p_power_w double precision, p_until_at timestamptz, p_reason text,
    p_at timestamptz
) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    device record;
    least_w double precision;
BEGIN
    SELECT * INTO device FROM ems.fn_genset_device(p_site_key, p_device_key);
    least_w := device.min_power_pct / 100 * device.rated_power_w;
    RETURN CASE
        WHEN device.map IS NULL THEN format('no active site %s has a controller %s of a set or a switchboard', p_site_key, p_device_key)
        WHEN p_kind = 'breaker' THEN
            'breakers are closed and opened by the controller alone, which synchronises and unloads; use start or stop'
        WHEN p_kind IN ('emergency-stop', 'test') THEN
            format('%s is done at the set: from afar nobody sees who stands there', p_kind)
        WHEN p_kind IS NULL OR p_kind NOT IN ('start', 'stop', 'auto', 'manual', 'power', 'mute', 'reset', 'run', 'release') THEN
            format('%s is none of start, stop, auto, manual, power, mute, reset, run, release', coalesce(p_kind, 'null'))
        WHEN device.map = 'smartgen-hgm9560' AND p_kind NOT IN ('power', 'mute', 'release') THEN
            format('%s is of a set; a switchboard takes power, mute, release', p_kind)
        WHEN device.start_by = 'auto' AND p_kind IN ('start', 'manual') THEN
            format('the site gave start of %s to its master (start_by: auto); ask at the switchboard, or say start_by: manual '
                   'in the site file', p_device_key)
        WHEN p_kind IN ('power', 'run') AND p_power_w IS NULL THEN format('%s at what power? name power_w', p_kind)
        WHEN p_kind NOT IN ('power', 'run', 'start') AND p_power_w IS NOT NULL THEN format('%s takes no power', p_kind)
        WHEN p_power_w IS NOT NULL AND device.rated_power_w IS NULL THEN
            format('the rated power of %s is not known; write rated_power_w among its options in the site file', p_device_key)
        WHEN NOT p_power_w BETWEEN least_w AND device.rated_power_w THEN
            format('%s W is outside %s to %s W; ask for a power within', p_power_w, least_w, device.rated_power_w)
        WHEN (p_kind = 'run') <> (p_until_at IS NOT NULL) THEN
            CASE p_kind WHEN 'run' THEN 'a run has an end; name until_at' ELSE format('%s takes no end', p_kind) END
        WHEN p_until_at <= p_at OR p_until_at > p_at + interval '24 hours' THEN
            format('a run until %s is over, or longer than 24 hours; name an end within a day', p_until_at)
        WHEN coalesce(p_reason, '') !~ '\S' THEN 'a command has a reason; say why'
        WHEN length(p_reason) > 200 OR p_reason ~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]' THEN
            'a reason is one printable line of at most 200 characters'
    END;
END $$;
