"""Rounds of polls become rows: nothing twice, nothing lost, whoever stops in between; and people are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ems_pipeline.gensets.alarms import life
from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.alarms.life import Refused, State, What
from ems_pipeline.gensets.alarms.telling import Told
from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.scada.alarms import Alarms, limits_of
from ems_pipeline.scada.shown import Shown
from ems_pipeline.sites import Device, Site
from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.sites.machines import Genset
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, genset_alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline_tests.gensets.seen import POLL, bits, shot

INVERTER = Controller("home01", "inverter")
"""Any device of the demo site stands in for a controller."""


@pytest.fixture(scope="module")
def house(warehouse: Warehouse, home01: Site) -> Warehouse:
    with warehouse.begin() as connection:
        registry.register(connection, [home01], datetime(2026, 1, 1, tzinfo=SystemClock().now().tzinfo))
    return warehouse


@pytest.fixture(autouse=True)
def empty(house: Warehouse) -> Iterator[None]:
    yield
    with house.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ems.genset_alarm, ems.genset_alarm_event, ems.genset_removal, ems.alarm CASCADE"
        )


class Lived:
    """A follower and its clock; people act by the database's now, so the rounds begin a little before it."""

    def __init__(self, house: Warehouse) -> None:
        self.house, self.at = house, SystemClock().now() - timedelta(minutes=30)
        self.restart()

    def restart(self) -> None:
        self.alarms = Alarms(self.house, {INVERTER: ()})

    def see(self, alarms: Sequence[AlarmBit] | frozenset[AlarmBit] | None = (), **how: Any) -> None:
        self.at += POLL
        self.round([shot(self.at, alarms, site="home01", device="inverter", **how)])

    def round(self, snapshots: Sequence[Snapshot]) -> None:
        asyncio.run(self.alarms.seen(self.at, snapshots))

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.house.begin() as connection:
            connection.execute(sa.text("""SELECT set_config('request.jwt.claims', '{"sub": "anna"}', true)"""))
            return [tuple(row) for row in connection.execute(sa.text(statement), values)]

    @property
    def standing(self) -> dict[str, str]:
        return dict(self.ask("SELECT name, shown_as FROM ems.vw_genset_alarm WHERE ended_at IS NULL"))

    @property
    def journal(self) -> list[str]:
        found = self.ask("""SELECT a.name, e.what, e.state FROM ems.genset_alarm_event e
                            JOIN ems.genset_alarm a USING (genset_alarm_id) ORDER BY genset_alarm_event_id""")
        return [" ".join(row) for row in found]

    @property
    def told(self) -> list[str]:
        found = self.ask("SELECT kind, severity, cleared_at IS NULL FROM ems.alarm ORDER BY alarm_id")
        return [f"{kind} {severity}{'' if is_open else ' over'}" for kind, severity, is_open in found]

    def number(self, name: str) -> int:
        ((number,),) = self.ask(
            "SELECT genset_alarm_id FROM ems.genset_alarm WHERE name = :name AND ended_at IS NULL", name=name
        )
        return int(number)

    def acknowledge(self, name: str) -> str:
        ((state,),) = self.ask("SELECT ems.fn_genset_alarm_acknowledge(:number, 'seen')", number=self.number(name))
        return str(state)


