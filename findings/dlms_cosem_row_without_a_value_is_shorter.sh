#!/bin/sh
# dlms-cosem 25.1.0: a load profile's row with a null, which a meter sends for what it does not know or what has not changed, comes back one
# column shorter: what was export stands where import stood, as a plain number. Only a null of the clock is filled in. And of the clock's
# status nothing is left: a time marked invalid looks like any other.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dlms-cosem==25.1.0
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version
from dlms_cosem.cosem import CosemAttribute, Obis
from dlms_cosem.enumerations import CosemInterface
from dlms_cosem.parsers import ProfileGenericBufferParser

def column(interface, obis):
    return CosemAttribute(interface=interface, instance=Obis.from_string(obis), attribute=2)

def clock(minute, status):
    return bytes([9, 12, 0x07, 0xEA, 7, 1, 3, 12, minute, 0, 0, 0xFF, 0x88, status])  # 2026-07-01 12:..:00 at UTC+2

def energy(wh):
    return bytes([6]) + wh.to_bytes(4, "big")

register = CosemInterface.REGISTER
columns = [column(CosemInterface.CLOCK, "0.0.1.0.0.255"), column(register, "1.0.1.8.0.255"), column(register, "1.0.2.8.0.255")]
rows = [clock(0, 0x80) + energy(1000) + energy(50), bytes([0, 0]) + energy(51), clock(30, 0x81) + energy(1002) + energy(52)]
profile = bytes([1, len(rows)]) + b"".join(bytes([2, 3]) + row for row in rows)
parsed = ProfileGenericBufferParser(columns, capture_period=15).parse_bytes(profile)
seen = [[row[0].value.strftime("%H:%M"), *(cell.value for cell in row[1:])] for row in parsed]
print(f"dlms-cosem {version('dlms-cosem')}: import and export by time {seen}")
assert seen == [["12:00", 1000, 50], ["12:15", 51], ["12:30", 1002, 52]], "changed"
END
