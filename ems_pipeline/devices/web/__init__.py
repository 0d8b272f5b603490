"""HTTP devices.

gateway.py      one request at a time         driver.py       any device a map describes
"""
