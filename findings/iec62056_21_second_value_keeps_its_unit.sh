#!/bin/sh
# iec62056-21 0.0.2 (read-out of meters by their optical port): in a line of several data sets, as meters send the stored values of the months
# before, the second and later ones go without an address, which IEC 62056-21 allows. Such a set is not taken apart: "005100.0*kWh" is its value
# and its unit is None, while the first of the same line has 005432.1 and kWh.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check iec62056-21==0.0.2
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version
from iec62056_21.messages import DataLine
line = DataLine.from_representation("1.8.1(005432.1*kWh)(005100.0*kWh)")
seen = [(part.address, part.value, part.unit) for part in line.data_sets]
print(f"iec62056-21 {version('iec62056-21')}: address, value, unit of each: {seen}")
assert seen == [("1.8.1", "005432.1", "kWh"), (None, "005100.0*kWh", None)], "changed"
END
