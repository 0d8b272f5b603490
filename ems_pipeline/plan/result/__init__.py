"""A plan: powers, and all that follows from them by arithmetic.

plan.py       the record                     complete.py   powers -> everything else
states.py     cells, houses, tanks           money.py      what it costs, part by part
shortfall.py  what it could not do           moment.py     a battery in a slot
actions.py    what else it could do there
"""
