"""The second opinion: a plan simulated again by plain arithmetic. It shares nothing with the model but the records.

verify.py      the whole plan               devices.py     the laws of devices
money.py       what it costs                resimulate.py  states from powers
violation.py   what breaking a law means    gensets.py     generating sets and switchboards
loads.py       loads with a run time, groups of machines
"""
