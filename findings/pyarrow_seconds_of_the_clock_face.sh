#!/bin/sh
# PyArrow 26.0.1: seconds_between() and hours_between() of instants with a zone count on the face of the clock, not what has passed: 25 hours
# of the long day are 24, half an hour that crosses the change is minus 1800 seconds, and so energy = power x time is negative. subtract()
# of the same columns is right. That the difference is taken in local time is said in the table of all kernels only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'END'
from datetime import datetime
import pyarrow
import pyarrow.compute as compute

def column(*texts):
    return pyarrow.array([datetime.fromisoformat(text) for text in texts], pyarrow.timestamp("s", "Europe/Prague"))

start = column("2026-10-25T00:00+02:00", "2026-10-25T02:45+02:00")
end = column("2026-10-26T00:00+01:00", "2026-10-25T02:15+01:00")
between = compute.seconds_between(start, end).to_pylist()
passed = [step.total_seconds() for step in compute.subtract(end, start).to_pylist()]
print(f"PyArrow {pyarrow.__version__}: seconds_between {between}, subtract {passed}")
assert between == [86400, -1800], "changed"
assert passed == [90000, 1800], "changed"
END
