"""Batteries that speak JSON over UDP (Marstek's local interface): one datagram asks, one answers, and any may be lost.

wire.py      one request at a time, and which datagram answers it     driver.py    any device a map describes
datagrams.py what is sent and heard, and what of it is an answer      finding.py   who answers a broadcast
"""
