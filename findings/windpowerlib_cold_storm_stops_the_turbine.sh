#!/bin/sh
# windpowerlib 0.2.2: density_correction stretches the whole power curve along the wind speeds, its end too. A turbine that is
# switched off above 25 m/s stops at 23.2 m/s in the air of a frosty storm and runs on to 26.8 m/s on a warm mountain. The method corrects what a wind
# of one density is worth; where a turbine is switched off, its control decides by the speed of the wind alone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check windpowerlib==0.2.2 pandas==2.3.3
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version
import numpy
import pandas
from windpowerlib import power_output
speeds = pandas.Series([0.0, 3.0, 5.0, 8.0, 12.0, 25.0])
power_kw = pandas.Series([0.0, 30.0, 200.0, 1000.0, 2000.0, 2000.0])
wind = pandas.Series(numpy.arange(20, 280) / 10)
ends = {"without": float(wind[power_output.power_curve(wind, speeds, power_kw) > 0].max())}
for density in (1.37, 1.225, 1.1):  # of air at -15 degrees, of the curve, at 35 degrees or 1100 m
    output = power_output.power_curve(wind, speeds, power_kw, pandas.Series(density, wind.index), density_correction=True)
    ends[density] = float(wind[output > 0].max())
print(f"windpowerlib {version('windpowerlib')}: highest wind in m/s with power, by density in kg/m3: {ends}")
assert ends == {"without": 25.0, 1.37: 23.2, 1.225: 25.0, 1.1: 26.8}, "changed"
END
