"""One scenario per fault of the controllers, as their registers show it, and that it heals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from ems_pipeline.plant.gensets import SWITCHES, Hall, switch_all_off, switch_off, switch_on
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.hgm9560 import Hgm9560
from ems_pipeline.plant.gensets.keys import AUTO, MANUAL, RESET, START, STOP, press
from ems_pipeline.plant.gensets.serving import Standing
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.plant.gensets.conftest import MORNING

ON, MANUAL_BIT, AUTO_BIT, STOP_BIT = 1, 10, 9, 11


class Bench:
    """A hall behind its controllers' registers, by the addresses of the facts."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(MORNING)
        self.hall = Hall({"a": 160_000.0, "b": 160_000.0}, load_w=120_000.0, begun_at=MORNING)
        place = Standing(self.hall, self.clock)
        self.set = Hgm9520n(place, self.hall, self.hall.sets["a"])
        self.board = Hgm9560(place, self.hall)

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.at + timedelta(seconds=seconds))

    def reg(self, address: int) -> int:
        return self.set.read(3, address, 1)[0]

    def bit(self, address: int, bit: int) -> bool:
        return bool(self.reg(address) >> bit & 1)

    def u32(self, address: int) -> int:
        low, high = self.set.read(3, address, 2)
        return low + 65_536 * high

    def press(self, coil: int) -> None:
        for is_down in (0, 1, 0):
            self.set.write(5, coil, [is_down])

    def run(self) -> None:
        """Set a parallel to the mains at 50 %."""
        self.set.write(6, 4368, [500])
        self.press(MANUAL)
        self.press(START)
        self.wait(160)
        assert (self.reg(260), self.reg(264), self.reg(159)) == (9, 3, 500)

    def on(self, kind: str, number: float | None = None, key: str = "a") -> None:
        switch_on(self.hall, kind, key, number)

    def off(self, kind: str, key: str = "a") -> None:
        switch_off(self.hall, kind, key)


Work = Callable[[Bench], None]
SCENARIOS: dict[str, Work] = {}


def scenario(kind: str) -> Callable[[Work], Work]:
    def register(work: Work) -> Work:
        SCENARIOS[kind] = work
        return work

    return register


def test_every_switch_has_a_scenario() -> None:
    assert set(SCENARIOS) == set(SWITCHES)


@pytest.mark.parametrize("kind", SWITCHES)
def test_switch(kind: str) -> None:
    bench = Bench()
    SCENARIOS[kind](bench)
    switch_all_off(bench.hall)
    for controller in (bench.set, bench.board):
        for coil in (STOP, STOP, AUTO):
            for is_down in (0, 1, 0):
                controller.write(5, coil, [is_down])
    bench.wait(3 * 3600)
    bench.press(STOP)
    bench.press(RESET)
    bench.press(AUTO)
    assert (bench.reg(0), bench.reg(260), bench.reg(264), bench.reg(511)) == (1 << AUTO_BIT, 0, 7, 0)
    assert bench.board.read(3, 0, 1) == [1 << AUTO_BIT]


@scenario("crank-fail")
def _(bench: Bench) -> None:
    bench.on("crank-fail")
    bench.press(MANUAL)
    bench.press(START)
    bench.wait(3 + 3)
    assert (bench.reg(260), bench.reg(212), bench.reg(213)) == (3, 250, 224)
    bench.wait(60)
    assert (bench.reg(260), bench.bit(1, 8), bench.bit(0, 0), bench.bit(0, 1), bench.reg(511)) == (0, ON, ON, ON, 1)


@scenario("sync-never")
def _(bench: Bench) -> None:
    for coil in (MANUAL, START):
        press(bench.hall.sets["b"], coil)  # it makes the voltage
    bench.wait(120)
    bench.on("sync-never")
    bench.press(MANUAL)
    bench.press(START)
    bench.wait(78 + 50)
    assert (bench.reg(260), bench.reg(264)) == (8, 0)
    bench.wait(15)
    assert (bench.bit(3, 15), bench.reg(264), bench.reg(260)) == (ON, 7, 12)


@scenario("low-oil")
def _(bench: Bench) -> None:
    bench.on("low-oil")
    bench.wait(10)
    assert bench.bit(2, 13) is False  # standing still it has no pressure, and that is no alarm
    bench.off("low-oil")
    bench.run()
    bench.on("low-oil")
    bench.wait(10)
    assert (bench.bit(2, 13), bench.reg(264), bench.reg(260), bench.reg(222)) == (ON, 7, 12, 60)


@scenario("hot")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("hot")
    bench.wait(23)  # from 85 °C by half a kelvin a second
    assert (bench.bit(92, 8), bench.bit(2, 8), bench.bit(0, 2)) == (ON, False, ON)
    bench.wait(30)
    assert (bench.bit(2, 8), bench.reg(264), bench.reg(220) >= 98) == (ON, 7, True)
    bench.press(RESET)
    assert bench.bit(2, 8)  # it is still hot


