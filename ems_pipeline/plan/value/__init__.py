"""Plans that hold over several courses of load, sun and prices: what energy in one battery is worth, by backward steps.

exact.py    problems for which this is exact: one battery beside load and PV
ahead.py    what lies ahead of it: prices and energy of each slot, in every course
stock.py    backwards: how much energy of the cells is worth so much and more
worth.py    what a kWh more is worth on average, and what the battery does for it in a slot
weighed.py  the plan that follows the least expected money along the forecast
"""
