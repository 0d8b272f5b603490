"""Plans that hold over several courses of load, sun and prices: what energy in one battery is worth, by backward steps.

exact.py    problems for which this is exact: one battery beside load and PV
worth.py    least expected money from each quarter-hour on, by energy in the cells
weighed.py  the plan that follows the least expected money along the forecast
"""
