"""Why a command is refused now. Each interlock stands once; which hold for a command is a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from ems_pipeline.gensets.sequence.order import Kind, Order
from ems_pipeline.gensets.sequence.rules import Rules, StartBy
from ems_pipeline.gensets.sequence.view import Mode, View
from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.sentence import gensets as say

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
NOT_KNOWN, UNKNOWN_STATE = (one.text for one in say.NOT_KNOWN)


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
    taken, link = asked.view.snapshot.taken_at, asked.view.snapshot.link
    return say.NEVER_ANSWERED(link=link) if taken is None else say.DATA_OLD(time=f"{taken:%H:%M:%S}", link=link)


def alarm_stands(asked: Asked) -> str:
    """Shutdown, trip or block."""
    if asked.view.is_wrong is None:
        return say.ALARM_UNKNOWN()
    if asked.view.is_wrong and asked.view.snapshot.alarms is None:
        return say.ALARM_UNREAD()
    bits = [bit for bit in STATUS if asked.view.snapshot.bits.get(bit)]
    if found := asked.view.standing() or bits:
        return say.ALARM_STANDS(alarms=", ".join(found))
    return ""


def gas_alarm(asked: Asked) -> str:
    """Gas or detonation, be it a warning."""
    found = asked.view.named(*GAS)
    return say.GAS_STANDS(alarms=", ".join(found)) if found else ""


def locked(asked: Asked) -> str:
    """A person's lock, or an open order that wants the engine stopped."""
    locks = asked.view.memory.locks
    return say.LOCKED(locks="; ".join(locks)) if locks else ""


def somebody_there(asked: Asked) -> str:
    """A mode that neither the controller's own AUTO nor we left it in: somebody may be at the set."""
    mode = asked.view.mode
    if mode is None or mode is Mode.AUTO or (mode is asked.view.memory.owned_mode and mode is not Mode.TEST):
        return ""
    return say.SOMEBODY_THERE(mode=mode)


def not_ours_to_start(asked: Asked) -> str:
    """The site gave start to the master."""
    return "" if asked.rules.start_by is StartBy.MANUAL else say.MASTERS_START()


def in_stop(asked: Asked) -> str:
    """Left in STOP by a command: it starts by nobody until it is given back."""
    return say.IN_STOP() if asked.view.mode is Mode.STOP else ""


def jacket_cold(asked: Asked) -> str:
    """Colder than a start allows, or not known."""
    least = asked.rules.jacket_min_c
    if least is None:
        return ""
    found = asked.view.number("coolant_c")
    if found is None:
        return say.JACKET_UNKNOWN()
    return say.JACKET_COLD(found=f"{found:g} °C", least=f"{least:g} °C") if found < least else ""


def not_at_rest(asked: Asked) -> str:
    """The engine does not stand still."""
    engine = asked.view.engine
    return "" if engine in AT_REST else say.NOT_AT_REST(engine=engine or UNKNOWN_STATE)


def breaker_not_open(asked: Asked) -> str:
    """A standing set whose breaker is not known to be open."""
    breaker = asked.view.breaker
    if breaker in (None, BreakerState.OPEN) and not asked.view.snapshot.bits.get("generator_closed"):
        return ""
    return say.BREAKER_NOT_OPEN(breaker=breaker or NOT_KNOWN)


def not_turning(asked: Asked) -> str:
    """There is nothing to stop."""
    engine = asked.view.engine
    running = engine in (EngineState.RUNNING, EngineState.WAIT_LOAD, EngineState.WARMING_UP, EngineState.START_IDLE)
    return "" if running else say.NOT_TURNING(engine=engine or UNKNOWN_STATE)


def not_loaded(asked: Asked) -> str:
    """There is no power to set."""
    if asked.rules.is_switchboard:
        return ""
    engine, breaker = asked.view.engine, asked.view.breaker
    if engine is EngineState.RUNNING and breaker is BreakerState.CLOSED:
        return ""
    return say.NOT_LOADED(engine=engine or UNKNOWN_STATE, breaker=breaker or NOT_KNOWN)


def power_out_of_range(asked: Asked) -> str:
    """Below the least load or above the rated power."""
    if asked.order.power_w is None:
        return say.NO_POWER() if asked.order.kind in (Kind.POWER, Kind.RUN) else ""
    wanted, least = asked.rules.pct(asked.order.power_w), asked.rules.min_power_pct
    if least <= wanted <= 100:
        return ""
    return say.POWER_OUTSIDE(
        asked=f"{asked.order.power_w / 1000:g} kW", share=f"{wanted:.1f} %", least=f"{least:g}", most="100 %",
        rated=f"{asked.rules.rated_power_w / 1000:g} kW",
    )  # fmt: skip


