#!/bin/sh
# openleadr 0.5.36 (OpenADR 2.0b): the duration of a week, "P1W", which the schema allows, is read as no time at all, so an event that lasts
# a week is over when it begins. And a naive datetime is written with a "Z" as it stands: noon in Prague becomes noon UTC.
"$folder/venv/bin/python" -W ignore - <<'END'
from datetime import datetime, timedelta
from importlib.metadata import version
from openleadr import utils
seen = {text: utils.parse_duration(text) for text in ("PT15M", "P7D", "P1W", "P2W")}
back = utils.parse_duration(utils.timedeltaformat(timedelta(hours=-1)))
noon = utils.datetimeformat(datetime(2026, 7, 1, 12))
print(f"openleadr {version('openleadr')}: { {text: str(length) for text, length in seen.items()} }; an hour before is {back}; naive noon is {noon}")
assert seen == {"PT15M": timedelta(minutes=15), "P7D": timedelta(days=7), "P1W": timedelta(0), "P2W": timedelta(0)}, "changed"
assert back == timedelta(0), "changed"
assert noon == "2026-07-01T12:00:00.000000Z", "changed"
END
