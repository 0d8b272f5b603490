"""Who is there? For commissioning; nothing is written.

scan.py     unit ids behind a Modbus gateway
fitting.py  maps that a unit may be read by
by_name.py  what says itself what it is: batteries in a broadcast, Home Assistant
"""
