#!/bin/sh
# demandlib 0.2.2 (standard load profiles of BDEW): 24 and 31 December are working days, though the rules of these profiles make Saturdays of
# them unless they are Sundays: in 2026 a shop (G0) uses 20 % more on both than by the rule. Whoever gives these days as holidays makes
# Sundays of them instead; a Saturday cannot be told. And a change of clocks is not known: each day has 96 quarters.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check demandlib==0.2.2 pandas==2.3.3
"$folder/venv/bin/python" -W ignore - <<'END'
import datetime
from importlib.metadata import version
from demandlib.bdew import ElecSlp
christmas = {datetime.date(2026, 12, day): "Christmas" for day in (25, 26)}
power = ElecSlp(2026, holidays=christmas).get_scaled_power_profiles({"g0": 1000.0})["g0"]
days = {"Thursday 17": "2026-12-17", "Saturday 19": "2026-12-19", "24": "2026-12-24", "25": "2026-12-25", "31": "2026-12-31"}
seen = {name: round(float(power.loc[day].sum()) / 4, 2) for name, day in days.items()}
quarters = [len(power.loc[day]) for day in ("2026-03-29", "2026-10-25")]
print(f"demandlib {version('demandlib')}: kWh of days in December {seen}; quarters of the days of change {quarters}")
assert list(seen.values()) == [3.15, 2.63, 3.15, 1.53, 3.15], "changed"
assert quarters == [96, 96], "changed"
END
