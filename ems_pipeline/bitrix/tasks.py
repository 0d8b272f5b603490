"""A task with its checklist in a portal: found or added, filled, looked at, told, closed.

Added once: what we call an order is a tag of its task and stands at the end of its title, and is searched before
anything is added. REST 3.0 takes a key besides, under which the same is not done twice within a day; it takes no tags,
which follow by the old version. Checklists are the old version's alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ems_pipeline.bitrix.order import Item, Order, Seen, Tick
from ems_pipeline.bitrix.portal import MOST_AT_ONCE, Command, Portal, Result, split
from ems_pipeline.bitrix.reading import instant_of, mapping, number
from ems_pipeline.bitrix.refusal import Shut, Unanswered

CLOSED = frozenset({"4", "5"})
"""Supposedly completed (somebody has still to approve it) and completed."""
COMMON_TAG = "ems"
ADD, SAY = "tasks.task.add", "tasks.task.chat.message.send"
SHOWN = ["ID", "STATUS", "CHANGED_DATE", "CLOSED_DATE", "CLOSED_BY", "RESPONSIBLE_ID"]


@dataclass(frozen=True)
class Place:
    """Whose task it becomes, and in which group (project) of the portal; None: in none."""

    responsible: int
    group: int | None = None


def find(portal: Portal, key: str) -> int | None:
    """The task of an order by its tag, or by its title where the tag did not get that far; the first of several.

    Somebody may have copied it, with its tags. BitrixError: nobody knows.
    """
    order, select = {"ID": "asc"}, ["ID", "TITLE"]
    found = portal.batch([
        Command("tag", "tasks.task.list", {"order": order, "filter": {"TAG": key}, "select": select}),
        Command("title", "tasks.task.list", {"order": order, "filter": {"%TITLE": _mark(key)}, "select": select}),
    ])  # fmt: skip
    tagged = _tasks(found.get("tag"))
    titled = [task for task in _tasks(found.get("title")) if _mark(key) in str(task.get("title", ""))]
    return min((n for task in [*tagged, *titled] if (n := number(task.get("id")))), default=None)


def put(portal: Portal, order: Order, place: Place) -> tuple[int, dict[str, int]]:
    """The task of an order, found or added, and the numbers of its checklist's lines by code. BitrixError: see there.

    May be said again after any error: what is there already is not added.
    """
    task_id = find(portal, order.key)
    if task_id is not None:
        return task_id, fill(portal, task_id, order)
    if portal.offers(ADD):
        try:
            task_id = _added_once(portal, order, place)
        except Shut:  # the webhook has no scope for REST 3.0; if it has none at all, the old version says so, too
            pass
        else:
            return task_id, fill(portal, task_id, order)
    return _added_whole(portal, order, place)


def _added_once(portal: Portal, order: Order, place: Place) -> int:
    fields: dict[str, Any] = {
        "title": _title(order), "description": order.text, "creatorId": portal.webhook.user,
        "responsibleId": place.responsible, "priority": "high" if order.is_urgent else "average",
    }  # fmt: skip
    if order.deadline_at is not None:
        fields["deadline"] = order.deadline_at.isoformat()
    if place.group is not None:
        fields["groupId"] = place.group
    task_id = number(mapping(mapping(portal.call_new(ADD, order.key, fields=fields)).get("item")).get("id"))
    if task_id is None:
        raise Unanswered(f"Bitrix24 at {portal.webhook.host}, {ADD}: an answer without the number of the task")
    portal.call("tasks.task.update", taskId=task_id, fields={"TAGS": [order.key, COMMON_TAG]})
    return task_id


def _added_whole(portal: Portal, order: Order, place: Place) -> tuple[int, dict[str, int]]:
    """By the old version: the task and its checklist in as few requests as there can be (TO-4: two)."""
    fields: dict[str, Any] = {
        "TITLE": _title(order), "DESCRIPTION": order.text, "RESPONSIBLE_ID": place.responsible,
        "PRIORITY": 2 if order.is_urgent else 1, "TAGS": [order.key, COMMON_TAG],
    }  # fmt: skip
    if order.deadline_at is not None:
        fields["DEADLINE"] = order.deadline_at.isoformat()
    if place.group is not None:
        fields["GROUP_ID"] = place.group
    now, later = order.items[: MOST_AT_ONCE - 2], order.items[MOST_AT_ONCE - 2 :]
    lines = _lines(Result("$result[task][task][id]"), order, None, list(enumerate(now)))
    answers = portal.batch([Command("task", ADD, {"fields": fields}), *lines])
    task_id = number(mapping(mapping(answers.get("task")).get("task")).get("id"))
    if task_id is None:
        raise Unanswered(f"Bitrix24 at {portal.webhook.host}, {ADD}: an answer without the number of the task")
    numbers, head = _numbers(answers), number(answers.get("head"))
    rest = list(enumerate(later, start=len(now)))
    return task_id, numbers | (_add_lines(portal, task_id, order, head, rest) if rest else {})


def fill(portal: Portal, task_id: int, order: Order) -> dict[str, int]:
    """Add what the checklist lacks; the numbers of all its lines by code. BitrixError: see there."""
    there = _checklist(portal, task_id)
    known = _by_code(there, order)
    heads = [number(line.get("ID")) for line in there if number(line.get("PARENT_ID")) is None]
    missing = [(i, item) for i, item in enumerate(order.items) if item.code not in known]
    return known | (_add_lines(portal, task_id, order, heads[0] if heads else None, missing) if missing else {})


def look(portal: Portal, task_ids: Collection[int]) -> dict[int, Seen]:
    """Tasks as they stand now; one that is not in it is gone, or not ours to see. BitrixError: nobody knows."""
    found: dict[int, Seen] = {}
    for start in range(0, len(task_ids), MOST_AT_ONCE):  # as many as there are on a page
        part = sorted(task_ids)[start : start + MOST_AT_ONCE]
        answer = portal.call("tasks.task.list", filter={"ID": part}, select=SHOWN, order={"ID": "asc"})
        found |= {seen.task_id: seen for task in _tasks(answer) if (seen := _seen(task)) and seen.task_id in part}
    return found


def ticks(portal: Portal, task_id: int, order: Order) -> dict[str, Tick]:
    """The checklist as people left it, by code; a line that somebody deleted is not in it. BitrixError: see there."""
    lines = _checklist(portal, task_id)
    by_number = {number(line.get("ID")): line for line in lines}
    return {code: _tick(by_number[line]) for code, line in _by_code(lines, order).items()}


def complete(portal: Portal, task_id: int, order: Order, done: Collection[str]) -> None:
    """Tick what was done and close the task; what people have ticked or closed before stays. BitrixError: see there."""
    found = look(portal, [task_id])
    if task_id not in found or found[task_id].is_closed:
        return
    lines = _checklist(portal, task_id)
    is_open = {number(line.get("ID")) for line in lines if line.get("IS_COMPLETE") != "Y"}
    commands = [
        Command(f"i{line}", "task.checklistitem.complete", {"TASKID": task_id, "ITEMID": line})
        for code, line in _by_code(lines, order).items()
        if code in done and line in is_open
    ]
    for part in split([*commands, Command("task", "tasks.task.complete", {"taskId": task_id})]):
        portal.batch(part)


def say(portal: Portal, task_id: int, text: str, key: str) -> None:
    """Tell those who see the task, in its chat; in a comment where the portal has no chats. BitrixError: see there."""
    if portal.offers(SAY):
        try:
            portal.call_new(SAY, key, fields={"taskId": task_id, "text": text})
        except Shut:  # no scope for it
            pass
        else:
            return
    portal.call("task.commentitem.add", TASKID=task_id, FIELDS={"POST_MESSAGE": text})


def _mark(key: str) -> str:
    return f"[{key}]"


def _title(order: Order) -> str:
    return f"{order.title} {_mark(order.key)}"


def _lines(task: int | Result, order: Order, head: int | None, items: Iterable[tuple[int, Item]]) -> Iterator[Command]:
    """Lines of the checklist, after its head where there is none: a parent that is not there would be made anew."""
    parent: int | Result = Result("$result[head]") if head is None else head
    if head is None:
        fields: dict[str, Any] = {"TITLE": order.title, "PARENT_ID": 0}
        yield Command("head", "task.checklistitem.add", {"TASKID": task, "FIELDS": fields})
    for i, item in items:
        fields = {
            "TITLE": item.line, "PARENT_ID": parent, "SORT_INDEX": 10 * (i + 1),
            "IS_IMPORTANT": "Y" if item.critical else "N",
        }  # fmt: skip
        yield Command(item.code, "task.checklistitem.add", {"TASKID": task, "FIELDS": fields})


def _add_lines(
    portal: Portal, task_id: int, order: Order, head: int | None, items: Sequence[tuple[int, Item]]
) -> dict[str, int]:
    added: dict[str, int] = {}
    room = MOST_AT_ONCE if head is not None else MOST_AT_ONCE - 1
    while items:
        answers = portal.batch(list(_lines(task_id, order, head, items[:room])))
        head = number(answers.get("head")) or head
        added |= _numbers(answers)
        items, room = items[room:], MOST_AT_ONCE
    return added


def _numbers(answers: Mapping[str, Any]) -> dict[str, int]:
    return {code: line for code, said in answers.items() if code not in ("task", "head") and (line := number(said))}


def _checklist(portal: Portal, task_id: int) -> list[Mapping[str, Any]]:
    found = portal.call("task.checklistitem.getlist", TASKID=task_id, ORDER={"ID": "asc"})
    return [line for line in mapping(found).values() if isinstance(line, Mapping) and number(line.get("ID"))]


def _by_code(lines: Iterable[Mapping[str, Any]], order: Order) -> dict[str, int]:
    """Numbers of lines by the code they begin with; of a line that is there twice the first."""
    codes, found = {item.code for item in order.items}, dict[str, int]()
    for line in lines:
        code, its_number = str(line.get("TITLE", "")).partition(" ")[0], number(line.get("ID"))
        if code in codes and its_number is not None:
            found.setdefault(code, its_number)
    return found


def _tick(line: Mapping[str, Any]) -> Tick:
    by = number(line.get("TOGGLED_BY"))
    return Tick(line.get("IS_COMPLETE") == "Y", "" if by is None else str(by), instant_of(line.get("TOGGLED_DATE")))


def _tasks(answer: object) -> list[Mapping[str, Any]]:
    return [task for task in mapping(mapping(answer).get("tasks")).values() if isinstance(task, Mapping)]


def _seen(task: Mapping[str, Any]) -> Seen | None:
    task_id, by = number(task.get("id")), number(task.get("closedBy")) or number(task.get("responsibleId"))
    if task_id is None:
        return None
    return Seen(
        task_id, str(task.get("status")) in CLOSED, instant_of(task.get("changedDate")),
        instant_of(task.get("closedDate")), "" if by is None else str(by),
    )  # fmt: skip
