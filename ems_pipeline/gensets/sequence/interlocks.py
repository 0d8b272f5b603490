"""Why a command is refused now. Each interlock stands once; which hold for a command is a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from ems_pipeline.gensets.sequence.order import Kind, Order
from ems_pipeline.gensets.sequence.rules import Rules, StartBy
from ems_pipeline.gensets.sequence.view import Mode, View
from ems_pipeline.gensets.states import BreakerState, EngineState

GAS = ("gas", "detonation")
"""Words in the names of alarms with which nobody starts an engine, whatever their group."""
SITE_VISIT = (
    "emergency_stop", "gas", "detonation", "overspeed", "low_oil", "high_temp", "earth_fault", "breaker",
    "close_failure", "open_failure",
)  # fmt: skip
"""Alarms that are never reset from afar: somebody has to look (facts: genset-operation section 3)."""
STATUS = ("shutdown_alarm", "trip_stop_alarm", "trip_alarm", "block_alarm")
"""Bits of the status word that say the same as the groups, and are read with every poll."""
AT_REST = frozenset({EngineState.STANDBY})
RESETTABLE = frozenset(
    {EngineState.STANDBY, EngineState.ENERGISED_TO_STOP, EngineState.POST_STOP, EngineState.STOP_FAILURE}
)
SLOWEST_RPM = 50.0


class Asked(NamedTuple):
    """What an interlock looks at."""

    order: Order
    rules: Rules
    view: View


Interlock = Callable[[Asked], str]
"""Why not; empty: nothing is in the way. Every text ends with what mends it."""


def data_old(asked: Asked) -> str:
    """Older than 10 s, answered in parts, or a state that is not known."""
    if asked.view.is_fresh(asked.rules):
        return ""
    taken = asked.view.snapshot.taken_at
    when = "never answered" if taken is None else f"answered last at {taken:%H:%M:%S}"
    return f"the controller {when} (link {asked.view.snapshot.link}), or its mode or state is not known; wait for it"


def alarm_stands(asked: Asked) -> str:
    """Shutdown, trip or block."""
    if asked.view.is_wrong is None:
        return "whether an alarm stands is not known; wait for the controller's next answer"
    if asked.view.is_wrong and asked.view.snapshot.alarms is None:
        return "an alarm stands and was not read; wait for the controller's next answer"
    bits = [bit for bit in STATUS if asked.view.snapshot.bits.get(bit)]
    if found := asked.view.standing() or bits:
        return f"{', '.join(found)} stands; remove its cause, then reset"
    return ""


def gas_alarm(asked: Asked) -> str:
    """Gas or detonation, be it a warning."""
    found = asked.view.named(*GAS)
    return f"{', '.join(found)} stands; have the set looked at on site" if found else ""


def locked(asked: Asked) -> str:
    """A person's lock, or an open order that wants the engine stopped."""
    locks = asked.view.memory.locks
    return f"locked out: {'; '.join(locks)}; lift the lock or close the order first" if locks else ""


def somebody_there(asked: Asked) -> str:
    """A mode that neither the controller's own AUTO nor we left it in: somebody may be at the set."""
    mode = asked.view.mode
    if mode is None or mode is Mode.AUTO or (mode is asked.view.memory.owned_mode and mode is not Mode.TEST):
        return ""
    return f"the mode is {mode}, and not by us: somebody may be at the set; have AUTO chosen there"


def not_ours_to_start(asked: Asked) -> str:
    """The site gave start to the master."""
    if asked.rules.start_by is StartBy.MANUAL:
        return ""
    return (
        "the site gave start to the master (start_by: auto): the set starts by a request of its switchboard or a dry "
        "contact; ask there, or say start_by: manual in the site file"
    )


def in_stop(asked: Asked) -> str:
    """Left in STOP by a command: it starts by nobody until it is given back."""
    is_stop = asked.view.mode is Mode.STOP
    return "it was left in STOP; give it back to its controller first (auto)" if is_stop else ""


