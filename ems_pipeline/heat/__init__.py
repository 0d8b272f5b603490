"""Heat: what a heat pump delivers per kWh (`cop`) and what the building loses and stores (`building`).

Stated values of the site file first, fitted to measurement as it comes. Add a store (hot water, buffer) as its own
module.

    measured  heat and COP from what pump, meter and room say
"""
