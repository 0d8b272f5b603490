"""The laws a plan obeys, one function and one named constraint each; `build.build` puts them together.

bus.py       balance, the meter, PV            storage.py   batteries, hybrid inverters
charging.py  cars                              heat.py      heat pumps and what they heat
"""
