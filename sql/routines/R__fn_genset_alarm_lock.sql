-- Whoever makes a step of a genset alarm holds this until the end of the transaction: a round of the pipeline, or a person.
CREATE OR REPLACE FUNCTION ems.fn_genset_alarm_lock() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_advisory_xact_lock(hashtext('ems.genset_alarm'))
$$;
