"""A recipe in a map: what is refused, with its line; what comes of a command; and the laws for any recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import Target, check_value, hands_back, in_turn
from ems_pipeline.devices.points.map_content import content, from_content
from ems_pipeline.devices.points.map_file import MapFileError, load_map, read_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites.modes import BatteryMode, ChargerMode
from ems_pipeline_tests.devices.recipes import MADE_UP, written_to

OPTIONS = {"charge_limit_w": 3000.0, "discharge_limit_w": 2500.0}
MARSTEK = load_map("marstek-venus-modbus", {})
RECIPE = FAMILIES["recipe"]
HELD = "{point: order, to: power_w}]\n    charge"
"""The end of the made-up battery's mode hold."""


def told(point_map: PointMap, command: BatteryCommand, **live: float) -> list[tuple[str, float]]:
    return [(w.point, w.value) for w in RECIPE.writes_for(Target(point_map, OPTIONS, live), command)]


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


@pytest.mark.parametrize(
    ("was", "becomes", "at", "says"),
    [
        ("    hold: [", "    #hold: [", "recipe:", "mode 'hold' is missing"),
        ("    hold: [", "    pause: [", "    pause", "no mode of a battery"),
        ("  release: [{point: remote_wanted, to: 0}]", "  release: [{point: life}]", "  release", "hands nothing back"),
        ("hold: [{point: life}, ", "hold: [", "    hold", "has no heartbeat life"),
        ("expires_s: 60, heartbeat: true", "heartbeat: true", "  life:", "needs `expires_s`"),
        ("life}, {point: remote_wanted, to: 0}]", "life}]", "    self-use", "says nothing of remote_wanted"),
        ("access: w, proved_by: remote_state,", "access: w,", "  remote_wanted:", "must be `proved_by`"),
        ("proved_by: remote_state", "proved_by: nothing", "  remote_wanted:", "no point that can be read"),
        ("only_while:", "verified: false, only_while:", "    hold", "order is unverified"),
        (HELD, HELD.replace("power_w", "7000"), "    hold", "cannot be 7000"),
        (HELD, HELD.replace("order, to: power_w", "power, to: 0"), "    hold", "power is read-only"),
        (HELD, HELD.replace("order, to: power_w", "ordre, to: 0"), "    hold", "'ordre' is no point"),
        (HELD, HELD.replace(", to: power_w", ""), "    hold", "`to` says what it becomes"),
        (HELD, HELD.replace("to: power_w", "too: 3"), "    hold", "did you mean 'to'"),
        ("driver: recipe", "driver: meter", "recipe:", "goes with driver 'recipe'"),
    ],
)  # fmt: skip
def test_a_recipe_that_could_not_stop_its_device_is_refused_with_its_line(
    tmp_path: Path, was: str, becomes: str, at: str, says: str
) -> None:
    assert was in MADE_UP
    text = MADE_UP.replace(was, becomes, 1)
    with pytest.raises(MapFileError) as refused:
        read_map(written_to(tmp_path, text))
    assert says in str(refused.value)
    assert f"made-up-battery.yaml:{line_of(text, at)}:" in str(refused.value)


def test_a_set_point_that_nothing_stops_is_refused(tmp_path: Path) -> None:
    """Without a life of its own and without a guard, an order stands until somebody writes another one."""
    text = MADE_UP.replace("expires_s: 60, only_while: {remote_state: [1]}", "settle_s: 1")
    with pytest.raises(MapFileError, match="leaves order as it is: nothing stops it"):
        read_map(written_to(tmp_path, text))
    text = text.replace("release: [", "release: [{point: order, to: 0}, ")
    assert read_map(written_to(tmp_path, text)).recipe is not None


def test_the_steps_of_a_real_battery() -> None:
    """Remote control on, the power, then the mode, so that no old power is ever begun with; watts rounded down."""
    charge = BatteryCommand("b", BatteryMode.CHARGE, charge_limit_w=1234.9)
    assert told(MARSTEK, charge) == [("remote_control", 1), ("forced_charge_power", 1234), ("forced_mode", 1)]
    sale = BatteryCommand("b", BatteryMode.DISCHARGE)
    assert told(MARSTEK, sale) == [("remote_control", 1), ("forced_discharge_power", 2500), ("forced_mode", 2)]
    assert told(MARSTEK, BatteryCommand("b", BatteryMode.HOLD)) == [("remote_control", 1), ("forced_mode", 0)]
    assert told(MARSTEK, BatteryCommand("b", BatteryMode.SELF_USE)) == [("forced_mode", 0), ("remote_control", 0)]
    release = RECIPE.writes_to_release(Target(MARSTEK, {}, {}))
    assert [(w.point, w.value) for w in release] == [("forced_mode", 0), ("remote_control", 0)]


def test_a_command_of_another_kind_or_without_a_limit_is_refused() -> None:
    with pytest.raises(SetpointRefused, match="takes no ChargerCommand"):
        RECIPE.writes_for(Target(MARSTEK, OPTIONS, {}), ChargerCommand("b", ChargerMode.CHARGE, 10.0))
    with pytest.raises(SetpointRefused, match="nobody says charge_limit_w"):
        RECIPE.writes_for(Target(MARSTEK, {}, {}), BatteryCommand("b", BatteryMode.CHARGE))


