#!/bin/sh
# pyomie 1.2.0 (prices of Spain and Portugal): localize_quarter_hourly_data(), which says of itself that it is useful on days of a change
# of clocks "to avoid any ambiguities", adds quarters to the face of the clock. On the long day the second 02:00 hour is left out, all after
# it is an hour late and the last four prices are of tomorrow. On the short day 02:00, which does not exist, is an instant with 03:00: 92
# prices are 88 instants, and the day ends at 22:45. One expects 100 and 92 instants, from midnight to midnight.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyomie==1.2.0 tzdata==2026.6
"$folder/venv/bin/python" - <<'END'
from datetime import date, datetime
from importlib.metadata import version
from pyomie.util import localize_quarter_hourly_data
seen = {}
for day, quarters in (date(2026, 10, 25), 100), (date(2026, 3, 29), 92), (date(2026, 6, 1), 96):
    texts = list(localize_quarter_hourly_data(day, [50.0] * quarters))
    instants = {datetime.fromisoformat(text).timestamp() for text in texts}
    seen[str(day)] = (quarters, len(instants), texts[-1], sum("T02:" in text for text in texts))
print(f"pyomie {version('pyomie')}: prices, instants, the last of them, and how many in the 02:00 hours: {seen}")
assert list(seen.values()) == [
    (100, 100, "2026-10-26T00:45:00+01:00", 4),
    (92, 88, "2026-03-29T22:45:00+02:00", 4),
    (96, 96, "2026-06-01T23:45:00+02:00", 4),
], "changed"
END
