-- What is wrong with the window and the reason of what a person wants, an `override` or a `goal`; null: nothing.
CREATE OR REPLACE FUNCTION ems.fn_wanted_fault(
    p_what text, p_from_at timestamptz, p_until_at timestamptz, p_reason text, p_at timestamptz
) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN p_from_at IS NULL OR p_until_at IS NULL OR p_until_at <= p_from_at THEN
            format('the %s from %s until %s never holds; name a later end', p_what, p_from_at, p_until_at)
        WHEN p_until_at > p_at + interval '7 days' THEN
            format('%s is more than a week away; a forgotten %s is worse than none', p_until_at, p_what)
        WHEN p_reason IS NULL OR length(p_reason) > 200 OR p_reason ~ '[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]' THEN
            'a reason is one printable line of at most 200 characters'
    END
$$;
