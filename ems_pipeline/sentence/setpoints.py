"""What a set-point says of itself: every sentence once, as it is written and as it is read back.

A new one stands here; `make words` then asks for its words in other languages. The plan's own are in
`plan/wording`; these stand here for pages, which have nothing to do with control.
"""

from ems_pipeline.sentence import Sentence

# Who decides.
AS_PLANNED = Sentence("as planned")
SIGNALS = Sentence("signals of the plan")
SCHEDULE = Sentence("schedule {schedule!s}: {mode!s}")
INSTEAD = Sentence("{reason!s}, where the {source!s} has {wish!s} ({lower!s})")
SOURCES = Sentence("plan"), Sentence("schedule")
ASKED = Sentence("{notes!s} (asked: {reason!s})")
NO_PLAN = Sentence("no verified plan covers {time!s}")
OLD_PLAN = Sentence("the plan is {age} old, {most} are accepted")
NO_ROW = Sentence("the plan has no row for {device!s}")
NO_COMMAND = Sentence("no command can be made of it")

# The envelope.
OUTSIDE = Sentence("{limit!s} {asked} is outside 0..{most}")
NO_GRID_CHARGE = Sentence("the grid may not charge a battery in this quarter-hour: only what is left over does")
NO_BATTERY_SALE = Sentence("a battery may not be sold in this quarter-hour: it serves the house")
NO_SALE = Sentence("no sale at {soc}, reserve {reserve}")
NO_CHARGING = Sentence("no charging at {soc}, maximum {most}")
TARGET = Sentence("target {asked} is outside {least}..{most}")
BELOW_CAR = Sentence("{current} is below the {least} a car needs")
CIRCUIT = Sentence("{current} exceeds the circuit's {most}")
WIRED = Sentence("wired for {phases} phases, not {asked}")
NOT_BLOCKED = Sentence("not blocked: the indoor temperature is not known")
NOT_HELD_BACK = Sentence("not held back: {indoor} indoors, comfort begins at {least}")
NOT_PUSHED = Sentence("not pushed: {indoor} indoors, comfort ends at {most}")
COMPRESSOR = Sentence("{asked} is below its least {least}")
LOCKED_OUT = Sentence("{genset!s} is locked out by the site file")
RANGE = Sentence("{asked} is outside its range, {given} instead")

NO_BLIND_SALE = Sentence("no sale: the connection is not measured")
ROOM = Sentence("of {most} that may go out {left} are left")

RESTS = Sentence("batteries give nothing while the car at {charger!s} charges")

# What a grid operator asks.
ASKS = Sentence("{input!s} asks for {most} at most")
UNREADABLE = Sentence("{input!s} cannot be read and counts as asked: {most}")

# The import limit.
GETS_BY_IMPORT = Sentence("{charger!s} gets {current}: import limit")
GETS_BY_FUSE = Sentence("{charger!s} gets {current}: fuse {fuses!s}")
CHARGES_AT_MOST = Sentence("{device!s} charges with {most} at most: import limit")
NO_METER = Sentence("grid or battery power is not measured: nothing may charge by command")
OVERLOAD = Sentence("import of {power} exceeds {limit}; {notes!s}")
NOBODY_YIELDS = Sentence("nobody can yield")

# What came of it.
STOOD_ALREADY = Sentence("stood already")
DIFFERS = {
    "run_power": Sentence("run_power was to be {wanted!s} and is {found!s}"),
    "run_until": Sentence("run_until was to be {wanted!s} and is {found!s}"),
}
"""Of the points of a set's run; those of other devices are told by their names alone."""
NOTHING = Sentence("nothing")
NOT_ECHOED = Sentence("not echoed yet: {what!s}")
ENDED = Sentence("set-point {number!s} {outcome!s}: {why!s}")
OF_A_RUN = Sentence("run_power, run_until: {why!s}")
