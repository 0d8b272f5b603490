#!/bin/sh
# A sheet as spreadsheets write it, read by openpyxl 3.1.5 and Polars 2.1.0 (fastexcel 0.21.0): quarter-hours made by adding 1/96 to the cell
# above are shown as 20:45 there and read as 20:44:59.999 here, after three weeks all of them, so that cutting to quarters moves each by a
# quarter-hour to 20:30; two quarters become one where it begins. And the "24:00" that ends a day is a date of the year 1900 among times.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 polars==2.1.0 fastexcel==0.21.0
"$folder/venv/bin/python" -W ignore - "$folder/export.xlsx" <<'END'
import sys
from datetime import datetime, time
import openpyxl
import polars
book = openpyxl.Workbook()
at = 46320.0  # 2026-10-25
for slot in range(96 * 30):
    book.active.append([at, (slot % 96 + 1) / 96])
    book.active.cell(slot + 1, 1).number_format = "dd.mm.yyyy hh:mm"
    book.active.cell(slot + 1, 2).number_format = "hh:mm"
    at += 1 / 96
book.save(sys.argv[1])
rows = list(openpyxl.load_workbook(sys.argv[1]).active.iter_rows(values_only=True))
table = polars.read_excel(sys.argv[1], has_header=False).to_series(0)
short = [sum(bool(stamp.microsecond) for stamp in column) for column in ([row[0] for row in rows], table)]
quarters = table.dt.truncate("15m").n_unique()
print(f"openpyxl {openpyxl.__version__}, Polars {polars.__version__}: stamps not on a second {short} of {len(table)}, {quarters} quarters;", end=" ")
print(f"ends of a day {[rows[94][1], rows[95][1]]}")
assert short == [493, 493], "changed"
assert quarters == 2879, "changed"
assert [rows[94][1], rows[95][1]] == [time(23, 45), datetime(1900, 1, 1)], "changed"
END
