#!/bin/sh
# suncalc 0.1.3 with pandas 3.1.1: a column of instants is taken for nanoseconds, and pandas 3 keeps microseconds: the sun of June 2026
# is that of late January 1970, without a word. At noon in Prague it stands 4 degrees high instead of 61; the same instant as a
# single datetime, or as a column of nanoseconds, is right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check suncalc==0.1.3 pandas==3.1.1
"$folder/venv/bin/python" - <<'END'
import math
from datetime import datetime, timezone
from importlib.metadata import version
import pandas
import suncalc
at = datetime(2026, 6, 21, 10, tzinfo=timezone.utc)
column = pandas.Series([at])
asked = {"datetime": at, str(column.dtype): column, "nanoseconds": column.dt.as_unit("ns")}
seen = {}
for name, when in asked.items():
    altitude = suncalc.get_position(when, lng=14.4, lat=50.1)["altitude"]
    seen[name] = round(math.degrees(altitude if name == "datetime" else altitude.iloc[0]))
print(f"suncalc {version('suncalc')}, pandas {pandas.__version__}: altitude in degrees {seen}")
assert seen == {"datetime": 61, "datetime64[us, UTC]": 4, "nanoseconds": 61}, "changed"
END
