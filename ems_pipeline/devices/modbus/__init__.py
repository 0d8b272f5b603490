"""Modbus, the manners of serial buses included.

wire.py          one connection, by pymodbus           answers.py       registers taken apart at once
driver.py        any device a map describes            block_reader.py  what comes, and why not
blocks.py        points -> fewest requests             read_plan.py     requests, decoder, faults
high_words.py    are separate high words filled?       slots.py         registers a list selects
stray.py         what came instead of an answer
"""
