"""Entities of Home Assistant as devices that only measure.

entity.py       what a state says       gateway.py      one entity at a time       driver.py       entities of a device
"""
