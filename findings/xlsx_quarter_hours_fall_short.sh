#!/bin/sh
# Openpyxl 3.1.5 and Polars 2.1.0 (with fastexcel 0.21.0) on a sheet as spreadsheets write it: quarter-hours made by adding 1/96 to the cell
# above (shown as 20:45) are read as 20:44:59.999 for one in six over a month, so that cutting to quarters doubles some and loses others.
# "24:00" at the end of a day is the time 23:45's neighbour no more, but a date and time of 1900 among times of day.
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
table = polars.read_excel(sys.argv[1], has_header=False)["column_1"]
short = [sum(bool(stamp.microsecond) for stamp in column) for column in ([row[0] for row in rows], table)]
quarters = table.dt.truncate("15m").n_unique()
print(f"openpyxl {openpyxl.__version__}, Polars {polars.__version__}: stamps not on a second {short} of {len(table)}, {quarters} quarters;", end=" ")
print(f"ends of a day {[rows[94][1], rows[95][1]]}")
END
