"""The laws a plan obeys, one function and one named constraint each; `build.build` puts them together.

bus.py       balance, the meter, PV            storage.py   batteries, hybrid inverters
charging.py  cars                              heat.py      heat pumps and what they heat

    contract     the month's peak, and paid reductions      deferrable   machines that run once
    efficiency   what AC power means in the cells           genset       generating sets
    switching    machines that are off or within a range    obligations  what was switched lately, still owed
    sunshine     cars that may have what the sun leaves     switchboard  sets that share load
    flows        what may not flow between batteries and grid
    genset_limits  starts, hours to the service, low load
"""
