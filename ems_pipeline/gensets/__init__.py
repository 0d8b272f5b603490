"""Generating sets and their switchboards, as their controllers tell of them; nothing here knows database or scheduler.

alarms     alarms by ISA-18.2: what stands, which came first, who is told
states     what a set, a breaker and an alarm group can be
snapshot   what one poll of a controller found, and who is shown it
map/       what a controller says and takes: files that its owner corrects
link/      how it is asked and told, and what comes of it
sequence/  commands as sequences
"""