def test_a_kept_map_has_its_recipe(tmp_path: Path) -> None:
    made_up = read_map(written_to(tmp_path))
    assert from_content(content(made_up)) == made_up
    assert from_content(content(MARSTEK)).recipe == MARSTEK.recipe


def test_after_a_refusal_nothing_goes_out_but_what_hands_back() -> None:
    writes = [
        PointWrite("remote_control", 1.0),
        PointWrite("forced_charge_power", 100.0),
        PointWrite("forced_mode", 0.0),
    ]
    assert [hands_back(MARSTEK, turn) for turn in in_turn(MARSTEK, writes)] == [False, False, True]


REGISTERS = st.integers(1, 4)
"""How many set-points a random device has."""


@st.composite
def maps(draw: st.DrawFn) -> PointMap:
    """A random device: a selector with a value for each mode, set-points of any scale, sign and share; what release
    leaves out expires."""
    values = draw(st.permutations(range(5)))[:4]
    modes = {mode: [{"point": "selector", "to": value}] for mode, value in zip(BatteryMode, values, strict=True)}
    release = [{"point": "selector", "to": draw(st.sampled_from(range(5)))}]
    points = [
        {"name": "selector", "address": 0, "range": [0, 4], "access": "rw"},
        {"name": "rated", "address": 90, "type": "u32", "unit": "W", "range": [0, 1e6]},
    ]
    for n in range(draw(REGISTERS)):
        highest = draw(st.sampled_from([100.0, 2500.0, 10_000.0]))
        expires = draw(st.booleans())
        point = {
            "name": f"p{n}", "address": 10 + n, "type": "s16", "access": "rw", "range": [-highest, highest],
            "scale": draw(st.sampled_from([1.0, 10.0, 0.5])), "sign": draw(st.sampled_from([1, -1])),
        } | ({"expires_s": draw(st.sampled_from([45, 60, 600]))} if expires else {})  # fmt: skip
        points.append(point)
        step = {
            "point": f"p{n}",
            "to": draw(st.sampled_from(["power_w", "charge_w", "discharge_w"])),
            "times": draw(st.sampled_from([1, -1, 1 / 3])),
        }
        if draw(st.booleans()):
            step["percent_of"] = "rated"
        for mode in draw(st.sets(st.sampled_from(BatteryMode), min_size=1)):
            modes[mode].insert(draw(st.integers(0, 1)), dict(step))
        if not expires:
            release.append({"point": f"p{n}", "to": 0})
    document = {
        "map": "any", "title": "any", "driver": "recipe", "protocol": "modbus", "silence": "any", "sources": ["any"],
        "recipe": {"modes": modes, "release": release}, "points": points,
    }  # fmt: skip
    return PointMap.model_validate(document)


commands = st.builds(
    BatteryCommand,
    st.just("b"),
    st.sampled_from(BatteryMode),
    charge_limit_w=st.none() | st.floats(0, 20_000),
    discharge_limit_w=st.none() | st.floats(0, 20_000),
)


@given(maps(), commands, st.floats(1, 20_000))
def test_no_recipe_tells_more_than_was_asked(point_map: PointMap, command: BatteryCommand, rated_w: float) -> None:
    """Every write is one the point allows, and in watts none is beyond the command or the site's limit."""
    target = Target(point_map, OPTIONS, {"rated": rated_w})
    assert point_map.recipe is not None
    steps = point_map.recipe.modes[command.mode]
    highest_w = {
        "charge_w": min(
            command.charge_limit_w if command.charge_limit_w is not None else 1e9, OPTIONS["charge_limit_w"]
        ),
        "discharge_w": min(
            command.discharge_limit_w if command.discharge_limit_w is not None else 1e9, OPTIONS["discharge_limit_w"]
        ),
    }
    highest_w["power_w"] = {
        BatteryMode.CHARGE: highest_w["charge_w"],
        BatteryMode.DISCHARGE: highest_w["discharge_w"],
    }.get(command.mode, 0.0)
    for step, write in zip(steps, RECIPE.writes_for(target, command), strict=True):
        check_value(point_map.point(write.point), write.value)
        if isinstance(step.to, str):
            told_w = abs(write.value / step.times) * (rated_w / 100 if step.percent_of else 1.0)
            assert told_w <= highest_w[step.to] * (1 + 1e-6) + 1e-6


@given(maps(), st.lists(commands, max_size=4))
def test_release_undoes_whatever_went_before(point_map: PointMap, asked: list[BatteryCommand]) -> None:
    """After any commands, what release leaves standing is what release says, or it is forgotten by itself."""
    held: dict[str, float] = {"rated": 5000.0}
    for command in asked:
        held |= {w.point: w.value for w in RECIPE.writes_for(Target(point_map, OPTIONS, held), command)}
    told_of = set(held) - {"rated"}
    left = {w.point: w.value for w in RECIPE.writes_to_release(Target(point_map, {}, {}))}
    assert all(name in left or point_map.point(name).expires_s for name in told_of)
