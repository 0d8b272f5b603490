"""Assets by package of the domain they serve; the asset key is the table it owns.

An asset is about fifteen lines: read the window, call one domain function, write the window, show figures and a plot.
"""
