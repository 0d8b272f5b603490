"""The simple rule's plan, by arithmetic: no solver, and what every plan has to beat.

rule.py     the plan            loads.py    cars, houses, machines, gensets
storage.py  batteries and PV    switched.py  loads with a run time, groups
"""
