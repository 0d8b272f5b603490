"""A Victron GX by its own MQTT broker: what its services say on topics, and how they are told.

wire.py       questions and orders at one broker       driver.py       the points of a map as topics
"""