def jacket_cold(asked: Asked) -> str:
    """Colder than a start allows, or not known."""
    least = asked.rules.jacket_min_c
    if least is None:
        return ""
    found = asked.view.number("coolant_c")
    if found is None:
        return "the coolant's temperature is not known; mend the sensor, or say jacket_min_c: off in the site file"
    return f"the jacket has {found:g} °C, {least:g} °C are needed; see to the preheater" if found < least else ""


def not_at_rest(asked: Asked) -> str:
    """The engine does not stand still."""
    engine = asked.view.engine
    return "" if engine in AT_REST else f"the engine is in {engine}, not at rest; wait, or stop it first"


def breaker_not_open(asked: Asked) -> str:
    """A standing set whose breaker is not known to be open."""
    breaker = asked.view.breaker
    if breaker in (None, BreakerState.OPEN) and not asked.view.snapshot.bits.get("generator_closed"):
        return ""
    return f"the engine stands and its breaker is {breaker}; have it looked at on site"


def not_turning(asked: Asked) -> str:
    """There is nothing to stop."""
    engine = asked.view.engine
    running = engine in (EngineState.RUNNING, EngineState.WAIT_LOAD, EngineState.WARMING_UP, EngineState.START_IDLE)
    return "" if running else f"the engine is in {engine}; a stop is for a set that runs"


def not_loaded(asked: Asked) -> str:
    """There is no power to set."""
    if asked.rules.is_switchboard:
        return ""
    if asked.view.engine is EngineState.RUNNING and asked.view.breaker is BreakerState.CLOSED:
        return ""
    return f"the engine is in {asked.view.engine}, its breaker {asked.view.breaker}; a power is for a set on load"


def power_out_of_range(asked: Asked) -> str:
    """Below the least load or above the rated power."""
    if asked.order.power_w is None:
        return "no power is named; say how much" if asked.order.kind in (Kind.POWER, Kind.RUN) else ""
    wanted, least = asked.rules.pct(asked.order.power_w), asked.rules.min_power_pct
    if least <= wanted <= 100:
        return ""
    bounds = f"{least:g} to 100 % of {asked.rules.rated_power_w / 1000:g} kW"
    return f"{asked.order.power_w / 1000:g} kW are {wanted:.1f} %, outside {bounds}; ask for a power within"


def too_many_starts(asked: Asked) -> str:
    """Per hour, and per day."""
    now_at, rules = asked.view.now_at, asked.rules
    hour = sum(at > now_at - timedelta(hours=1) for at in asked.view.memory.starts)
    day = sum(at > now_at - timedelta(hours=24) for at in asked.view.memory.starts)
    if hour >= rules.starts_per_hour:
        return f"{hour} starts within an hour, {rules.starts_per_hour} are allowed; wait"
    return f"{day} starts within 24 h, {rules.starts_per_day} are allowed; wait" if day >= rules.starts_per_day else ""


def pause_too_short(asked: Asked) -> str:
    """It has just come to rest."""
    stopped_at = asked.view.memory.stopped_at
    if stopped_at is None or asked.view.now_at - stopped_at >= asked.rules.min_pause:
        return ""
    return f"it stands since {stopped_at:%H:%M:%S}; wait until {stopped_at + asked.rules.min_pause:%H:%M:%S}"


def run_too_short(asked: Asked) -> str:
    """A plan lets a set run for a while; a person may stop it."""
    from_at = asked.view.memory.running_from_at
    if not asked.order.is_dispatch or from_at is None or asked.view.now_at - from_at >= asked.rules.min_run:
        return ""
    return f"it runs since {from_at:%H:%M:%S}; a plan stops it from {from_at + asked.rules.min_run:%H:%M:%S} on"


def not_ours_to_stop(asked: Asked) -> str:
    """A plan stops only what it may start: a set in MANUAL by us."""
    if not asked.order.is_dispatch or asked.view.mode is Mode.MANUAL:
        return ""
    return f"it runs in {asked.view.mode} by its master, not by the plan; release it instead"


