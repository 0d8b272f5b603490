"""What a plan says of itself: every sentence once, as it is written and as it is read back.

A new one stands here; `make words` then asks for its words in other languages.
"""

from ems_pipeline.sentence import Sentence

# Where nothing better was found.
BY_RULE = Sentence("By the simple rule, for no better plan that keeps every law was found in time:")

# The meter of a site without a battery.
BUY_MISSING = Sentence("Buy what is missing.")
SELL_SURPLUS = Sentence("Sell the surplus.")
BALANCED = Sentence("In balance.")

# What another action would have cost.
FOLLOW, HOLD, CHARGE, DISCHARGE = (
    Sentence("follow the meter"), Sentence("hold"), Sentence("charge fully"), Sentence("discharge fully"),
)  # fmt: skip
DEARER = Sentence("To {action!s} instead would cost {money} more.")
ABOUT_DEARER = Sentence("To {action!s} instead would cost about {money} more.")
IMPOSSIBLE = Sentence("To {action!s} is impossible with the other switches as planned.")

# Where no price explains it.
BINDS = Sentence("What binds here: {limits!s}.")
UNKNOWN = Sentence("Why is not known.")

# A battery whose plan holds over several courses of load and sun.
WEIGHED = Sentence("Weighed over {count} ways in which load and sun may go.")

# A battery that buys or sells.
BACK_TO_RESERVE = Sentence("Charge back to the reserve at {paid}.")
PAID_TO_BUY = Sentence("Charge from the grid: buying is paid for, {paid}.")
BUY = Sentence("Charge from the grid at {paid}.")
BUY_STORED = Sentence("Charge from the grid at {paid}: stored, a kWh of it is worth {worth}.")
SELL_STORED = Sentence("Sell stored energy at {sold}.")
SELL_KEPT = Sentence("Sell stored energy at {sold}: a kWh in the cells brings {brings}, kept it is worth {worth}.")

# What the contract keeps a battery from.
NO_GRID_CHARGE = Sentence("The grid may not charge it here: bought at {paid}, a kWh would be worth {worth} stored.")
NO_GRID_SALE = Sentence("It may not be sold here: a kWh would bring {brings}, kept it is worth {worth}.")
RESTS_FOR_CAR = Sentence("It gives nothing while the car charges.")

# What imports count for besides their price.
UNBILLED = Sentence(
    "Of what a kWh bought counts for here, {unbilled} are its owner's for CO2 or independence, in no bill."
)

# What its owner chooses among equals.
PREFERS_EARLY = Sentence("Following the meter costs the same; its owner would rather have it early.")
PREFERS_LEVEL = Sentence("Following the meter costs the same; its owner would rather have low peaks at the meter.")
PREFERS_ORDER = Sentence(
    "Following the meter costs the same; its owner would rather have the batteries in their order."
)
PREFERS_QUIET = Sentence("Following the meter costs the same; its owner would rather have power change little.")

# What spares a battery, and what it is kept for.
SPARED_BELOW = Sentence("It is spared below {edge}: a kWh less would cost {price} in each hour; buy at {paid}.")
SPARED_ABOVE = Sentence(
    "It is spared above {edge}: a kWh more would cost {price} in each hour; the rest is sold at {sold}."
)
LEAVES_BAND = Sentence("It leaves the {low} to {high} that spare it, at {price} for a kWh and hour: that pays.")
KEPT_BACK = Sentence("It keeps {edge} back for these hours; buy at {paid}.")
LESS_THAN_TAKES = Sentence("Less is left over than the battery takes: {left} of {least}.")
LESS_THAN_GIVES = Sentence("Less is missing than the battery gives: {missing} of {least}.")

# Events that count what is fed in.
EVENT_SALE = Sentence("Feed stored energy in: event {event!s} pays {pays} besides {sold}, kept a kWh is worth {worth}.")
EVENT_PAYS = Sentence("Event {event!s} pays {pays} for what is fed in.")
EVENT_WANTS = Sentence("Event {event!s} wants {least} fed in.")

# A battery beside a surplus.
STORE = Sentence("Store the surplus.")
STORE_MOST = Sentence("Store what the battery can take of the surplus; the rest is sold at {sold}.")
STORE_PART_SELL = Sentence("Store part of the surplus; the rest is sold at {sold}.")
STORE_PART = Sentence("Store part of the surplus.")
FULL = Sentence("The battery is full; the surplus is sold at {sold}.")
TAKES_NOTHING = Sentence("The battery can take nothing now; the surplus is sold at {sold}.")
SAME_STORED = Sentence("Follow the meter: storing the surplus now or later is worth the same.")
SELL_STORED_LESS = Sentence("Sell the surplus at {sold}: stored, a kWh of it is worth {worth}.")
SELL_AT = Sentence("Sell the surplus at {sold}.")

# A battery where something is missing.
COVER = Sentence("Cover the demand instead of buying at {paid}.")
COVER_MOST = Sentence("Cover what the battery can; the rest is bought at {paid}.")
COVER_PART = Sentence("Cover part of the demand; the rest is bought at {paid}.")
AT_FLOOR = Sentence("The battery is at its floor; buy at {paid}.")
GIVES_NOTHING = Sentence("The battery can give nothing now; buy at {paid}.")
SAME_USED = Sentence("Follow the meter: stored energy is worth the same now and later.")
KEEP = Sentence("Keep the charge: a kWh in the cells is worth {worth}, used now it would save {saves}.")
KEEP_BUY = Sentence("Keep the charge and buy at {paid}.")

