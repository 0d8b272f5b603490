-- A write that carries an Idempotency-Key is done once, however often it is sent: the key is stored in the transaction of what it
-- did, its answer right after. Kept for a day; asked for again, the answer of then is told.
CREATE TABLE ems.web_once (
    who            text NOT NULL,
    key            text NOT NULL,
    at             timestamptz NOT NULL,
    digest         bytea NOT NULL,                              -- of method, path, query and body
    status         smallint,                                    -- null: done, and the answer was lost
    answer         text,
    PRIMARY KEY (who, key)
);
CREATE INDEX web_once_at ON ems.web_once (at);
