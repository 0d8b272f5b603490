"""What the site will need and make, per quarter-hour, with a band and with what was known at the decision time.

Every forecast is a frame ``[starts_at, power_w, p10_w, p90_w, model]`` in W. Pure functions: history and weather come
in "as known at now", nothing newer may be read. The parts, simple to better:

    pv_geometry     weather + planes of modules -> PV power             standard_load   a household nobody has measured
    profile         weekday/slot profile of measured load               sessions        cars: presence, energy
    habits          what is usual at a time of day, and lively          features        what a model may look at
    linear, gbm     median line and boosted medians on top of both      band            edges that cover what they say
    score           errors, coverage, skill                             promotion       shadow models earn their place
    load_members    three ways to the median of a load                  load_weather    what the weather adds to it
    pv_features     what a PV model may look at                         pv_second       another provider's estimate
    orientation     a stated azimuth that does not fit the measurement

    load_model, load_grid, load_inputs  the trained load model, its history and what its members see
    pv_model                            the trained PV model on top of the geometry
    calibration, windows, naive         honest bands, gaps, and what costs nothing
    trial                               days gone by, forecast again
"""
