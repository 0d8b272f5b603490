"""Settlement: what each quarter-hour cost, and what it would have cost under rules anybody can check.

`baselines` plays a rule over the same measured load and PV; `settlement` adds days up and values what stays in the
battery. Add a baseline as a function of `baselines` and a row of `compared`.

    storage     a battery by its few numbers
    baselines   rules anybody can check, played over what was measured
    gensets     what generating sets cost, and days without them
    settlement  days added up, and what stays in the battery
    compared    what was measured and every baseline of a day, a row each
    scores      how good each forecast was, by how far it looked ahead
"""
