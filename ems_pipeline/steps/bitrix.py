"""Services that are due become tasks in Bitrix24, and what people did there becomes our log.

Looking at all open tasks every five minutes is the truth; an event of the portal only makes the look earlier. What is
to be said stands in the database before it is sent, and of one order in its order. An answer that did not come means
nothing: a portal ends a request after a minute, so we wait for that, look the task up by its key, and go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from ems_pipeline import settings
from ems_pipeline.bitrix import tasks
from ems_pipeline.bitrix.address import Webhook
from ems_pipeline.bitrix.order import Closed, Seen
from ems_pipeline.bitrix.portal import Portal
from ems_pipeline.bitrix.refusal import BitrixError, Full, Overloaded, Refused, Shut, Spent
from ems_pipeline.bitrix.tasks import Place
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import Warehouse, alarms, bitrix, bitrix_post
from ems_pipeline.warehouse.alarms import Trouble
from ems_pipeline.warehouse.bitrix import Known
from ems_pipeline.warehouse.bitrix_post import Letter, Standing
from ems_pipeline.warehouse.engine import Connection

PORTAL, TASK = "bitrix-portal", "bitrix-task:"
"""Kinds of its alarms; the number of the order follows the second."""
CERTAINLY_OVER = timedelta(seconds=75)
"""A portal ends a request after 60 s: what was not answered is not being done any more."""
ACCESS_AGAIN, REFUSED_AGAIN, FULL_AGAIN = timedelta(minutes=15), timedelta(hours=1), timedelta(minutes=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=75), timedelta(minutes=15)
PATIENCE = timedelta(minutes=10)
"""How long a portal may be away before people should know: nothing is lost meanwhile."""


@dataclass(frozen=True)
class Office:
    """The portal that services are told to, and how."""

    portal: Portal
    place: Place
    language: str


def is_set_up() -> bool:
    """Whether a portal is named. SecretUnreadable: see `Setting.read`."""
    return settings.BITRIX_WEBHOOK.is_set()


def office(clock: Clock) -> Office | None:
    """From the environment; None where no portal is named. SecretUnreadable, WrongSetting: see `Setting.read`."""
    address = settings.BITRIX_WEBHOOK.read()
    if address is None:
        return None
    webhook = Webhook.of(address)
    place = Place(settings.BITRIX_RESPONSIBLE.read() or webhook.user, settings.BITRIX_GROUP.read())
    return Office(Portal(webhook, clock), place, settings.BITRIX_LANGUAGE.read())


def is_due(warehouse: Warehouse, now: datetime) -> bool:
    """Whether a synchronisation would do anything."""
    with warehouse.begin() as connection:
        if not bitrix_post.standing(connection).may_ask(now):
            return False
        return bitrix.is_news(connection) or bitrix_post.is_due(connection, now)


def synchronise(warehouse: Warehouse, clock: Clock, office: Office) -> list[str]:
    """Say what is to be said, look at what people did; what happened, a line each."""
    with _alone(warehouse) as is_mine:
        if not is_mine:
            return ["another synchronisation is under way"]
        with warehouse.begin() as connection:
            state = bitrix_post.standing(connection)
            if not state.may_ask(clock.now()):
                return [f"the portal is left alone: {state.problem}"]
            bitrix.file_ended(connection, clock.now())
            filed = bitrix.file_due(connection, state.installation, office.language, clock.now())
            letters = bitrix_post.due(connection, clock.now())
        told = [f"{filed} services became tasks"] if filed else []
        try:
            told += [line for letter in letters for line in _sent(warehouse, clock, office, letter)]
            if state.is_look_due(clock.now()):
                told += _looked(warehouse, clock, office.portal)
        except BitrixError as error:
            told.append(str(error))
            _fail(warehouse, clock.now(), state, error)
        with warehouse.begin() as connection:
            _tell(connection, clock.now())
        return told


@contextmanager
def _alone(warehouse: Warehouse) -> Iterator[bool]:
    with warehouse.engine.connect() as session:
        is_mine = bitrix_post.alone(session)
        session.commit()  # the lock is the session's, and no transaction stands open for minutes
        try:
            yield is_mine
        finally:
            if is_mine:
                bitrix_post.done_alone(session)


def _sent(warehouse: Warehouse, clock: Clock, office: Office, letter: Letter) -> list[str]:
    """Say one thing. BitrixError: the portal as a whole does not answer; what it refuses costs this letter alone."""
    with warehouse.begin() as connection:
        one = bitrix.of_order(connection, letter.order_id)
        bitrix_post.begin(connection, letter, clock.now() + CERTAINLY_OVER)
    try:
        if letter.what == "add":
            task_id, _ = tasks.put(office.portal, one.order, office.place)
            with warehouse.begin() as connection:
                bitrix.added(connection, one.order_id, task_id, clock.now())
                bitrix_post.end(connection, letter, clock.now())
                bitrix_post.answered(connection, clock.now())
            return [f"{one.order.key}: task {task_id} stands"]
        _say(office.portal, one, letter)
    except Refused as error:
        with warehouse.begin() as connection:
            bitrix_post.put_off(connection, letter, str(error), clock.now() + REFUSED_AGAIN, is_refused=True)
        return [f"{one.order.key}: {error}"]
    except BitrixError as error:
        pause = CERTAINLY_OVER if letter.tries == 0 else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(letter.tries, 10))
        with warehouse.begin() as connection:
            bitrix_post.put_off(connection, letter, str(error), clock.now() + pause)
        raise
    with warehouse.begin() as connection:
        bitrix_post.end(connection, letter, clock.now())
        bitrix_post.answered(connection, clock.now())
    return [f"{one.order.key}: {letter.what} was taken"]


def _say(portal: Portal, one: Known, letter: Letter) -> None:
    if one.task_id is None:
        return
    if letter.what == "complete":
        tasks.complete(portal, one.task_id, one.order, letter.said["codes"])
    else:
        tasks.say(portal, one.task_id, letter.said["text"], f"{one.order.key}.{letter.number}")


def _looked(warehouse: Warehouse, clock: Clock, portal: Portal) -> list[str]:
    """Look at all tasks that people may be working at. BitrixError: nobody knows."""
    with warehouse.begin() as connection:
        followed = {one.task_id: one for one in bitrix.followed(connection) if one.task_id is not None}
    began_at, told = clock.now(), list[str]()
    found = tasks.look(portal, followed.keys()) if followed else {}
    for task_id, one in followed.items():
        told += _followed(warehouse, clock, portal, one, found.get(task_id))
    with warehouse.begin() as connection:
        bitrix_post.looked(connection, began_at)
        if followed:
            bitrix_post.answered(connection, clock.now())
    return told


def _followed(warehouse: Warehouse, clock: Clock, portal: Portal, one: Known, seen: Seen | None) -> list[str]:
    """Draw the conclusions of how a task stands; what was seen before is nothing new."""
    if seen is None:
        text = f"task {one.task_id} ({one.order.title}) is gone from Bitrix24, or the webhook's user may not see it"
        with warehouse.begin() as connection:
            bitrix.turn(connection, one.order_id, "gone", clock.now(), problem=f"{text}; {GONE}")
        return [text]
    is_same = seen.changed_at is not None and seen.changed_at == one.changed_at
    if is_same and seen.is_closed == (one.state == "unfinished"):  # a portal's instants are whole seconds
        return []
    if not seen.is_closed:
        with warehouse.begin() as connection:
            bitrix.turn(connection, one.order_id, "open", clock.now(), seen)
        return []
    return [_taken(warehouse, clock, portal, one, seen)]


GONE = "have it added again (POST /api/v1/integrations/bitrix24/sync with again), or do the order here"


def _taken(warehouse: Warehouse, clock: Clock, portal: Portal, one: Known, seen: Seen) -> str:
    """A closed task becomes our log; with a critical line open it does not, and those who see the task are told."""
    ticks = tasks.ticks(portal, seen.task_id, one.order)
    closed = Closed(seen.task_id, ticks, seen.by, min(seen.closed_at or clock.now(), clock.now()))
    try:
        with warehouse.begin() as connection:
            left = bitrix.take(connection, one, closed)
            bitrix.turn(connection, one.order_id, "unfinished" if left else "done", clock.now(), seen)
            if left:
                text = f"{', '.join(left)}: critical and not ticked, so {one.order.title} stays due. Reopen, do, close."
                bitrix_post.post(connection, one.order_id, "say", {"text": text}, clock.now())
    except ValueError as error:  # our own log does not take it: a person has to say something first
        with warehouse.begin() as connection:
            bitrix.turn(connection, one.order_id, one.state, clock.now(), problem=str(error))
        return f"{one.order.key}: {error}"
    return f"{one.order.key}: {'critical lines are open: ' + ', '.join(left) if left else 'done'}"


def _fail(warehouse: Warehouse, now: datetime, state: Standing, error: BitrixError) -> None:
    held_until = None
    match error:
        case Spent():
            held_until = max(now + FULL_AGAIN, error.until_at or now)
        case Shut():
            held_until = now + ACCESS_AGAIN
        case Full():
            held_until = now + FULL_AGAIN
        case Overloaded():
            pass
        case _:
            since = state.failing_since or now
            held_until = now + min(LONGEST_PAUSE, max(FULL_AGAIN, (now - since) / 2))
    with warehouse.begin() as connection:
        bitrix_post.failed(connection, str(error), now, held_until, is_shut=isinstance(error, Overloaded))
        text = f"no service becomes a task, and no task is seen: {error}"
        is_long = state.failing_since is not None and now - state.failing_since >= PATIENCE
        if isinstance(error, Overloaded | Shut) or is_long:
            severity = "critical" if isinstance(error, Overloaded) else "warning"
            alarms.settle(connection, PORTAL, [Trouble(None, PORTAL, severity, text)], now)


def _tell(connection: Connection, now: datetime) -> None:
    """Alarms of tasks that people should look at, and the end of what is over."""
    found = [
        Trouble(site, f"{TASK}{order}", "warning", problem) for order, site, problem in bitrix.troubles(connection)
    ]
    alarms.settle(connection, TASK, found, now)
    if not bitrix_post.standing(connection).problem:
        alarms.clear(connection, None, PORTAL, now)
