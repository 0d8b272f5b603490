"""How families of devices obey.

families.py   the one table          deye.py       time-of-use recipes
by_recipe.py  what the map itself says
loxone.py     virtual inputs         samsung.py    shifts of the flow set-point
teltonika.py  a current per phase      ocpp.py       the same, until an instant
local_chargers.py  go-e, SimpleEVSE-WiFi             smartgen.py    a set: run at a power until an instant
teltonika.py  a current per phase     marstek.py     its own logic, or a power for a while
"""
