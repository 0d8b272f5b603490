"""What was told by a point map is looked after and released by what the map said then, whatever its file says now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ems_pipeline import settings
from ems_pipeline.control.commissioning import look as look_by_hand
from ems_pipeline.control.order import Order
from ems_pipeline.devices.points import map_file
from ems_pipeline.warehouse import alarms, arming
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM
from ems_pipeline_tests.control.test_held_configuration import look, register, steer

SAMSUNG = "samsung-ehs-mim-b19n"
Change = Callable[["Shelf"], None]


class Shelf:
    """A folder of own maps that has the Samsung's, and files as they were shipped with another release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / f"{SAMSUNG}.yaml"
        self.text = (map_file.SHIPPED / self.path.name).read_text(encoding="utf-8")
        self.path.write_text(self.text, encoding="utf-8")

    def edit(self, **point: object) -> None:
        """Have the flow set-point be another."""
        document = yaml.safe_load(self.text)
        document["points"]["flow_setpoint"] |= point
        self.path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The user's own copy of the Samsung's map."""
    shelf = Shelf(tmp_path)
    monkeypatch.setenv(settings.DEVICE_MAPS.name, str(tmp_path))
    return shelf


def other_register(shelf: Shelf) -> None:
    shelf.edit(address=4321)


def other_scale(shelf: Shelf) -> None:
    shelf.edit(scale=1.0)


def wider_range(shelf: Shelf) -> None:
    shelf.edit(range=[5, 80])


def broken(shelf: Shelf) -> None:
    shelf.path.write_text("map: [", encoding="utf-8")


def unknown_driver(shelf: Shelf) -> None:
    shelf.path.write_text(shelf.text.replace("driver: samsung", "driver: nobody's"), encoding="utf-8")


def another_protocol(shelf: Shelf) -> None:
    """A right map that does not fit the gateway."""
    text = (map_file.SHIPPED / "shelly-3em.yaml").read_text(encoding="utf-8")
    shelf.path.write_text(text.replace("map: shelly-3em", f"map: {SAMSUNG}"), encoding="utf-8")


def without_its_point(shelf: Shelf) -> None:
    """The driver wants to write a point that is no more."""
    document = yaml.safe_load(shelf.text)
    del document["points"]["flow_setpoint"]
    shelf.path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def no_longer_writable(shelf: Shelf) -> None:
    """Everything may still be read, nothing is told any more: the map has nothing to hold."""
    document = yaml.safe_load(shelf.text)
    for point in document["points"].values():
        point.pop("access", None)
    shelf.path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def pump(home: Bench) -> float:
    return home.held("heat-pump")["flow_setpoint"]


def texts(home: Bench, kind: str) -> list[str]:
    with home.warehouse.begin() as connection:
        return [row["text"] for row in alarms.open_alarms(connection).to_dicts() if row["kind"] == kind]


def pump_written(home: Bench) -> list[float]:
    return [value for device, point, value in home.written if (device, point) == ("heat-pump", "flow_setpoint")]


@pytest.mark.parametrize(
    "change",
    [other_register, other_scale, wider_range, broken, unknown_driver, another_protocol],
    ids=lambda c: c.__name__,
)
def test_a_map_that_changes_while_a_set_point_is_in_force_lets_go_by_the_old_one(
    home: Bench, shelf: Shelf, change: Change
) -> None:
    steer(home)
    change(shelf)
    look(home)
    assert pump(home) == 38
    assert home.states("heat-pump")[-1] == "released"
    assert home.steered() == set(), "the arm does not stand for the new map: everything of the site is let go"


def test_a_device_whose_map_tells_nothing_any_more_is_let_go_and_the_others_go_on(home: Bench, shelf: Shelf) -> None:
    steer(home)
    no_longer_writable(shelf)
    look(home)
    assert pump(home) == 38
    assert home.steered() == {"inverter", "wallbox-1", "loxone"}


def test_a_device_whose_map_loses_the_point_that_was_set_is_let_go_by_it(home: Bench, shelf: Shelf) -> None:
    steer(home)
    without_its_point(shelf)
    look(home)
    assert pump(home) == 38
    assert "heat-pump" not in home.steered()


def test_a_map_that_is_removed_while_a_set_point_is_in_force_lets_go_by_what_it_said(
    home: Bench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steer(home)
    shelf.path.unlink()
    monkeypatch.setattr(map_file, "SHIPPED", tmp_path / "nothing")
    said = look(home)
    assert pump(home) == 38
    assert home.steered() == set(), "the other devices' maps are gone, too, and all are let go"
    assert any("there is no point map" in line for line in said)


def test_a_map_of_a_new_release_lets_go_by_the_map_of_the_old_one(
    home: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has maps of his own: what is shipped is another one after the upgrade."""
    steer(home)
    release = tmp_path / "maps"
    release.mkdir()
    for path in map_file.SHIPPED.glob("*.yaml"):
        (release / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(map_file, "SHIPPED", release)
    other_register(Shelf(release))
    look(home)
    assert pump(home) == 38
    assert home.steered() == set()


def test_a_corrected_word_in_a_map_changes_nothing(home: Bench, shelf: Shelf) -> None:
    steer(home)
    shelf.edit(note="said better", labels={})
    look(home)
    assert pump(home) == 40
    assert home.states("heat-pump")[-1] in ("echoed", "effective")
    assert not texts(home, "arm-for-other")


def test_nothing_is_told_by_another_map_until_the_site_is_armed_again(home: Bench, shelf: Shelf) -> None:
    steer(home)
    wider_range(shelf)
    look(home)
    (text,) = texts(home, "arm-for-other")
    assert "max flow_setpoint of heat-pump" in text
    told = len(pump_written(home))
    home.advance(minutes=13)
    home.plan(CHARGE, CAR, WARM)
    assert {o.state for o in home.control().values()} == {"shadow"}
    assert len(pump_written(home)) == told
    with home.warehouse.begin() as connection:
        arming.arm(connection, "home01", home.clock.now(), "test")
    home.advance(minutes=15)
    home.plan(CHARGE, CAR, WARM)
    home.control()
    assert pump(home) == 40
    home.verify()
    assert not texts(home, "arm-for-other")


def test_a_narrower_range_needs_no_new_arm(home: Bench, shelf: Shelf) -> None:
    shelf.edit(range=[20, 60])
    home.plan(CHARGE, CAR, WARM)
    assert home.control()["heat-pump"].state == "echoed"
    assert not texts(home, "arm-for-other")


def test_what_was_told_by_another_map_ends_in_time_while_nobody_answers(home: Bench, shelf: Shelf) -> None:
    steer(home)
    home.plant.inject(bench.line_fault("rs485-heat"))
    other_register(shelf)
    home.advance(minutes=25)
    look(home)
    assert home.states("heat-pump")[0] == "expired"
    assert texts(home, "release-failed")
    home.plant.clear()
    home.advance(minutes=15)
    look(home)
    assert pump(home) == 38
    assert not texts(home, "release-failed")


def test_the_configuration_and_the_map_may_change_at_once(home: Bench, shelf: Shelf) -> None:
    steer(home)
    devices = tuple(d for d in home.site.devices if d.key != "heat-pump")
    register(home, home.site.model_copy(update={"devices": devices, "heat_pumps": ()}))
    broken(shelf)
    look(home)
    assert pump(home) == 38
    assert "heat-pump" not in home.steered()


def test_a_map_that_was_kept_and_cannot_be_read_is_an_alarm_and_costs_only_its_device(
    home: Bench, shelf: Shelf
) -> None:
    steer(home)
    other_register(shelf)
    with home.warehouse.begin() as connection:
        connection.exec_driver_sql(
            """UPDATE ems.point_map SET content = '{"of": "a later release"}'
               WHERE content ->> 'map' LIKE 'samsung%%'"""
        )
    look(home)
    assert home.steered() == {"heat-pump"}
    assert any("by hand" in text for text in texts(home, "release-failed"))


def test_a_value_by_hand_says_that_the_map_is_broken(home: Bench, shelf: Shelf) -> None:
    broken(shelf)
    with pytest.raises(LookupError, match="point map"):
        look_by_hand(home.warehouse, Order(home.site, "heat-pump", "flow_setpoint", 40, "test"), home.clock)


def test_an_arm_needs_the_maps_of_all_devices(home: Bench, shelf: Shelf) -> None:
    broken(shelf)
    with home.warehouse.begin() as connection, pytest.raises(map_file.MapFileError):
        arming.arm(connection, "home01", home.clock.now(), "test")