def test_an_alarm_lives_from_its_bit_to_a_person_and_each_step_is_a_row(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    lived.see(bits("low_fuel"))
    assert lived.told == ["genset:warning:low_fuel warning"]
    lived.see()
    assert lived.standing == {"low_fuel": "returned"}
    assert lived.told == ["genset:warning:low_fuel warning over"]
    assert lived.acknowledge("low_fuel") == "normal"
    lived.see()
    assert lived.standing == {}
    assert lived.journal == [
        "low_fuel raised unacknowledged",
        "low_fuel returned returned",
        "low_fuel acknowledged normal",
    ]


def test_acknowledging_ends_nothing_and_is_said_once(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    assert [lived.acknowledge("low_fuel") for _ in range(2)] == ["acknowledged", "acknowledged"]
    lived.see(bits("low_fuel"))
    assert lived.standing == {"low_fuel": "acknowledged"}
    ((known_by,),) = lived.ask("SELECT acknowledged_by FROM ems.alarm")
    assert known_by == "rest:anna"
    lived.see()
    assert lived.standing == {}
    assert len(lived.journal) == 3


def test_whoever_acknowledges_what_he_was_told_of_acknowledges_the_alarm(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    lived.ask("SELECT ems.fn_alarm_acknowledge(alarm_id) FROM ems.alarm")
    assert lived.standing == {"low_fuel": "acknowledged"}


def test_a_shutdown_that_was_known_stays_until_somebody_says_that_it_was_looked_at(house: Warehouse) -> None:
    lived, stop = Lived(house), bits("overspeed", group=AlarmGroup.SHUTDOWN)
    lived.see(stop)
    assert lived.told == ["genset:shutdown:overspeed critical"]
    lived.acknowledge("overspeed")
    lived.see()
    assert lived.standing == {"overspeed": "latched"}
    assert lived.acknowledge("overspeed") == "normal"


def test_what_a_person_does_is_what_the_table_of_states_says(house: Warehouse) -> None:
    """The database's half of the life is held to the other: every state, and nothing."""
    lived = Lived(house)
    for state in State:
        lived.ask("WITH e AS (DELETE FROM ems.genset_alarm_event) DELETE FROM ems.genset_alarm RETURNING 1")
        lived.see(bits("low_fuel"))
        lived.restart()
        number = lived.number("low_fuel")
        lived.ask(
            """UPDATE ems.genset_alarm SET state = :state,
                   ended_at = CASE WHEN :state = 'normal' THEN now() END RETURNING 1""",
            state=state,
        )
        acknowledge = "SELECT ems.fn_genset_alarm_acknowledge(:number)"
        try:
            wanted = life.after(state, What.ACKNOWLEDGED, latches=False)
        except Refused:
            with pytest.raises(sa.exc.DBAPIError, match=f"no genset alarm {number} stands"):
                lived.ask(acknowledge, number=number)
        else:
            assert lived.ask(acknowledge, number=number) == [(wanted,)]


def test_a_restart_raises_nothing_twice_and_loses_nothing(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel", "low_water"))
    lived.restart()
    lived.see(bits("low_water", "input_1"))  # low_fuel went while nobody looked
    assert lived.standing == {"low_fuel": "returned", "low_water": "unacknowledged", "input_1": "unacknowledged"}
    assert lived.told == [
        "genset:warning:low_fuel warning over", "genset:warning:low_water warning", "genset:warning:input_1 warning",
    ]  # fmt: skip
    assert len(lived.journal) == 4


def test_a_lost_link_is_one_alarm_and_ends_none(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    for _ in range(5):
        lived.see(None, link=Link.DOWN)
    assert lived.standing == {"low_fuel": "suppressed", "link_lost": "unacknowledged"}
    assert lived.ask("SELECT quality, state FROM ems.vw_genset_alarm WHERE name = 'low_fuel'") == [
        ("bad", "unacknowledged")
    ]
    assert lived.told == ["genset:warning:low_fuel warning"], "the site's route tells people of it, once"


def test_a_shelved_alarm_is_told_to_nobody_and_again_when_its_time_is_over(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    until = SystemClock().now() + timedelta(hours=2)
    shelve = "SELECT ems.fn_genset_alarm_shelve(:number, :until, 'sensor ordered')"
    for _ in range(2):
        lived.ask(shelve, number=lived.number("low_fuel"), until=until)
    lived.see(bits("low_fuel"))
    assert lived.standing == {"low_fuel": "shelved"}
    assert lived.told == ["genset:warning:low_fuel warning over"]
    lived.at = until
    lived.see(bits("low_fuel"))
    assert lived.told == ["genset:warning:low_fuel warning over", "genset:warning:low_fuel warning"]
    assert [row.split()[1] for row in lived.journal] == ["raised", "shelved", "unshelved"]


@pytest.mark.parametrize(
    ("hours", "reason", "fault"),
    [(12.1, "why", "within twelve hours"), (-1, "why", "within twelve hours"), (1, " ", "needs a reason")],
)
def test_a_shelf_has_an_end_within_twelve_hours_and_a_reason(
    house: Warehouse, hours: float, reason: str, fault: str
) -> None:
    lived = Lived(house)
    lived.see(bits("low_fuel"))
    until = SystemClock().now() + timedelta(hours=hours)
    with pytest.raises(sa.exc.DBAPIError, match=fault):
        lived.ask(
            "SELECT ems.fn_genset_alarm_shelve(:n, :until, :reason)",
            n=lived.number("low_fuel"),
            until=until,
            reason=reason,
        )


def test_what_is_out_of_service_is_told_to_nobody(house: Warehouse) -> None:
    lived = Lived(house)
    for _ in range(2):
        lived.ask("SELECT ems.fn_genset_remove('home01', 'inverter', 'TO-2, order 7')")
    lived.see(bits("low_fuel"))
    assert lived.standing == {"low_fuel": "out_of_service"}
    assert lived.told == []
    assert lived.ask("SELECT ems.fn_genset_restore('home01', 'inverter')") == [(True,)]
    lived.see(bits("low_fuel"))
    assert lived.told == ["genset:warning:low_fuel warning"]
    with pytest.raises(sa.exc.DBAPIError, match="site home01 has no device nothing"):
        lived.ask("SELECT ems.fn_genset_remove('home01', 'nothing', 'why')")


def test_a_storm_is_one_digest_a_minute_and_its_shutdown_comes_by_itself(house: Warehouse) -> None:
    """510 alarms within a minute: all in the journal, three notices to people."""
    lived = Lived(house)
    storm = bits(*(f"input_{n}" for n in range(1, 35)))
    for poll in range(30):
        stop = bits("overspeed", group=AlarmGroup.SHUTDOWN) if poll >= 20 else frozenset()
        lived.see((storm if poll % 2 == 0 else frozenset()) | stop)
    for _ in range(2):
        lived.see(storm | bits("overspeed", group=AlarmGroup.SHUTDOWN))
    raised = [row for row in lived.journal if " raised " in row]
    assert len(raised) == 34 * 16 + 1
    assert lived.told == [
        "genset-flood warning over", "genset:shutdown:overspeed critical", "genset-flood critical",
    ]  # fmt: skip


def statements(lived: Lived, alarms: frozenset[AlarmBit]) -> int:
    """How many a round with these alarms takes."""
    counted: list[str] = []

    def count(*told: Any) -> None:
        counted.append(told[2])

    sa.event.listen(lived.house.engine, "after_cursor_execute", count)
    lived.see(alarms)
    sa.event.remove(lived.house.engine, "after_cursor_execute", count)
    return len(counted)


def test_a_round_of_many_alarms_takes_as_many_statements_as_a_round_of_one(house: Warehouse) -> None:
    lived = Lived(house)
    lived.see()
    one, many = statements(lived, bits("low_fuel")), statements(lived, bits(*(f"input_{n}" for n in range(1, 200))))
    assert many == one + 2, "the two are the digest of the flood"


def test_rounds_that_the_database_could_not_take_are_taken_when_it_is_back(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm that came and went meanwhile is in the journal with its own instants."""
    lived = Lived(house)

    async def at_once(_: float) -> None:
        """No pause."""

    shown = Shown("alarms", lived.alarms, sleep=at_once)
    with monkeypatch.context() as away:
        away.setattr(house, "begin", lambda *_: (_ for _ in ()).throw(DatabaseUnavailable("it is away", "wait")))
        for alarms in ((), bits("low_fuel"), ()):
            lived.at += POLL
            shown.show(lived.at, [shot(lived.at, alarms, site="home01", device="inverter")])
            asyncio.run(shown.once())
    assert lived.journal == []
    for _ in range(3):
        asyncio.run(shown.once())
    assert lived.journal == ["low_fuel raised unacknowledged", "low_fuel returned returned"]
    assert lived.ask("SELECT first_raised_at FROM ems.genset_alarm") == [(lived.at - POLL,)]


@pytest.fixture
def hall(home01: Site) -> Site:
    """The demo site with a controller in its file."""
    device = Device(key="set-1", map="smartgen-hgm9520n", gateway=home01.gateways[0].key)
    return home01.model_copy(update={"devices": (*home01.devices, device)})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"devices": ()}, "its controller is no longer in the site file"),
        ({"active": False}, "its site is not active any more"),
        (None, "there is no file of its site any more"),
    ],
)
def test_alarms_of_a_controller_that_is_polled_no_more_return_and_wait_for_a_person(
    house: Warehouse, hall: Site, change: dict[str, Any] | None, why: str
) -> None:
    """Returned, not over: one that nobody knows of is lost by nothing, and what a lost link hid is shown."""
    lived, own = Lived(house), {"site": "home01", "device": "set-1"}
    lived.alarms.follow([hall])
    lived.round([shot(lived.at, bits("low_fuel", "low_water") | bits("overspeed", group=AlarmGroup.SHUTDOWN), **own)])
    for name in ("low_water", "overspeed"):
        lived.acknowledge(name)
    lived.at += POLL
    lived.round([shot(lived.at, None, link=Link.DOWN, **own)])
    assert lived.standing == {"low_fuel": "suppressed", "low_water": "suppressed", "overspeed": "suppressed"}
    lived.alarms.follow([] if change is None else [hall.model_copy(update=change)])
    for _ in range(2):
        lived.at += POLL
        lived.round([])
    assert lived.standing == {"low_fuel": "returned", "overspeed": "latched"}
    said = lived.ask("""SELECT a.name, e.state, e.reason FROM ems.genset_alarm_event e
                        JOIN ems.genset_alarm a USING (genset_alarm_id) WHERE e.what = 'returned' ORDER BY 1""")
    assert said == [("low_fuel", "returned", why), ("low_water", "normal", why), ("overspeed", "latched", why)]
    assert all(notice.endswith(" over") for notice in lived.told)


def test_what_is_still_in_the_file_stands_though_nobody_answers(house: Warehouse, hall: Site) -> None:
    """Also one whose map cannot be used at the moment."""
    lived = Lived(house)
    lived.alarms.follow([hall])
    lived.round([shot(lived.at, bits("low_fuel"), site="home01", device="set-1")])
    bad = hall.devices[-1].model_copy(update={"map": "no-such-map"})
    lived.alarms.follow([hall.model_copy(update={"devices": (bad,)})])
    lived.round([])
    assert lived.standing == {"low_fuel": "unacknowledged"}


def test_a_round_that_fails_half_way_has_not_happened(house: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    lived = Lived(house)
    with monkeypatch.context() as broken:
        broken.setattr("ems_pipeline.warehouse.genset_alarms.tell", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lived.see(bits("low_fuel"))
    assert lived.standing == {}
    lived.see(bits("low_fuel"))
    assert lived.journal == ["low_fuel raised unacknowledged"]


def test_a_round_that_cannot_be_taken_costs_itself_alone(house: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the way of one round does not come again with those that follow."""
    lived = Lived(house)
    lived.see()
    tell, bad_at = genset_alarms.tell, lived.at + POLL

    def once(connection: Connection, told: Told, at: datetime) -> None:
        if at == bad_at:
            raise ZeroDivisionError
        tell(connection, told, at)

    monkeypatch.setattr("ems_pipeline.warehouse.genset_alarms.tell", once)
    with pytest.raises(ZeroDivisionError):
        lived.see(bits("low_fuel"))
    lived.see(bits("low_fuel"))
    assert lived.journal == ["low_fuel raised unacknowledged"]


def test_a_site_that_is_not_registered_costs_no_other_its_alarms(house: Warehouse) -> None:
    """A file that is new is polled before it is registered."""
    lived = Lived(house)
    ours, stranger = (shot(lived.at, bits("low_fuel"), site=site, device="inverter") for site in ("home01", "nobody"))
    lived.round([stranger, ours])
    assert lived.journal == ["low_fuel raised unacknowledged"]


def test_a_shutdown_keeps_the_values_around_it(house: Warehouse) -> None:
    lived, stop = Lived(house), bits("overspeed", group=AlarmGroup.SHUTDOWN)
    for poll in range(80):
        lived.see(stop if poll >= 40 else (), values={"engine_state": "running", "rpm": 1500.0 + poll})
    ((values,),) = lived.ask("SELECT around FROM ems.genset_alarm")
    assert values["values"]["rpm"] == [1500.0 + poll for poll in range(10, 71)]


def test_the_site_file_asks_for_alarms_of_our_own(home01: Site) -> None:
    said = (
        AlarmLimit(value="coolant_c", above=98, on_delay_s=10),
        AlarmLimit(value="oil_kpa", below=150, while_running=True),
    )
    genset = Genset(
        key="g",
        device="set-1",
        min_power_w=50_000,
        max_power_w=160_000,
        start_cost=0,
        fuel_per_kwh=1,
        alarm_limits=said,
    )
    ((controller, limits),) = limits_of([home01.model_copy(update={"gensets": (genset,)})]).items()
    assert controller == Controller("home01", "set-1")
    assert [(limit.name, limit.bound, limit.is_of_running) for limit in limits] == [
        ("coolant_c_high", 98.0, False), ("oil_kpa_low", 150.0, True),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="either `above` or `below`"):
        AlarmLimit(value="oil_kpa")
