-- Notes that a level of a set was done, by an order or as somebody says; the row of before counts no more.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_closed(
    p_site_key text, p_asset_key text, p_level text, p_done_h double precision, p_done_at timestamptz, p_order_id bigint
) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE ems.maintenance_done SET superseded_at = now()
    WHERE site_key = p_site_key AND asset_key = p_asset_key AND level = p_level AND superseded_at IS NULL;
    INSERT INTO ems.maintenance_done (site_key, asset_key, level, done_h, done_at, order_id, recorded_at, recorded_by)
    VALUES (p_site_key, p_asset_key, p_level, p_done_h, p_done_at, p_order_id, now(), ems.fn_maintenance_person())
$$;
