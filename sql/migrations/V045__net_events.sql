-- Events that count what is exported: a firm limit below 0 asks for it, a net baseline pays for it.
ALTER TABLE ems.grid_event
    ADD COLUMN is_net boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT grid_event_limit_w_check,
    DROP CONSTRAINT grid_event_baseline_w_check,
    ADD CONSTRAINT grid_event_baseline_w_check CHECK (is_net OR baseline_w >= 0);
