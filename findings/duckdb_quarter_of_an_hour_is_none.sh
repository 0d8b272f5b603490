#!/bin/sh
# DuckDB 2.0.1: a number before the unit of an interval is cut to a whole one: INTERVAL 0.25 HOUR is no time at all, INTERVAL 1.5 HOUR one
# hour, INTERVAL '1.5' HOUR too; INTERVAL '1.5 hours', with the unit inside, and 0.25 * INTERVAL 1 HOUR are right, to_hours(1.5) is refused.
# PostgreSQL takes INTERVAL '1.5' HOUR for one hour as well, and has no number without quotes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
"$folder/venv/bin/python" - <<'END'
import duckdb
written = ("INTERVAL 0.25 HOUR", "INTERVAL 1.5 HOUR", "INTERVAL (0.75) HOUR", "INTERVAL '1.5' HOUR", "INTERVAL '1.5 hours'", "0.25 * INTERVAL 1 HOUR")
seen = {text: duckdb.execute(f"SELECT {text}").fetchone()[0].total_seconds() / 60 for text in written}
print(f"DuckDB {duckdb.__version__}, in minutes:", ", ".join(f"{text} = {minutes:g}" for text, minutes in seen.items()))
assert list(seen.values()) == [0, 60, 0, 60, 90, 15], "changed"
END
