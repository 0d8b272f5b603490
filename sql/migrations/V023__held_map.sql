-- Which point map a set-point was made with, by what the map says: its file may be edited or removed, or come with a new
-- release, while the set-point stands. The hash stands in ems.setpoint.wire, behind the map's name; rows from before have
-- none and count by the name alone.
CREATE TABLE ems.point_map (
    map_hash  text PRIMARY KEY,
    content   jsonb NOT NULL,
    known_at  timestamptz NOT NULL
);
