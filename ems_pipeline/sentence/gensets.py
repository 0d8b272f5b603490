"""What a command to a generating set says of itself: why it is refused, backs out, waits or ended, and what it told.

Places of the name `engine`, `breaker`, `mode`, `link`, `kind` and `alarms` hold the words of controllers; pages have
people's words for them.
"""

from ems_pipeline.sentence import Sentence

# Interlocks; each ends with what mends it.
NEVER_ANSWERED = Sentence(
    "the controller never answered (link {link!s}), or its mode or state is not known; wait for it"
)
DATA_OLD = Sentence(
    "the controller answered last at {time!s} (link {link!s}), or its mode or state is not known; wait for it"
)
ALARM_UNKNOWN = Sentence("whether an alarm stands is not known; wait for the controller's next answer")
ALARM_UNREAD = Sentence("an alarm stands and was not read; wait for the controller's next answer")
ALARM_STANDS = Sentence("{alarms!s} stands; remove its cause, then reset")
GAS_STANDS = Sentence("{alarms!s} stands; have the set looked at on site")
LOCKED = Sentence("locked out: {locks!s}; lift the lock or close the order first")
SOMEBODY_THERE = Sentence("the mode is {mode!s}, and not by us: somebody may be at the set; have AUTO chosen there")
MASTERS_START = Sentence(
    "the site gave start to the master (start_by: auto): the set starts by a request of its switchboard or a dry "
    "contact; ask there, or say start_by: manual in the site file"
)
IN_STOP = Sentence("it was left in STOP; give it back to its controller first (auto)")
JACKET_UNKNOWN = Sentence(
    "the coolant's temperature is not known; mend the sensor, or say jacket_min_c: off in the site file"
)
JACKET_COLD = Sentence("the jacket has {found}, {least} are needed; see to the preheater")
NOT_AT_REST = Sentence("the engine is {engine!s}, not at rest; wait, or stop it first")
BREAKER_NOT_OPEN = Sentence("the engine stands and its breaker is {breaker!s}; have it looked at on site")
NOT_TURNING = Sentence("the engine is {engine!s}; a stop is for a set that runs")
NOT_LOADED = Sentence("the engine is {engine!s}, its breaker {breaker!s}; a power is for a set on load")
NO_POWER = Sentence("no power is named; say how much")
POWER_OUTSIDE = Sentence("{asked} are {share}, outside {least!s} to {most} of {rated}; ask for a power within")
STARTS_AN_HOUR = Sentence("{starts} starts within an hour, {most} are allowed; wait")
STARTS_A_DAY = Sentence("{starts} starts within 24 h, {most} are allowed; wait")
PAUSE_SHORT = Sentence("it stands since {time!s}; wait until {until!s}")
RUN_SHORT = Sentence("it runs since {time!s}; a plan stops it from {until!s} on")
MASTERS_STOP = Sentence("it runs in {mode!s} by its master, not by the plan; release it instead")
NOTHING_TO_RESET = Sentence("no alarm stands; there is nothing to reset")
TURNING = Sentence("the engine is {engine!s} at a speed of {speed!s}; reset is for a set that stands")
WHICH_UNREAD = Sentence("which alarm stands was not read; wait for the controller's next answer")
WANTS_A_VISIT = Sentence("{alarms!s} is never reset from afar; visit the site")
RESETS_AN_HOUR = Sentence("{resets} resets within an hour did not help; visit the site")
RESET_LATELY = Sentence("the last reset was at {time!s}; wait until {until!s}")
NOBODY_NAMED = Sentence("a reset is a named person's, with a reason; say why")
NOT_OF_SWITCHBOARD = Sentence("{kind!s} is of a set; a switchboard takes {kinds!s}")
BREAKER_BETWEEN = Sentence("the breaker is {breaker!s}; wait until it is open or closed")
RESTS_NOT = Sentence("the engine is {engine!s}; wait until it rests")
NOT_KNOWN = Sentence("not known"), Sentence("an unknown state")

# What people are told of one that failed.
FAILED = Sentence("command {kind!s} of {name!s} failed: {why!s}")
PLANS_FAILED = Sentence("a plan's command {kind!s} failed: {why!s}")

# Why it backs out.
TAKEN_BACK = Sentence("taken back by {name!s}")
TAKEN_BACK_FIRST = Sentence("taken back by {name!s} before anything was told")
WITHDRAWN = Sentence("nothing may be told any more: {why!s}")
BLIND = Sentence("the controller did not answer until the time was over; nothing more is told, look at the set")
TOO_LONG = Sentence("it took too long")
TOO_LONG_IN_ALL = Sentence("it took longer than a whole command may")
LOOK_AT_IT = Sentence("look at the set")
SOMEBODY_CHOSE = Sentence("somebody chose the mode {mode!s} at the set, we left it in {left!s}; it is theirs now")
FELL = Sentence(
    "the controller ended it with the engine {engine!s} ({alarms!s}); it is not tried again: look at the set"
)
NO_ALARM_READ = Sentence("no alarm was read")
PRESSED_ALREADY = Sentence("{key!s} was pressed already, and is not again")
STOP_MEANS_ELSE = Sentence(
    "the engine is {engine!s}, the mode {mode!s}, the breaker {breaker!s}: stop would mean something else; look at "
    "the set"
)
NO_REST = Sentence("it did not come to rest: the engine is {engine!s}; look at the set")
NOT_RESET = Sentence("muted and not reset: {why!s}")
IN_FILE_NO_MORE = Sentence("{device!s} is in the file of {site!s} no more")

