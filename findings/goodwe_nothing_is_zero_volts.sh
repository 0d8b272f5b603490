#!/bin/sh
# goodwe 0.4.10: one marker of an inverter for "not there" (0xFFFF) becomes 0 V and 0 A of an unsigned voltage or current, -1 W of a
# power, -0.1 A of a signed current, -0.01 Hz of a frequency, and None of a temperature or a plain number. A string that is not
# connected looks like one in the dark.
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version
from goodwe import sensor
from goodwe.protocol import ProtocolResponse
kinds = (sensor.Voltage, sensor.Current, sensor.PowerS, sensor.CurrentS, sensor.Frequency, sensor.Temp, sensor.Integer)
seen = {kind.__name__: kind("x", 0, "x", *([""] if kind is sensor.Integer else []), None).read_value(ProtocolResponse(b"\xff\xff", None)) for kind in kinds}
print(f"goodwe {version('goodwe')}: 0xFFFF is {seen}")
END
