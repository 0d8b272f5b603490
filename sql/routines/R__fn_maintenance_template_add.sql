-- Stores a template and returns its number; the same again is the one that is there, anything else of its key a new version.
-- Both are what `ems_pipeline.maintenance.template` makes of one: the document, checked, and its levels with ranks and limits.
CREATE OR REPLACE FUNCTION ems.fn_maintenance_template_add(p_document jsonb, p_levels jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key text := p_document ->> 'template';
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ems.maintenance_template'), hashtext(key));
    SELECT t.template_id INTO number FROM ems.maintenance_template t
    WHERE t.template_key = key AND t.document = p_document AND t.retired_at IS NULL
      AND t.version = (SELECT max(o.version) FROM ems.maintenance_template o WHERE o.template_key = key);
    IF number IS NOT NULL THEN
        RETURN number;
    END IF;
    IF (SELECT count(*) FROM ems.maintenance_template) >= 1000 THEN
        RAISE EXCEPTION 'there are 1000 templates already'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'a version that nobody uses need not be stored anew';
    END IF;
    INSERT INTO ems.maintenance_template (template_key, version, name, source, licence, document, created_at, created_by)
    SELECT key, 1 + coalesce(max(t.version), 0), p_document -> 'name', p_document ->> 'source', p_document ->> 'licence',
           p_document, now(), ems.fn_maintenance_person()
    FROM ems.maintenance_template t WHERE t.template_key = key
    RETURNING template_id INTO number;
    INSERT INTO ems.maintenance_level (template_id, level, rank, hours, months, warning_h, critical_h, tolerance_h,
                                       warning_days, critical_days, tolerance_days)
    SELECT number, l.* FROM jsonb_to_recordset(p_levels) AS l (
        level text, rank smallint, hours double precision, months integer, warning_h double precision,
        critical_h double precision, tolerance_h double precision, warning_days double precision,
        critical_days double precision, tolerance_days double precision);
    INSERT INTO ems.maintenance_task (template_id, position, code, level, hours, months, system, kind, minutes,
                                      is_critical, needs_standstill, text, consumable, quantity, accept, unit, supersedes)
    SELECT number, listed.position, t.code, t.level, t.hours, t.months, t.system, t.kind, t.minutes, t.is_critical,
           t.needs_standstill, t.text, t.consumable, t.quantity, t.accept, t.unit, t.supersedes
    FROM jsonb_array_elements(p_document -> 'tasks') WITH ORDINALITY AS listed (task, position)
    CROSS JOIN LATERAL jsonb_to_record(listed.task) AS t (
        code text, level text, hours double precision, months integer, system text, kind text, minutes integer,
        is_critical boolean, needs_standstill boolean, text jsonb, consumable jsonb, quantity jsonb,
        accept jsonb, unit jsonb, supersedes text[]);
    RETURN number;
EXCEPTION
    WHEN not_null_violation OR check_violation OR foreign_key_violation OR unique_violation OR invalid_text_representation THEN
        RAISE EXCEPTION 'this is no template: %', SQLERRM
            USING ERRCODE = 'invalid_parameter_value', HINT = 'POST /api/v1/maintenance/templates checks one and says where';
END $$;
