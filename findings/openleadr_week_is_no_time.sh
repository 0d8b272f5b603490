#!/bin/sh
# openleadr 0.5.36 (OpenADR 2.0b): parse_duration(), which says that it reads durations of RFC 5545, reads those in weeks, "P1W", as no time at
# all, without a word. So it does with what its own timedeltaformat() writes for an hour before ("P-1DT23H"). And datetimeformat() puts a "Z"
# behind a datetime without a zone as it stands: noon in Prague becomes noon UTC.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openleadr==0.5.36
"$folder/venv/bin/python" -W ignore - <<'END'
from datetime import datetime, timedelta
from importlib.metadata import version
from openleadr import utils
seen = {text: utils.parse_duration(text) for text in ("PT15M", "P7D", "P1W", "P2W")}
back = utils.parse_duration(utils.timedeltaformat(timedelta(hours=-1)))
noon = utils.datetimeformat(datetime(2026, 7, 1, 12))
read = ", ".join(f"{text} is {length}" for text, length in seen.items())
print(f"openleadr {version('openleadr')}: {read}; an hour before comes back as {back}; noon without a zone is {noon}")
assert seen == {"PT15M": timedelta(minutes=15), "P7D": timedelta(days=7), "P1W": timedelta(0), "P2W": timedelta(0)}, "changed"
assert back == timedelta(0), "changed"
assert noon == "2026-07-01T12:00:00.000000Z", "changed"
END
