#!/bin/sh
# Pint 0.25.3: units of the trade that are read as others, without a word: "ct" (cents) are carats, "Nm" (torque) is one per metre and a
# number of metres, "PS" (horsepower of an engine) petasiemens, "TR" (tons of refrigeration) a gas constant; and 1500 rpm are 157 Hz, not
# 25, because a turn is 2 pi and radians are nothing. "kvar", "kWp" and "m3" are refused.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pint==0.25.3
"$folder/venv/bin/python" - <<'END'
import pint
units = pint.UnitRegistry()
seen = {text: str(units(text).units) for text in ("30 ct/kWh", "5 Nm", "150 PS", "3 TR")}
turning = units("1500 rpm").to("Hz").magnitude
refused = []
for text in ("1 kvar", "1 kWp", "1 m3"):
    try:
        units(text)
    except pint.UndefinedUnitError:
        refused.append(text)
print(f"Pint {pint.__version__}: {seen}; 1500 rpm = {turning:.2f} Hz; refused {refused}")
assert list(seen.values()) == ["carat / kilowatt_hour", "number_meter", "petasiemens", "teramolar_gas_constant"], "changed"
assert round(turning, 2) == 157.08, "changed"
assert refused == ["1 kvar", "1 kWp", "1 m3"], "changed"
END
