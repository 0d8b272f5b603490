"""How a controller is asked and told: Modbus TCP, and RTU frames inside TCP on a serial bus that others use, too.

line      what both ways promise, and when a lost one is tried again
tcp       Modbus TCP
mbap      its frames, and who listens for the answer
bus       RTU in TCP: silence, resynchronisation, one socket a converter
frames    RTU frames, made and found again; pure
blocks    registers of a map -> the fewest requests; pure
numbers   a raw value -> a number or the word of a state; pure
decode    words -> values, states, bits, alarms; pure
hours     run hours that were read while they moved; pure
poll      a controller asked in turns -> a snapshot
tell      keys pressed and numbers written, each echoed
"""
