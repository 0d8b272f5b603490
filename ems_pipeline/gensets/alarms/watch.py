"""A round of polls becomes steps of alarms. Nothing is known here of who stores or tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ems_pipeline.gensets.alarms import design, link, order
from ems_pipeline.gensets.alarms.alarm import Alarm, Condition, Controller, Source, Step
from ems_pipeline.gensets.alarms.life import State, What
from ems_pipeline.gensets.alarms.limits import OFF_DELAY, ON_DELAY, Delay, Gauge, Limit
from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.sentence import gensets as say


class Persons(NamedTuple):
    """What people did to an alarm that stands."""

    state: State
    shelved_until: datetime | None


class Watch:
    """What stands of all controllers, and what a round of polls makes of it."""

    def __init__(self, limits: Mapping[Controller, Sequence[Limit]], standing: Iterable[Alarm] = ()) -> None:
        """``standing``: as stored, after a restart; what stands is not raised again."""
        self._gauges = {of: {limit.name: Gauge(limit) for limit in own} for of, own in limits.items()}
        self._delays: dict[tuple[Controller, Condition], Delay] = {}
        self._links: dict[Controller, Link] = {}
        self._standing: dict[Controller, dict[Condition, Alarm]] = {}
        for alarm in standing:
            self._standing.setdefault(alarm.controller, {})[alarm.condition] = alarm

    @property
    def standing(self) -> Iterator[Alarm]:
        """Every alarm that is not over."""
        return (alarm for own in self._standing.values() for alarm in own.values())

    def heed(self, persons: Mapping[int, Persons]) -> None:
        """Take over what people did to stored alarms, by number; one that is not named was ended by a person."""
        for own in self._standing.values():
            for condition, alarm in list(own.items()):
                if alarm.number is None:
                    continue
                if (said := persons.get(alarm.number)) is None:
                    del own[condition]
                else:
                    alarm.state, alarm.shelved_until = said

    def see(
        self, at: datetime, snapshots: Sequence[Snapshot], removed: Mapping[Controller, str],
        gone: Callable[[Controller], str] = lambda _: "",
    ) -> list[Step]:  # fmt: skip
        """Take a round.

        Args:
            at: of the round, aware UTC.
            removed: controllers that are out of service, and why.
            gone: why a controller is polled no more, empty while it is: nothing of it can have a cause.
        """
        seen = {of: one for one in snapshots if not gone(of := Controller(one.site, one.device))}
        self._links |= {of: one.link for of, one in seen.items()}
        self._links = {of: link for of, link in self._links.items() if not gone(of)}
        causes: dict[Controller, dict[Condition, bool]] = {of: self._causes(at, of, one) for of, one in seen.items()}
        for (of, condition), cause in link.lost(self._links).items():
            was_on = self._is_on(of, condition)
            delay = self._delays.setdefault((of, condition), Delay(ON_DELAY, OFF_DELAY))
            causes.setdefault(of, {})[condition] = delay.settled(at, was_on if cause is None else cause, is_on=was_on)
        steps = [step for of, own in causes.items() for step in self._lived(at, of, own)]
        steps += self._hidden(at, seen, removed)
        steps += [step for of, own in self._standing.items() if (why := gone(of)) for step in _ended(at, own, why)]
        for of, own in list(self._standing.items()):
            self._standing[of] = {c: alarm for c, alarm in own.items() if alarm.state is not State.NORMAL}
        return steps

    def _is_on(self, of: Controller, condition: Condition) -> bool:
        alarm = self._standing.get(of, {}).get(condition)
        return alarm is not None and alarm.state.is_active

    def _causes(self, at: datetime, of: Controller, seen: Snapshot) -> dict[Condition, bool]:
        """What is known to have a cause, and what to have none; what nobody knows is not named."""
        own = self._standing.get(of, {})
        found: dict[Condition, bool] = {}
        if seen.alarms is not None and seen.link is not Link.DOWN:
            found |= {condition: False for condition in own if condition.source is Source.BIT}
            found |= {Condition(Source.BIT, bit.group, bit.name): True for bit in seen.alarms}
        gauges = self._gauges.get(of, {})
        found |= {c: False for c in own if c.source is Source.LIMIT and c.name not in gauges}
        resting = design.is_resting(seen)
        for name, gauge in gauges.items():
            value = seen.values.get(gauge.limit.value) if seen.link is Link.GOOD else None
            number = None if isinstance(value, str) else value
            condition = Condition(Source.LIMIT, gauge.limit.group, name)
            was_on = self._is_on(of, condition)
            found[condition] = gauge.is_on(at, number, was_on=was_on, is_resting=resting)
        return found

    def _lived(self, at: datetime, of: Controller, causes: Mapping[Condition, bool]) -> Iterator[Step]:
        changed = [condition for condition, cause in causes.items() if cause != self._is_on(of, condition)]
        if not changed:
            return
        own = self._standing.setdefault(of, {})
        before, new = [alarm for alarm in own.values() if alarm.state.is_active], list[Alarm]()
        for condition in sorted(changed):  # the same journal for the same round
            if causes[condition]:
                alarm = own.setdefault(condition, Alarm(controller=of, condition=condition, raised_at=at))
                new.append(alarm)
            else:
                yield own[condition].step(What.RETURNED, at)
        order.place(new, before, at)
        for alarm in new:
            yield alarm.step(What.RAISED, at)

    def _hidden(
        self, at: datetime, seen: Mapping[Controller, Snapshot], removed: Mapping[Controller, str]
    ) -> list[Step]:
        """What hides an alarm begins or ends."""
        steps: list[Step] = []
        for of, own in self._standing.items():
            one = seen.get(of)
            for alarm in own.values():
                if alarm.state is State.NORMAL:
                    continue
                steps += _removed(alarm, at, removed.get(of))
                if one is not None:
                    steps += _suppressed(alarm, at, design.suppressed_by(alarm, one))
                if alarm.shelved_until is not None and at >= alarm.shelved_until:
                    alarm.shelved_until = None
                    steps.append(alarm.step(What.UNSHELVED, at, say.SHELF_OVER()))
        return steps


def _ended(at: datetime, own: Mapping[Condition, Alarm], why: str) -> Iterator[Step]:
    """Of a controller that is polled no more: nothing can hide an alarm that waits for somebody to know of it."""
    for alarm in own.values():
        if alarm.state.is_active:
            yield alarm.step(What.RETURNED, at, why)
        if alarm.state is not State.NORMAL:
            yield from _suppressed(alarm, at, None)


def _removed(alarm: Alarm, at: datetime, why: str | None) -> Iterator[Step]:
    before, alarm.removed_for = alarm.removed_for, why
    if before is None and why is not None:
        yield alarm.step(What.REMOVED, at, why)
    elif before is not None and why is None:
        yield alarm.step(What.RESTORED, at)


def _suppressed(alarm: Alarm, at: datetime, by: str | None) -> Iterator[Step]:
    before, alarm.suppressed_by = alarm.suppressed_by, by
    if by == before:
        return
    if by is None:
        yield alarm.step(What.UNSUPPRESSED, at)
    else:
        yield alarm.step(What.SUPPRESSED, at, by)