def nothing_to_reset(asked: Asked) -> str:
    """No alarm stands."""
    return "" if asked.view.is_wrong else "no alarm stands; there is nothing to reset"


def turning(asked: Asked) -> str:
    """The engine turns, or nobody knows."""
    rpm, engine = asked.view.number("rpm"), asked.view.engine
    if rpm is not None and rpm < SLOWEST_RPM and engine in RESETTABLE:
        return ""
    said = "unknown" if rpm is None else f"{rpm:g} rpm"
    return f"the engine is in {engine} at a speed of {said}; reset is for a set that stands"


def wants_a_visit(asked: Asked) -> str:
    """Alarms after which somebody looks at the set."""
    if asked.view.snapshot.alarms is None:
        return "which alarm stands was not read; wait for the controller's next answer"
    found = asked.view.named(*SITE_VISIT)
    return f"{', '.join(found)} is never reset from afar; visit the site" if found else ""


def too_many_resets(asked: Asked) -> str:
    """One per ten minutes, three per hour, then a site visit."""
    now_at, rules = asked.view.now_at, asked.rules
    lately = [at for at in asked.view.memory.resets if at > now_at - timedelta(hours=1)]
    if len(lately) >= rules.resets_per_hour:
        return f"{len(lately)} resets within an hour did not help; visit the site"
    if lately and now_at - max(lately) < rules.between_resets:
        return f"the last reset was at {max(lately):%H:%M:%S}; wait until {max(lately) + rules.between_resets:%H:%M:%S}"
    return ""


def nobody_named(asked: Asked) -> str:
    """A reset has a person and a reason."""
    is_named = not asked.order.is_dispatch and bool(asked.order.reason.strip())
    return "" if is_named else "a reset is a named person's, with a reason; say why"


SAFE_TO_START: tuple[Interlock, ...] = (locked, somebody_there, alarm_stands, gas_alarm, not_at_rest)
START: tuple[Interlock, ...] = (
    not_ours_to_start, *SAFE_TO_START, in_stop, jacket_cold, breaker_not_open, too_many_starts, pause_too_short,
    power_out_of_range,
)  # fmt: skip
OF: Mapping[Kind, tuple[Interlock, ...]] = {
    Kind.START: START,
    Kind.STOP: (somebody_there, not_turning, not_ours_to_stop, run_too_short),
    Kind.AUTO: SAFE_TO_START,
    Kind.MANUAL: (not_ours_to_start, *SAFE_TO_START),
    Kind.POWER: (somebody_there, not_loaded, power_out_of_range),
    Kind.MUTE: (),
    Kind.RESET: (nobody_named, locked, somebody_there, nothing_to_reset, wants_a_visit, turning, too_many_resets),
    Kind.RUN: (somebody_there, power_out_of_range),
    Kind.RELEASE: (),
}
"""A run that has to start its set holds the interlocks of a start besides."""
ENGINE_ONLY = frozenset({Kind.START, Kind.STOP, Kind.MANUAL, Kind.RESET, Kind.RUN, Kind.AUTO})


def breaches(order: Order, rules: Rules, view: View) -> dict[str, str]:
    """By interlock why the command is refused now; empty: it may go."""
    asked = Asked(order, rules, view)
    if rules.is_switchboard and order.kind in ENGINE_ONLY:
        return {"not_offered": f"{order.kind} is of a set; a switchboard takes {', '.join(SWITCHBOARD)}"}
    if why := data_old(asked):
        return {"data_old": why}
    return {lock.__name__: why for lock in OF[order.kind] if (why := lock(asked))}


def start_breaches(order: Order, rules: Rules, view: View) -> dict[str, str]:
    """The same for a start, whatever command leads to it."""
    asked = Asked(order, rules, view)
    return {lock.__name__: why for lock in (data_old, *START) if (why := lock(asked))}


SWITCHBOARD = tuple(str(kind) for kind in Kind if kind not in ENGINE_ONLY)
