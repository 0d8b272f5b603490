-- What somebody has entered into the set-up so far, until it is written into a site file: a form that is refused, a browser that
-- is closed, a telephone that goes on where the desk left off lose nothing. One a person; no secret stands in it.
CREATE TABLE ems.web_draft (
    person         text PRIMARY KEY REFERENCES ems.person ON DELETE CASCADE,
    draft          jsonb NOT NULL CHECK (jsonb_typeof(draft) = 'object' AND length(draft::text) <= 262144),
    changed_at     timestamptz NOT NULL
);
