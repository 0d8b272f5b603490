-- A partition is created by the owner of its parent, and the pipeline's own login is not the owner: this one step is done
-- for it. Nobody but the roles of sql/roles may ask for it, and nothing but a month of an existing series comes of it.
ALTER FUNCTION ems.fn_ensure_partitions(text, timestamptz, timestamptz)
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
