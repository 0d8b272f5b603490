-- Batteries that answered a broadcast, one row for each: known by the BLE address that it keeps, wherever it answers. Two looks at
-- once may find the same one; a battery that has got another address from its router is the same row.
CREATE TABLE ems.found_battery (
    ble_mac        text PRIMARY KEY CHECK (ble_mac ~ '^[0-9a-f]{12}$'),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    model          text NOT NULL CHECK (length(model) <= 80),
    firmware       double precision,
    address        inet NOT NULL,
    udp_port       integer NOT NULL CHECK (udp_port BETWEEN 1 AND 65535),
    wifi_mac       text CHECK (wifi_mac ~ '^[0-9a-f]{12}$'),
    is_active      boolean NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL
);
