-- What a line of a checklist says beside its text is said in languages, as its text is; so far it was English.
ALTER TABLE ems.maintenance_task
    ALTER COLUMN consumable TYPE jsonb USING CASE WHEN consumable IS NOT NULL THEN jsonb_build_object('en', consumable) END,
    ALTER COLUMN quantity TYPE jsonb USING CASE WHEN quantity IS NOT NULL THEN jsonb_build_object('en', quantity) END,
    ALTER COLUMN accept TYPE jsonb USING CASE WHEN accept IS NOT NULL THEN jsonb_build_object('en', accept) END,
    ALTER COLUMN unit TYPE jsonb USING CASE WHEN unit IS NOT NULL THEN jsonb_build_object('en', unit) END;
ALTER TABLE ems.maintenance_item
    ALTER COLUMN consumable TYPE jsonb USING CASE WHEN consumable IS NOT NULL THEN jsonb_build_object('en', consumable) END,
    ALTER COLUMN quantity TYPE jsonb USING CASE WHEN quantity IS NOT NULL THEN jsonb_build_object('en', quantity) END,
    ALTER COLUMN accept TYPE jsonb USING CASE WHEN accept IS NOT NULL THEN jsonb_build_object('en', accept) END,
    ALTER COLUMN unit TYPE jsonb USING CASE WHEN unit IS NOT NULL THEN jsonb_build_object('en', unit) END;

-- The document of a template says the same; else its owner's unchanged file would be a new version.
UPDATE ems.maintenance_template t SET document = jsonb_set(t.document, '{tasks}', (
    SELECT jsonb_agg(listed.task || coalesce((
        SELECT jsonb_object_agg(said.name, jsonb_build_object('en', said.text)) FROM jsonb_each(listed.task) AS said (name, text)
        WHERE said.name IN ('consumable', 'quantity', 'accept', 'unit') AND jsonb_typeof(said.text) = 'string'), '{}')
        ORDER BY listed.position)
    FROM jsonb_array_elements(t.document -> 'tasks') WITH ORDINALITY AS listed (task, position)));
