"""From a site and what is known about it to a planning problem.

inputs.py     what a plan may know             assemble.py   site + inputs -> problem
machines.py   heat pumps, machines             history.py    what machines did until now
gensets.py    sets, fuel, switchboards       cars.py       what a site file wants of cars
end_value.py  what is stored at the end        unsteered.py  what nobody steers is load
goals.py      what people want reached         spans.py      time as windows of slots
fleet.py      batteries planned as one       at_times.py   what holds at some hours
courses.py    ways in which things may go    switched.py   interruptible loads, groups of loads
"""
