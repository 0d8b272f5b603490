#!/bin/sh
# DuckDB 2.0.1 with the session in a zone that changes its clocks: date_trunc('hour') moves a quarter-hour of the first 02:00 hour of autumn
# FORWARD into the second one, so that a sum by the hour has an hour of eight quarters and none before it (in PostgreSQL it has both), and the
# difference of two instants goes by clock faces: 25 hours of a day are "1 day" and 86,400 s, while date_diff says 1500 minutes.
# time_bucket() keeps both hours.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
"$folder/venv/bin/python" - <<'END'
import duckdb
base = duckdb.connect()
base.execute("SET TimeZone = 'Europe/Prague'")
QUARTERS = "unnest(generate_series(timestamptz '2026-10-25 01:00', timestamptz '2026-10-25 03:45', INTERVAL '15 minutes'))"

def by_hour(function):
    hours = f"SELECT {function} AS hour FROM (SELECT {QUARTERS} AS slot_at)"
    return base.execute(f"SELECT strftime(hour, '%H %z'), count(*) FROM ({hours}) GROUP BY hour ORDER BY hour").fetchall()

truncated, binned = by_hour("date_trunc('hour', slot_at)"), by_hour("time_bucket(INTERVAL '1 hour', slot_at)")
ends = "timestamptz '2026-10-25 00:00+02', timestamptz '2026-10-26 00:00+01'"
length = base.execute(f"SELECT epoch(e - s), date_diff('minute', s, e) FROM (VALUES ({ends})) t(s, e)").fetchone()
print(f"DuckDB {duckdb.__version__}: date_trunc {truncated}; time_bucket {binned}; the day: {length[0]:.0f} s, {length[1]} min")
assert truncated == [("01 +02", 4), ("02 +01", 8), ("03 +01", 4)], "changed"
assert binned == [("01 +02", 4), ("02 +02", 4), ("02 +01", 4), ("03 +01", 4)], "changed"
assert length == (86400, 1500), "changed"
END
