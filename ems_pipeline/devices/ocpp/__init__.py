"""Chargers that call in by OCPP 1.6J and 2.0.1: a server of its own process, and drivers that are its clients.

admission.py  who may call in, and where      central.py   listening; whose connection counts; what drivers ask
station.py    one connection, asked and told  heard.py     what is said in both versions
v16.py        what is said in the one         v201.py      in the other
box.py        the connectors of a station     charger.py   what is known of each
meter.py      its meter over time             metering.py  sampled values
profile.py    charging profiles that end      turn.py      from one phase to three and back
channel.py    the socket between server and drivers
driver.py     a charger as a device           serve.py     the process
callers.py    who has called in, for people   payloads.py  what messages hold
"""
