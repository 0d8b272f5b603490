"""Modbus, the manners of serial buses included.

wire.py          one connection; only here pymodbus    driver.py        any device a map describes
blocks.py        points -> fewest requests             block_reader.py  what comes, and why not
read_plan.py     requests, decoder, faults             high_words.py    are separate high words filled?
slots.py         registers a list selects              stray.py         what came instead of an answer
"""