# Steps that took too long.
NO_MANUAL = Sentence("MANUAL was pressed and is not seen")
NO_MODE = Sentence("the key was pressed and the mode did not change; choose it at the set")
NO_REQUEST = Sentence("no start request came from the master; look at the switchboard")
NO_START = Sentence("start was pressed and the engine did not move; it is not pressed again: look at the set")
NOT_READY = Sentence("the engine did not become ready in time")
NOT_CLOSED = Sentence("the controller did not close the breaker in time; it alone synchronises: look at the set")
NOT_UNLOADED = Sentence("the set did not unload below 5 %; is it alone on its bus?")
NOT_BACKED = Sentence("it could not be stopped in time; look at the set")
NO_STOP = Sentence("stop was pressed and the engine runs on; it is not pressed again: look at the set")
NOT_COOLED = Sentence("it did not come to rest in time; look at the set")
NO_AUTO = Sentence("AUTO was pressed and is not seen; choose it at the set")
NO_ANSWER = Sentence("the controller did not answer")
STANDS_STILL = Sentence("the alarm stands still: its cause is there, or the controller takes no reset from afar")

# Targets.
NO_TARGET = Sentence("{wish} was written and the controller tells no target; whether it holds is not known")
NO_EFFECT = Sentence("{wish} was written and echoed without effect: the controller's target stays at {target}")
CLAMPED = Sentence("{wish} was written, the controller holds {target}: it clamps; look at its limits")

# What is to be known of an end.
STANDS_ALREADY = Sentence("it stands in {mode!s} already")
STANDS_IN = Sentence("it stands in {mode!s} and starts by nobody until it is given back (auto)")
LEFT_IN = Sentence("it is left in {mode!s}: {why!s}")
AUTO_NO_EFFECT = Sentence("AUTO had no effect")
HORN_UNKNOWN = Sentence("whether the horn is silent is told by no bit")
CODE_UNSAID = Sentence("its code was not said within a minute")
PLAN_WANTS = Sentence("the plan wants {kind!s}")
NOTHING_WANTED = Sentence("nothing is wanted any more")
WIRE = Sentence("the wire: {said!s}")

# In shadow.
WOULD = (
    Sentence("it would have been {why!s}; nothing was told: {withdrawn!s}"),
    Sentence("it would {action!s} first; nothing was told: {withdrawn!s}"),
    Sentence("it would have told nothing first; nothing was told: {withdrawn!s}"),
)
REFUSED = Sentence("refused: {why!s}")
PRESS = Sentence("press {key!s}")
WRITE = Sentence("write power_setpoint_pct {power}")

# Why an alarm returned, or is shown again.
NOT_IN_FILE = Sentence("its controller is no longer in the site file")
NOT_ACTIVE = Sentence("its site is not active any more")
NO_FILE = Sentence("there is no file of its site any more")
SHELF_OVER = Sentence("its time is over")

# What is refused when it is filed; the words are those of `sql/routines/R__fn_genset_command_*.sql`.
FILED = (
    Sentence("no active site {site!s} has a controller {device!s} of a set or a switchboard"),
    Sentence(
        "breakers are closed and opened by the controller alone, which synchronises and unloads; use start or stop"
    ),
    Sentence("{kind!s} is done at the set: from afar nobody sees who stands there"),
    Sentence(
        "the site gave start of {device!s} to its master (start_by: auto); ask at the switchboard, or say start_by: "
        "manual in the site file"
    ),
    Sentence("{kind!s} is none of start, stop, auto, manual, power, mute, reset, run, release"),
    Sentence("{kind!s} at what power? name power_w"),
    Sentence("a run has an end; name until_at"),
    Sentence("{kind!s} takes no end"),
    Sentence("a run until {time!s} is over, or longer than 24 hours; name an end within a day"),
    Sentence("a command has a reason; say why"),
    Sentence("a reason is one printable line of at most 200 characters"),
    Sentence("{kind!s} takes no power"),
    Sentence("the rated power of {device!s} is not known; write rated_power_w among its options in the site file"),
    Sentence("{asked} W is outside {least} to {most}; ask for a power within"),
    Sentence(
        "{kind!s} of {name!s} is under way at {device!s} since {time!s} (command {number!s}, {state!s}); wait until it "
        "has ended, or take it back"
    ),
    Sentence("five commands of {name!s} wait for their code; confirm one, or wait a minute"),
    Sentence("no command {number!s} of {name!s} waits for a code"),
    Sentence("command {number!s} is {state!s} already; file another"),
    Sentence("the code of command {number!s} lapsed at {time!s}; file it again"),
    Sentence("this is not the code that was answered when the command was filed; read it again"),
    Sentence("no command {number!s} is under way"),
    Sentence("what has ended stays as it is"),
    Sentence("correct what is named"),
)