@scenario("gas-leak")
def _(bench: Bench) -> None:
    bench.on("gas-leak")
    assert (bench.bit(5, 9), bench.bit(0, 1)) == (ON, ON)
    bench.press(MANUAL)
    bench.press(START)
    bench.wait(20)
    assert bench.reg(260) == 0


@scenario("stop-fail")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("stop-fail")
    bench.press(STOP)
    bench.wait(60 + 180 + 55)
    assert (bench.reg(260), bench.reg(212), bench.bit(93, 11)) == (15, 600, ON)
    bench.off("stop-fail")
    bench.wait(10)
    assert (bench.reg(260), bench.reg(212), bench.bit(93, 11)) == (0, 0, False)


@scenario("breaker-stuck")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("breaker-stuck")
    bench.press(STOP)
    bench.wait(120)
    assert (bench.bit(114, 3), bench.bit(94, 11)) == (ON, ON)
    bench.off("breaker-stuck")
    bench.wait(90)
    assert (bench.bit(114, 3), bench.bit(94, 11)) == (False, False)


@scenario("echo-no-effect")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("echo-no-effect")
    bench.set.write(6, 4368, [900])
    bench.wait(60)
    assert (bench.reg(159), bench.reg(160)) == (500, 500)


@scenario("clamp")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("clamp")
    bench.set.write(6, 4368, [900])
    bench.wait(60)
    assert (bench.reg(159), bench.reg(160)) == (600, 600)
    bench.on("clamp", 30.0, "board")
    bench.board.write(6, 4352, [900])
    assert bench.board.read(3, 4352, 1) == [300]


@scenario("reset-ignored")
def _(bench: Bench) -> None:
    bench.on("reset-ignored")
    bench.press(15)
    for coil in (STOP, STOP, 12, RESET):
        bench.press(coil)
    assert bench.bit(1, 0)
    bench.off("reset-ignored")
    bench.press(RESET)
    assert not bench.bit(1, 0)


@scenario("local-manual")
def _(bench: Bench) -> None:
    bench.on("local-manual")
    bench.press(AUTO)
    assert (bench.bit(0, MANUAL_BIT), bench.bit(0, AUTO_BIT)) == (ON, False)
    bench.off("local-manual")
    assert bench.bit(0, AUTO_BIT)


@scenario("loto")
def _(bench: Bench) -> None:
    bench.on("loto")
    for coil in (MANUAL, START, RESET):
        bench.press(coil)
    bench.hall.board.is_contact_made = True
    bench.wait(30)
    assert (bench.bit(0, STOP_BIT), bench.bit(1, 0), bench.reg(260)) == (ON, ON, 0)
    bench.hall.board.is_contact_made = False


@scenario("meter-jump")
def _(bench: Bench) -> None:
    before = bench.reg(270)
    bench.on("meter-jump")
    assert bench.reg(270) == before + 100


@scenario("meter-replaced")
def _(bench: Bench) -> None:
    bench.on("meter-replaced")
    assert (bench.reg(270), bench.reg(273), bench.u32(274)) == (0, 0, 0)


@scenario("wrap")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("wrap")
    assert bench.set.read(3, 270, 2) == [65_535, 59]
    bench.wait(61)
    assert bench.set.read(3, 270, 2) == [0, 0]


@scenario("meter-stuck")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("meter-stuck")
    before = bench.set.read(3, 270, 3), bench.u32(274)
    bench.wait(7200)
    assert bench.set.read(3, 270, 3) == before[0]
    assert bench.u32(274) - before[1] == pytest.approx(2 * 800, abs=1)  # 80 kW for two hours, in 0.1 kWh


@scenario("scale-x10")
def _(bench: Bench) -> None:
    before = bench.u32(274)
    bench.on("scale-x10")
    assert bench.u32(274) == pytest.approx(10 * before, abs=10)


@scenario("torn-hours")
def _(bench: Bench) -> None:
    bench.run()
    bench.hall.sets["a"].running.run_s = 100 * 3600.0 - 1
    bench.on("torn-hours")
    assert bench.set.read(3, 270, 2) == [99, 59]
    bench.wait(3)
    assert bench.set.read(3, 270, 2) == [99, 0]
    bench.wait(5)
    assert bench.set.read(3, 270, 2) == [100, 0]


@scenario("open-sensor")
def _(bench: Bench) -> None:
    bench.on("open-sensor")
    assert (bench.reg(220), bench.bit(92, 7), bench.bit(0, 2)) == (32_766, ON, ON)


@scenario("freeze")
def _(bench: Bench) -> None:
    bench.run()
    bench.on("freeze")
    before = bench.set.read(3, 114, 161)
    bench.set.write(6, 4368, [900])
    bench.wait(600)
    assert bench.set.read(3, 114, 161) == before
    assert bench.hall.sets["a"].load == pytest.approx(0.9)


