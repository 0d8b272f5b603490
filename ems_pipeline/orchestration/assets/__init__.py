"""Assets by package of the domain they serve; the asset key is the table it owns.

An asset is about fifteen lines: read the window, call one domain function, write the window, show figures and a plot.

    market, weather, telemetry  what comes in
    forecasts, issuing, heat    what is expected, and how each day is made as it was known
    plans                       what each site should do
    audit                       what it was worth
"""
