#!/bin/sh
# goodwe 0.4.10: one marker of an inverter for "not there" (0xFFFF) becomes 0 V, 0 A and 0 of a plain number, -1 W of a signed power, -0.1 A of
# a signed current and -0.01 Hz of a frequency; only a temperature is None. A string that is not connected looks like one in the dark.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check goodwe==0.4.10
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version
from goodwe import sensor
from goodwe.protocol import ProtocolResponse
kinds = [(sensor.Voltage,), (sensor.Current,), (sensor.Integer, ""), (sensor.PowerS,), (sensor.CurrentS,), (sensor.Frequency,), (sensor.Temp,)]
seen = {
    kind.__name__: kind("x", 0, "x", *unit, None).read_value(ProtocolResponse(b"\xff\xff", None)) for kind, *unit in kinds
}
print(f"goodwe {version('goodwe')}: 0xFFFF is {seen}")
assert list(seen.values()) == [0, 0, 0, -1, -0.1, -0.01, None], "changed"
END
