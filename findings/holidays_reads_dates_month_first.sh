#!/bin/sh
# holidays 0.108 (python-holidays): asked by a text, every country reads it month first: in Germany "1.5.2026" (Labour Day) is no
# holiday, because it is taken for 5 January, and "5.1.2026" is one. ISO dates and date objects are right. And a
# country may have none: Ukraine 2026 has 0 (they are suspended under martial law), without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.108
"$folder/venv/bin/python" -W ignore - <<'EOF'
from datetime import date
import holidays
german = holidays.country_holidays("DE", years=2026)
seen = ["1.5.2026" in german, "5.1.2026" in german, "2026-05-01" in german, date(2026, 5, 1) in german, len(holidays.UA(years=2026))]
print(f"holidays {holidays.__version__}: '1.5.2026' {seen[0]}, '5.1.2026' {seen[1]}, ISO {seen[2]}, date {seen[3]}; Ukraine 2026 has {seen[4]}")
assert seen == [False, True, True, True, 0], "changed"
EOF
