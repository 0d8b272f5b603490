"""Assets by package of the domain they serve; the asset key is the table it owns.

An asset is about fifteen lines: it takes its window, has one step do the work, tells what went wrong, and shows figures
and a plot. What is read, computed and written is in `ems_pipeline/steps/`.

    market, weather, telemetry  what comes in
    forecasts, issuing, heat    what is expected, and how each day is made as it was known
    plans                       what each site should do
    audit                       what it was worth
    study                       what it would have been worth otherwise
"""