# A battery where nothing is left over or missing.
NOTHING = Sentence("Nothing to store or to cover.")
FULL_LEFT = Sentence("The battery is full; what the sun gives beyond the demand is left.")
LEAVE_ROOM = Sentence("Leave room: a kWh of the sun stored now is worth {worth}.")
SUN_UNUSED = Sentence("The sun gives more than is used.")

# PV.
ALL_USED = Sentence("All the sun gives is used or fed in.")
PV_OFF = Sentence("Switched off: buying is paid for, {paid}.")
EXPORT_LIMIT = Sentence("The export limit of {limit} is reached; what is beyond is left.")
NOT_FED_IN = Sentence("Nothing is fed in: that would cost {cost}.")
AC_LIMIT = Sentence("The inverter's AC limit of {limit} is reached; what is beyond is left.")
NOT_NEEDED = Sentence("Not all the sun gives is needed.")

# Cars.
NO_CAR = Sentence("No car is expected.")
CAR_OWN = Sentence("Charge the car from the site's own energy.")
CAR_BOUGHT = Sentence("Charge the car at {paid}.")
CAR_PART_BOUGHT = Sentence("Charge the car, in part at {paid}.")
CAR_SERVED = Sentence("The car is served.")
CAR_SUN = Sentence("Charge the car from what the sun leaves.")
CAR_WAITS_FOR_SUN = Sentence("Wait for the sun: it leaves {left} beside the load, the car needs {needs}.")
CAR_CEILING = Sentence("At {paid} only the sun may charge it: its owner pays {most} at most.")
CAR_AFTER_BATTERIES = Sentence("What the sun leaves is for the batteries until they hold {first}; they hold {held}.")
CAR_SCHEDULE = Sentence("A schedule keeps the charger off.")
CAR_AFTER = Sentence("What is missing can be charged after this plan's end.")
CAR_LEAVES = Sentence("The car will leave without all it wants.")
CAR_LATER = Sentence("It charges later in its stay.")
CAR_LATER_SAME = Sentence("It charges later in its stay, where a kWh costs the same: {cost}.")
CAR_CHEAPER = Sentence("Wait for cheaper slots: a kWh costs {cost} here, at most {most} in those it charges in.")
CAR_TOO_DEAR = Sentence("A kWh costs {cost} here, missing it {missing}.")
CAR_NO_ROOM = Sentence("No room: the connection has {left} left beside the rest, the car needs {needs}.")
CAR_FUSE = Sentence("No room: the fuse {fuse!s} has {left} left beside the rest, the car needs {needs}.")

# Heat pumps.
WARM = Sentence("The house stays warm without heating.")
COLD_NO_ROOM = Sentence(
    "The house is at {indoor}, below {least}; the connection has {left} left, heating needs {needs}."
)
COLD_PAUSE = Sentence("The house is at {indoor}, below {least}; the heat pump must pause.")
COLD = Sentence("The house is at {indoor}, below {least}.")
HEAT_COLD = Sentence("Heat: the house is at {indoor}, below {least}.")
HOT_WATER = Sentence("Heat the hot water.")
HEAT_FULL = Sentence("Heat at full power, more than holding the temperature takes; the house stores it.")
HEAT_MORE = Sentence("Heat more than holding the temperature takes; the house stores it.")
HEAT_LESS = Sentence("Heat less than holding the temperature takes; the house cools.")
HEAT_HOLD = Sentence("Hold the room temperature.")

# Gensets.
WARM_UP = Sentence("Warm up before taking load.")
QUIET = Sentence("Quiet hours or a lock-out keep it off.")
MUST_PAUSE = Sentence("It must pause after its last run.")
FUEL_DEARER = Sentence("A kWh is worth {worth} here, its fuel alone costs {fuel}.")
RESTS = Sentence("It does not run.")
SERVICE_DUE = Sentence("No hours are left until its service.")
STARTS_SPENT = Sentence("It has had its starts: {most} on a day.")
COOLS_BEFORE_QUIET = Sentence("It has to have cooled down before quiet hours.")
MUST_RUN = Sentence("It has to run out its least time.")
GENERATE_WORTH = Sentence("Generate: a kWh is worth {worth} here, its fuel costs {fuel}.")
GENERATE = Sentence("Generate.")
NOT_ALONE = Sentence("Generate beside {others!s}: one set alone could not give {power} and keep {spare} in reserve.")

# Wishes that cannot be met, as `Unmet` writes them.
UNMET = (
    Sentence("{asset!s}: energy missing at departure {amount}"),
    Sentence("{asset!s}: energy missing on the way {amount}"),
    Sentence("{asset!s}: energy missing at departure, no whole quarter-hour is left {amount}"),
    Sentence("{asset!s}: outside the comfort band {amount} h"),
    Sentence("{asset!s}: colder at the end than wanted by {amount}"),
    Sentence("{asset!s}: not run {amount}"),
    Sentence("{asset!s}: not run, its window is too short {amount}"),
    Sentence("grid: beyond the grid limit {amount}"),
    Sentence("{asset!s}: below its reserve {amount}"),
    Sentence("{asset!s}: energy missing at the end {amount}"),
    Sentence("{asset!s}: run beyond the hours to its service {amount}"),
)

# Machines that may wait.
OTHER_TIME = Sentence("It runs at another time of this plan.")
NO_RUN = Sentence("It does not run in this plan.")
RUN = Sentence("Its run.")
ONLY_TIME = Sentence("The only time its window leaves.")
CHEAPEST = Sentence("No time in its window is cheaper: at what a kWh is worth then, the run costs {money}.")
