-- What a plan was solved with: options, solver, libraries. With the problem and the code's hash, which are stored already, it can be
-- made again to the last digit. Null: of a plan made before this was recorded.
ALTER TABLE ems.planning_run ADD COLUMN made_with jsonb;

-- What came of making decisions again: each night some of the day before, and whichever somebody asked for.
CREATE TABLE ems.plan_replay (
    site_key         text NOT NULL REFERENCES ems.site,
    planning_run_id  uuid NOT NULL REFERENCES ems.planning_run ON DELETE CASCADE,
    replayed_at      timestamptz NOT NULL,
    verdict          text NOT NULL CHECK (verdict IN ('same', 'differs', 'unrecorded')),
    unrecorded       jsonb NOT NULL,
    differences      jsonb NOT NULL,
    other_code       jsonb NOT NULL,
    read_s           double precision NOT NULL CHECK (read_s >= 0),
    solve_s          double precision NOT NULL CHECK (solve_s >= 0),
    PRIMARY KEY (planning_run_id, replayed_at)
);
CREATE INDEX plan_replay_site ON ems.plan_replay (site_key, replayed_at DESC);
