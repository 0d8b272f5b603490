-- Who keeps this database's clock work alive, and what control has decided last.

-- One row, and a lock on the table (SHARE UPDATE EXCLUSIVE, held by the supervisor's session): a second supervisor of the
-- same database finds it locked and reads here whose it is. A login that only reads cannot take that lock.
CREATE TABLE ems.supervisor (
    is_the_one   boolean PRIMARY KEY DEFAULT true CHECK (is_the_one),
    host         text NOT NULL,
    pid          integer NOT NULL,
    home         text NOT NULL,
    started_at   timestamptz NOT NULL,
    reloaded_at  timestamptz NOT NULL                           -- when its code was loaded last
);

-- The newest decision of control for each site. A quarter-hour is served when it was decided with a plan.
CREATE TABLE ems.control_decision (
    site_key         text PRIMARY KEY REFERENCES ems.site,
    slot             timestamptz NOT NULL,
    decided_at       timestamptz NOT NULL,
    plan_decided_at  timestamptz                                -- of the newest usable plan then; null: there was none
);