def too_many_starts(asked: Asked) -> str:
    """Per hour, and per day."""
    now_at, rules = asked.view.now_at, asked.rules
    hour = sum(at > now_at - timedelta(hours=1) for at in asked.view.memory.starts)
    day = sum(at > now_at - timedelta(hours=24) for at in asked.view.memory.starts)
    if hour >= rules.starts_per_hour:
        return say.STARTS_AN_HOUR(starts=str(hour), most=str(rules.starts_per_hour))
    return say.STARTS_A_DAY(starts=str(day), most=str(rules.starts_per_day)) if day >= rules.starts_per_day else ""


def pause_too_short(asked: Asked) -> str:
    """It has just come to rest."""
    stopped_at = asked.view.memory.stopped_at
    if stopped_at is None or asked.view.now_at - stopped_at >= asked.rules.min_pause:
        return ""
    return say.PAUSE_SHORT(time=f"{stopped_at:%H:%M:%S}", until=f"{stopped_at + asked.rules.min_pause:%H:%M:%S}")


def run_too_short(asked: Asked) -> str:
    """A plan lets a set run for a while; a person may stop it."""
    from_at = asked.view.memory.running_from_at
    if not asked.order.is_dispatch or from_at is None or asked.view.now_at - from_at >= asked.rules.min_run:
        return ""
    return say.RUN_SHORT(time=f"{from_at:%H:%M:%S}", until=f"{from_at + asked.rules.min_run:%H:%M:%S}")


def not_ours_to_stop(asked: Asked) -> str:
    """A plan stops only what it may start: a set in MANUAL by us."""
    if not asked.order.is_dispatch or asked.view.mode is Mode.MANUAL:
        return ""
    return say.MASTERS_STOP(mode=asked.view.mode or NOT_KNOWN)


def nothing_to_reset(asked: Asked) -> str:
    """No alarm stands."""
    return "" if asked.view.is_wrong else say.NOTHING_TO_RESET()


def turning(asked: Asked) -> str:
    """The engine turns, or nobody knows."""
    rpm, engine = asked.view.number("rpm"), asked.view.engine
    if rpm is not None and rpm < SLOWEST_RPM and engine in RESETTABLE:
        return ""
    speed = NOT_KNOWN if rpm is None else f"{rpm:g} rpm"
    return say.TURNING(engine=engine or UNKNOWN_STATE, speed=speed)


def wants_a_visit(asked: Asked) -> str:
    """Alarms after which somebody looks at the set."""
    if asked.view.snapshot.alarms is None:
        return say.WHICH_UNREAD()
    found = asked.view.named(*SITE_VISIT)
    return say.WANTS_A_VISIT(alarms=", ".join(found)) if found else ""


def too_many_resets(asked: Asked) -> str:
    """One per ten minutes, three per hour, then a site visit."""
    now_at, rules = asked.view.now_at, asked.rules
    lately = [at for at in asked.view.memory.resets if at > now_at - timedelta(hours=1)]
    if len(lately) >= rules.resets_per_hour:
        return say.RESETS_AN_HOUR(resets=str(len(lately)))
    if lately and now_at - max(lately) < rules.between_resets:
        until_at = max(lately) + rules.between_resets
        return say.RESET_LATELY(time=f"{max(lately):%H:%M:%S}", until=f"{until_at:%H:%M:%S}")
    return ""


def nobody_named(asked: Asked) -> str:
    """A reset has a person and a reason."""
    is_named = not asked.order.is_dispatch and bool(asked.order.reason.strip())
    return "" if is_named else say.NOBODY_NAMED()


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
        return {"not_offered": say.NOT_OF_SWITCHBOARD(kind=order.kind, kinds=", ".join(SWITCHBOARD))}
    if why := data_old(asked):
        return {"data_old": why}
    return {lock.__name__: why for lock in OF[order.kind] if (why := lock(asked))}


def start_breaches(order: Order, rules: Rules, view: View) -> dict[str, str]:
    """The same for a start, whatever command leads to it."""
    asked = Asked(order, rules, view)
    return {lock.__name__: why for lock in (data_old, *START) if (why := lock(asked))}


SWITCHBOARD = tuple(str(kind) for kind in Kind if kind not in ENGINE_ONLY)
