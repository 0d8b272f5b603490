-- Local times come from the program's tables of zones alone (ems_pipeline/warehouse/clocks.py writes them down here): the
-- server's own are of another release.
CREATE TABLE ems.zone_offset (
    timezone        text NOT NULL,
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz NOT NULL,
    utc_offset      interval NOT NULL,
    PRIMARY KEY (timezone, valid_from)
);
