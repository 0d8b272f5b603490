"""What holds a plan back: the names that the laws of the model give their rows and columns, read back for people.

The names are made in `plan/model/laws`, ``plan/solving/marginal.py`` puts *at most* and *at least* behind a column's; a
test reads back every name that a model has.
"""

from ems_pipeline.sentence import Sentence

MOST = Sentence("{limit!s} at most")
LEAST = Sentence("{limit!s} at least")

IMPORT, EXPORT, PV = Sentence("import"), Sentence("export"), Sentence("pv")
OVER_IMPORT, OVER_EXPORT = Sentence("import over limit"), Sentence("export over limit")
ONE_DIRECTION = Sentence("one direction at the meter")
PEAK = Sentence("peak")
REDUCTION = Sentence("{event!s} reduction")
ANSWERED = Sentence("{event!s} answered")
ONLY_ANSWERED = Sentence("{event!s} only when answered")
BELOW_BASELINE = Sentence("{event!s} below the baseline")

CHARGE, DISCHARGE = Sentence("{asset!s} charge"), Sentence("{asset!s} discharge")
ENERGY = Sentence("{asset!s} energy")
TAPER = Sentence("{asset!s} taper")
ONE_WAY = Sentence("{asset!s} one way")
CEILING_OR_NOT = Sentence("{asset!s} above its ceiling or not")
ONLY_FULL = Sentence("{asset!s} above only when full")
FULL_ABOVE = Sentence("{asset!s} full when above")
BELOW_FLOOR, ABOVE_CEILING = Sentence("{asset!s} below its floor"), Sentence("{asset!s} above its ceiling")
MISSING, END_FLOOR = Sentence("{asset!s} missing at the end"), Sentence("{asset!s} end floor")
AC_LIMIT = Sentence("{asset!s} AC limit")
STEP = Sentence("{asset!s} step {number}")
STEP_REACHED = Sentence("{asset!s} step {number} reached")
STEP_AFTER = Sentence("{asset!s} step {number} after the step below")
BANDS = Sentence("{asset!s} bands")
BAND = Sentence("{asset!s} band {number}")
IN_BAND = Sentence("{asset!s} in band {number}")
EFFICIENCY_BAND = Sentence("{asset!s} efficiency band")

RUNNING = Sentence("{asset!s} running")
TEMPERATURE = Sentence("{asset!s} temperature")
TOO_COLD, TOO_WARM = Sentence("{asset!s} too cold"), Sentence("{asset!s} too warm")
TANK = Sentence("{asset!s} tank")

POWER, MAXIMUM = Sentence("{asset!s} power"), Sentence("{asset!s} maximum power")
ABOVE_MINIMUM = Sentence("{asset!s} power above minimum")
ON = Sentence("{asset!s} on")
BEGUN = Sentence("{asset!s} start")
MINIMUM_RUN, MINIMUM_PAUSE = Sentence("{asset!s} minimum run"), Sentence("{asset!s} minimum pause")
FROM_STANDSTILL = Sentence("{asset!s} starts from standstill")
STARTS_PER_DAY = Sentence("{asset!s} starts per day")
RUN_HOURS = Sentence("{asset!s} run hours")

UNMET, AHEAD = Sentence("{car!s} unmet energy"), Sentence("{car!s} energy ahead")
BY_DEPARTURE = Sentence("{car!s} energy by departure")
ONE_CAR = Sentence("{asset!s} one car")
FUSE = Sentence("{fuse!s} fuse")

STARTS = Sentence("{asset!s} starts")
SKIPPED = Sentence("{asset!s} skipped")
ONCE = Sentence("{asset!s} runs once")
ONE_RUN = Sentence("{asset!s} one run at a time")