@scenario("alarm-storm")
def _(bench: Bench) -> None:
    panel = bench.hall.sets["a"].panel
    bench.on("alarm-storm")
    bench.wait(60)
    assert bench.reg(0)
    assert len(panel.history) == pytest.approx(500, abs=3)
    assert bench.reg(511) <= 20
    bench.off("alarm-storm")
    assert bench.reg(511) == 0


@scenario("old-fw")
def _(bench: Bench) -> None:
    bench.on("old-fw", key="board")
    for address, value in ((4351, 2), (4352, 300), (4354, 300)):
        bench.board.write(6, address, [value])
    assert bench.board.read(3, 4351, 4) == [0, 800, 0, 0]


@scenario("blackout")
def _(bench: Bench) -> None:
    bench.on("blackout", key="board")
    bench.wait(3)
    assert (bench.board.read(3, 195, 1), bench.board.read(3, 55, 3)) == ([3], [0, 0, 0])
    bench.wait(3)
    assert (bench.board.read(3, 195, 1), bench.board.read(3, 44, 1)[0] >> 7) == ([2], 1)
    bench.wait(150)
    assert [bench.board.read(3, a, 1)[0] for a in (40, 193, 197)] == [9, 3, 7]
    assert bench.set.read(3, 114, 1) == [0b1100]
    bench.off("blackout", key="board")
    bench.wait(30)
    assert bench.board.read(3, 195, 1) == [1]
    bench.wait(60)
    assert bench.board.read(3, 195, 1) == [0]
    bench.wait(60)
    assert [bench.board.read(3, a, 1)[0] for a in (193, 197)] == [7, 3]


@scenario("flicker")
def _(bench: Bench) -> None:
    bench.on("flicker", key="board")
    bench.wait(600)
    assert (bench.reg(260), bench.board.read(3, 40, 1)) == (0, [0])


@scenario("clock-skew")
def _(bench: Bench) -> None:
    assert bench.board.read(3, 225, 7) == [0, 0, 8, 30, 11, 26, 1]  # Monday, 30 November 2026, 08:00
    bench.on("clock-skew", key="board")
    assert bench.board.read(3, 227, 1) == [11]


def test_a_horn_that_was_muted_sounds_for_the_next_alarm() -> None:
    bench = Bench()
    bench.on("gas-leak")
    bench.press(12)
    assert bench.hall.sets["a"].panel.is_muted
    bench.on("open-sensor")
    assert not bench.hall.sets["a"].panel.is_muted


def test_what_was_told_is_kept_with_the_state_it_met() -> None:
    bench = Bench()
    bench.press(MANUAL)
    bench.press(START)
    bench.wait(30)
    bench.press(START)
    starts = [t for t in bench.set.told if (t.function, t.address, t.value) == (5, START, 1)]
    assert [(t.at_s, t.state.value) for t in starts if t.state is not None] == [(0, "standby"), (30, "warming_up")]


def test_a_fault_that_a_controller_cannot_have_is_refused() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="blackout is a fault of a board, and 'a' is a set"):
        bench.on("blackout")
    with pytest.raises(KeyError, match="not 'c'"):
        bench.on("hot", key="c")


def test_registers_at_rest_are_those_of_the_facts() -> None:
    bench = Bench()
    assert (bench.reg(212), bench.u32(140), bench.reg(155), bench.u32(180)) == (0, 0, 0, 0)
    assert (bench.reg(220), bench.reg(222), bench.reg(224), bench.reg(260), bench.reg(114)) == (
        40,
        0,
        32_766,
        0,
        0b0011,
    )


def test_registers_beside_the_mains_are_those_of_the_facts() -> None:
    bench = Bench()
    bench.run()
    assert (bench.set.read(3, 140, 2), bench.reg(155)) == ([4000, 0], 5000)
    assert (bench.reg(212), bench.reg(114)) == (1500, 0b1111)
    assert 70 <= bench.reg(220) <= 95
    assert 240 <= bench.reg(213) <= 280
    assert 200 <= bench.reg(222) <= 500
    # 80 kW at 400 V and 0.95: P = U I sqrt3 cos phi
    amps = bench.reg(166) / 10
    assert 400 * amps * 3**0.5 * 0.95 == pytest.approx(80_000, rel=0.001)
    assert bench.reg(241) == pytest.approx(10 * (47 + 2.52 * 80) / 9.5, abs=0.5)


def test_the_documentation_has_every_fault_with_its_words() -> None:
    text = (ROOT / "docs" / "plant.md").read_text(encoding="utf-8").partition("### Faults of gensets")[2]
    rows = [line.split("|")[1:-1] for line in text.partition("\n## ")[0].splitlines() if line[:3] == "| `"]
    told = {cells[0].strip(" `"): [cell.strip() for cell in cells[2:4]] for cells in rows}
    assert told == {kind: [switch.happens, switch.outcome] for kind, switch in SWITCHES.items()}
