"""Floods: ten within ten minutes begin one, fewer than five end it; a digest a minute, and never a shutdown less."""

from __future__ import annotations

from datetime import timedelta

from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.alarms.flood import Flood
from ems_pipeline.gensets.alarms.telling import Telling, Told
from ems_pipeline.gensets.alarms.watch import Watch
from ems_pipeline.gensets.snapshot import Link
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline_tests.gensets.seen import POLL, START, bits, shot

MINUTE = timedelta(minutes=1)


def test_ten_in_ten_minutes_begin_a_flood_and_fewer_than_five_end_it() -> None:
    flood = Flood()
    for minute in range(9):
        flood.look(START + minute * MINUTE, 1)
    assert not flood.is_on
    flood.look(START + 9 * MINUTE, 1)
    assert flood.is_on
    assert flood.count == 10
    flood.look(START + 14 * MINUTE, 0)  # those of minutes 5 to 9 are left
    assert flood.is_on
    flood.look(START + 15 * MINUTE, 0)
    assert not flood.is_on
    assert flood.count == 4


def test_a_flood_of_before_a_restart_goes_on() -> None:
    assert Flood(START + n * POLL for n in range(10)).is_on


class House:
    """One controller, its alarms and what people are told."""

    def __init__(self) -> None:
        self.watch, self.telling, self.numbers = Watch({Controller("hall", "set-1"): ()}), Telling(), 0

    def round(self, second: float, *names: str, stops: tuple[str, ...] = ()) -> Told:
        at = START + timedelta(seconds=second)
        seen = shot(at, bits(*names) | bits(*stops, group=AlarmGroup.SHUTDOWN))
        told = self.telling.round(at, self.watch.see(at, [seen], {}), self.watch.standing)
        for alarm in told.over:
            alarm.notice = None
        for alarm in told.new:
            self.numbers += 1
            alarm.notice = self.numbers
        return told


def test_in_a_flood_a_minute_of_alarms_is_one_digest_and_a_shutdown_is_told_by_itself() -> None:
    house, many = House(), [f"input_{n}" for n in range(1, 13)]
    first = house.round(0, *many)
    assert not first.new
    assert [d.text.split(":")[0] for d in first.digests] == ["12 new alarms, 12 in ten minutes"]
    digests = sum(len(house.round(second, *(many if second % 4 else ())).digests) for second in range(2, 60, 2))
    assert digests == 0
    assert [d.severity for d in house.round(62, *many, "low_fuel").digests] == ["warning"]
    stopped = house.round(64, *many, "low_fuel", stops=("overspeed",))
    assert [alarm.condition.name for alarm in stopped.new] == ["overspeed"]


def test_gas_and_fire_are_told_by_themselves_whatever_their_group() -> None:
    house, many = House(), [f"input_{n}" for n in range(1, 13)]
    house.round(0, *many)
    told = house.round(2, *many, "gas_leak", "fire", "detonation", "low_water").new
    assert {alarm.condition.name for alarm in told} == {"gas_leak", "fire", "detonation"}


def test_what_still_stands_when_a_flood_ends_is_told_by_itself() -> None:
    house, many = House(), [f"input_{n}" for n in range(1, 13)]
    house.round(0, *many)
    told = house.round(601, "input_3")
    assert told.calm == ["hall"]
    assert [alarm.condition.name for alarm in told.new] == ["input_3"]


def test_a_notice_ends_with_its_cause_and_not_with_a_lost_link() -> None:
    house = House()
    assert len(house.round(0, "low_fuel").new) == 1
    lost = house.watch.see(START + POLL, [shot(link=Link.DOWN)], {})
    assert not house.telling.round(START + POLL, lost, house.watch.standing).over
    assert len(house.round(4).over) == 1
