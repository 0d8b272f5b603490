"""What a plan wants of a set: run at a power until an instant, or not. It ends by itself: unasked, the set is released.

A run is moved on by asking again. Not to run means a stop where the start was ours, and a release where the set belongs
to its master.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ems_pipeline.gensets.sequence.interlocks import breaches, start_breaches
from ems_pipeline.gensets.sequence.order import BY_DISPATCH, Kind, Order
from ems_pipeline.gensets.sequence.progress import Step
from ems_pipeline.gensets.sequence.rules import Rules
from ems_pipeline.gensets.sequence.view import COMING_DOWN, Mode, View
from ems_pipeline.gensets.states import EngineState
from ems_pipeline.sentence import gensets as say
from ems_pipeline.warehouse import genset_commands as commands
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.genset_commands import Change, Command

LONGEST = timedelta(hours=1)
"""A plan is asked for anew each quarter-hour: a set-point that outlives this is forgotten."""
WHY = "the plan"


class Wish(NamedTuple):
    """As the driver hands it over."""

    site: str
    device: str
    run: bool
    power_w: float | None
    until_at: datetime


def take(connection: Connection, wish: Wish, rules: Rules, view: View, under_way: list[Command]) -> dict[str, Any]:
    """File or move what is wanted. ``command``: its number, ``state``; ``fault``: why it is not taken."""
    ours = next((one for one in under_way if one.order.is_dispatch), None)
    person = next((one for one in under_way if not one.order.is_dispatch), None)
    if view.withdrawn:
        return {"fault": view.withdrawn}
    if not view.now_at < wish.until_at <= view.now_at + LONGEST:
        return {"fault": f"a set-point until {wish.until_at:%H:%M:%S} is over, or longer than an hour; ask anew"}
    if person is not None:
        return {"fault": f"{person.order.kind} of {person.order.asked_by} is under way (command {person.number}); wait"}
    if wish.run:
        return _run(connection, wish, rules, view, ours)
    return _rest(connection, wish, rules, view, ours)


def _run(connection: Connection, wish: Wish, rules: Rules, view: View, ours: Command | None) -> dict[str, Any]:
    order = Order(kind=Kind.RUN, asked_by=BY_DISPATCH, power_w=wish.power_w, until_at=wish.until_at)
    found = breaches(order, rules, view)
    if wish.power_w is None or found:
        return {"fault": "; ".join(found.values())}
    if ours is not None and ours.order.kind is Kind.RUN:
        if commands.renew(connection, ours.number, wish.power_w, wish.until_at):
            return {"command": ours.number, "state": ours.state}
        return {"fault": f"command {ours.number} is backing out; wait until it has ended"}
    if ours is not None:
        return {"fault": f"the plan's {ours.order.kind} is under way (command {ours.number}); wait until it has ended"}
    if view.engine is EngineState.STANDBY and rules.start_by == "manual":
        found = start_breaches(order, rules, view)
    elif view.engine in COMING_DOWN:
        found = {"coming_down": f"the engine is {view.engine}; wait until it rests"}
    if found:
        return {"fault": "; ".join(found.values())}
    return _filed(connection, wish, Kind.RUN, view)


def _rest(connection: Connection, wish: Wish, rules: Rules, view: View, ours: Command | None) -> dict[str, Any]:
    """Stop what is ours to stop; release what belongs to its master; leave alone what rests."""
    if ours is not None and ours.order.kind is not Kind.RUN:
        return {"command": ours.number, "state": ours.state}
    is_coming_up = ours is not None and _step(ours) not in (Step.LOADING, Step.HOLDING)
    if ours is not None and is_coming_up:
        commands.cancel(connection, BY_DISPATCH, ours.number)
        return {"command": ours.number, "state": "backing-out"}
    if view.engine is EngineState.STANDBY and ours is None:
        return {"state": "at-rest"}
    kind = Kind.STOP if view.mode is Mode.MANUAL else Kind.RELEASE
    if found := breaches(Order(kind=kind, asked_by=BY_DISPATCH), rules, view):
        return {"fault": "; ".join(found.values())}
    if ours is not None:
        end = Change(number=ours.number, state="done", reason=say.PLAN_WANTS(kind=kind), step=str(_step(ours)))
        commands.journal(connection, [end], view.now_at)
    return _filed(connection, wish, kind, view)


def let_go(connection: Connection, key: tuple[str, str], view: View, under_way: list[Command]) -> dict[str, Any]:
    """Nothing of a plan's any more: what comes up backs out, what runs goes on at the site's default power."""
    ours = next((one for one in under_way if one.order.is_dispatch), None)
    if ours is None:
        return {"state": "at-rest"}
    if ours.order.kind is not Kind.RUN:
        return {"command": ours.number, "state": ours.state}
    if _step(ours) not in (Step.LOADING, Step.HOLDING):
        commands.cancel(connection, BY_DISPATCH, ours.number)
        return {"command": ours.number, "state": "backing-out"}
    end = Change(number=ours.number, state="done", reason=say.NOTHING_WANTED(), step=str(_step(ours)))
    commands.journal(connection, [end], view.now_at)
    return _filed(connection, Wish(*key, False, None, view.now_at), Kind.RELEASE, view)


def held(wish: Wish | None, under_way: list[Command], now_at: datetime) -> dict[str, float]:
    """What of a plan stands: a run as it is under way, a rest as it was last taken; zeros: nothing."""
    ours = next((one for one in under_way if one.order.is_dispatch and one.order.kind is Kind.RUN), None)
    if ours is not None and ours.order.until_at is not None and ours.order.until_at > now_at:
        return {"run_power_w": ours.order.power_w or 0.0, "run_until": ours.order.until_at.timestamp()}
    if wish is not None and not wish.run and wish.until_at > now_at:
        return {"run_power_w": 0.0, "run_until": wish.until_at.timestamp()}
    return {"run_power_w": 0.0, "run_until": 0.0}


def _filed(connection: Connection, wish: Wish, kind: Kind, view: View) -> dict[str, Any]:
    power_w, until_at = (wish.power_w, wish.until_at) if kind is Kind.RUN else (None, None)
    number = commands.file_dispatch(connection, wish.site, wish.device, kind, power_w, until_at, WHY, view.now_at)
    return {"command": number, "state": "confirmed"}


def _step(command: Command) -> str:
    return str((command.progress or {}).get("step", Step.CHECK))
