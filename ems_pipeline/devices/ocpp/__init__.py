"""Chargers that call in by OCPP 1.6J and 2.0.1: a server of its own process, and drivers that are its clients.

admission.py  who may call in, and where      central.py   listening; whose connection counts; what drivers ask
station.py    one connection, asked and told  v16.py, v201.py  what is said in each version
charger.py    what is known of a charger      meter.py, metering.py  its meter over time; sampled values
profile.py    charging profiles that end      channel.py   the socket between server and drivers
driver.py     a charger as a device           serve.py     the process
callers.py    who has called in, for people   payloads.py  what messages hold
"""
