"""SmartGen controllers of gensets and switchboards, through the process that polls them (`scada`).

channel    where that process listens, and by what a controller is known there
standing   how the poller does, for whoever watches over it
driver     a controller as the rest of the system sees any device
"""
