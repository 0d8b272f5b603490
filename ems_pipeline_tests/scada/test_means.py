"""Minutes and changes, by hand."""

from __future__ import annotations

from datetime import timedelta

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.scada.means import Means
from ems_pipeline.warehouse.gensets import Change, Minute
from ems_pipeline_tests.gensets.words import NOON


def at(second: int, power_w: float | None, state: str = "running", link: Link = Link.GOOD) -> Snapshot:
    values = {"power_w": power_w, "engine_state": state, "energy_wh": 1000.0 + second}
    when = NOON + timedelta(seconds=second)
    return Snapshot(
        site="hall", device="set-1", model="HGM9520N", taken_at=when, link=link, values=values,
        bits={"mode_auto": True}, alarms=frozenset(),
    )  # fmt: skip


def minutes(means: Means, *seen: Snapshot) -> list[Minute]:
    return [minute for one in seen for minute in means.take(one, one.taken_at or NOON)[0]]


def test_a_minute_is_the_mean_of_what_was_read_in_it() -> None:
    (minute,) = minutes(Means(), at(0, 100_000), at(2, 104_000), at(4, None), at(60, 0))
    assert (minute.minute_at, minute.samples, minute.values) == (NOON, 3, {"power_w": 102_000, "energy_wh": 1004})


def test_a_poll_that_is_shown_twice_counts_once() -> None:
    (minute,) = minutes(Means(), at(0, 100), at(2, 400), at(2, 400), at(60, 0))
    assert (minute.values["power_w"], minute.samples) == (250, 2)


def test_minutes_in_which_nothing_moves_are_written_each_quarter_of_an_hour() -> None:
    means, found = Means(), list[Minute]()
    for minute in range(47):
        seen = at(60 * minute, 0.0)
        seen.values["energy_wh"] = 5.0  # type: ignore[index]
        found += minutes(means, seen)
    assert [(one.minute_at - NOON) / timedelta(minutes=1) for one in found] == [0, 15, 30, 45]


def test_mains_that_waver_while_a_set_rests_have_not_moved_and_what_moves_is_written() -> None:
    """Beside 400 V: 1 % is 4 V; beside the first one that was written, not the one before, so that drift is written."""
    means, found = Means(), list[Minute]()
    for minute, volts in enumerate([400.0, 404.0, 396.0, 402.0, 404.1, 404.0, 400.0]):
        seen = at(60 * minute, 0.0)
        seen.values.update({"energy_wh": 5.0, "mains_l12_v": volts})  # type: ignore[attr-defined]
        found += minutes(means, seen)
    assert [one.values["grid_voltage_v"] for one in found] == [400.0, 404.1]


def test_a_lost_controller_has_no_minutes_and_a_change_of_its_link() -> None:
    means = Means()
    ended, changes = list[Minute](), list[Change]()
    for second, link in enumerate((Link.GOOD, Link.STALE, Link.DOWN, Link.DOWN)):
        more, turned = means.take(at(0, 100, link=link), NOON + timedelta(seconds=2 * second))
        ended, changes = ended + more, changes + turned
    assert [one.samples for one in ended] == [1]
    assert [((one.at - NOON).total_seconds(), one.was, one.became) for one in changes] == [
        (2, "good", "stale"), (4, "stale", "down"),
    ]  # fmt: skip


def test_a_state_that_becomes_another_is_a_change_and_the_first_one_is_none() -> None:
    means = Means()
    assert means.take(at(0, 0, "standby"), NOON)[1] == []
    assert means.take(at(2, 0, "cranking"), NOON)[1] == [
        Change("hall", "set-1", NOON + timedelta(seconds=2), "engine_state", "standby", "cranking")
    ]
