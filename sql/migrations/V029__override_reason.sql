-- Why somebody wanted it, in his own words: the journal says it beside what was told. The function gains a parameter,
-- and would stand twice if the former one stayed.
ALTER TABLE ems.control_override ADD COLUMN reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200);
DROP FUNCTION IF EXISTS ems.fn_override_add(text, text, text, timestamptz, jsonb, timestamptz);
