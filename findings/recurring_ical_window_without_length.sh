#!/bin/sh
# recurring-ical-events 3.8.2 with icalendar 7.3.2: a daily window 02:30-03:30 with a time zone has no length at all on the spring
# day: 02:30 does not exist and keeps the offset of winter, 03:30 has that of summer, and both are one instant (01:30 UTC). A car
# that is to be charged in that window is not. The same with
# DURATION:PT1H instead of an end, for which RFC 5545 (3.3.6) wants an hour of elapsed time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check recurring-ical-events==3.8.2 icalendar==7.3.2
"$folder/venv/bin/python" -W ignore - <<'EOF'
from importlib.metadata import version
import icalendar
import recurring_ical_events
lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//any//EN", "BEGIN:VEVENT", "UID:1", "DTSTART;TZID=Europe/Prague:20260328T023000",
         "%s", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:charge", "END:VEVENT", "END:VCALENDAR", ""]
def minutes(end):
    calendar = icalendar.Calendar.from_ical("\r\n".join(lines) % end)
    events = recurring_ical_events.of(calendar).between((2026, 3, 27), (2026, 4, 2))
    return [(e["DTEND"].dt.timestamp() - e["DTSTART"].dt.timestamp()) / 60 for e in events]
seen = minutes("DTEND;TZID=Europe/Prague:20260328T033000"), minutes("DURATION:PT1H")
print(f"recurring-ical-events {version('recurring-ical-events')}: minutes on 28, 29, 30 March with an end {seen[0]}, with a duration {seen[1]}")
assert seen == ([60, 0, 60], [60, 0, 60]), "changed"
EOF
