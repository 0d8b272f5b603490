"""What goes wrong with sets and switchboards, to be switched on and off: the controllers' own faults.

What is wrong with their lines (`single-client`, `slow`, `fragment`, ...) stands in `faults`, as for every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ems_pipeline.plant.gensets.board import Board
from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.troubles import BEGINS, ENDS, HOUR_S, Controlled

STORM_PER_MIN = 500.0


@dataclass(frozen=True, slots=True)
class Switch:
    """A fault: who can have it, what happens, what is to be made of it, and what its number means."""

    of: frozenset[Literal["set", "board"]]
    happens: str
    outcome: str
    number: str = ""
    usual: float | None = None
    """Its number where none is given."""


SET, BOARD = frozenset[Literal["set", "board"]]({"set"}), frozenset[Literal["set", "board"]]({"board"})
SWITCHES: dict[str, Switch] = {
    "crank-fail": Switch(
        SET,
        "the engine does not fire",
        "crank failure after three attempts; after a reset start is to be pressed again",
        "attempts that fail",
    ),
    "sync-never": Switch(SET, "it never gets into the window", "sync failure after 60 s, shutdown"),
    "low-oil": Switch(SET, "oil pressure falls to 60 kPa", "shutdown; reset takes after the repair"),
    "hot": Switch(SET, "coolant goes to 115 °C", "warning at 95 °C, shutdown at 98 °C"),
    "gas-leak": Switch(SET, "the gas detector trips", "shutdown, and no start"),
    "stop-fail": Switch(SET, "the gas valve does not close", "stop failure after 50 s, still turning"),
    "breaker-stuck": Switch(
        SET | BOARD, "switches do not move", "close or open failure after 5 s; a set that cannot open stays parallel"
    ),
    "echo-no-effect": Switch(SET, "the power set-point is echoed and dropped", "160 does not follow: not effective"),
    "clamp": Switch(SET | BOARD, "set-points are cut off", "echo right, 160 shows less", "most it takes, %", 60.0),
    "reset-ignored": Switch(SET | BOARD, "remote reset is not enabled", "alarms stay after a reset"),
    "local-manual": Switch(SET | BOARD, "somebody at the panel took MANUAL", "mode keys of the remote do nothing"),
    "loto": Switch(SET, "locked out: STOP and the emergency stop pressed", "no start, and no reset while it is so"),
    "meter-jump": Switch(SET, "the hour meter jumps", "the difference is held and asked about", "hours", 100.0),
    "meter-replaced": Switch(SET, "a new controller: all counters at 0", "held until a person enters it"),
    "wrap": Switch(SET, "the hour meter stands a minute before 65536 h", "hours go on over the wrap"),
    "meter-stuck": Switch(SET, "the hour meter stands while the engine turns", "told after a day of running"),
    "scale-x10": Switch(SET, "the energy register counts ten times as much", "refused at commissioning"),
    "torn-hours": Switch(
        SET, "at a full hour the minutes change 5 s before the hours", "no hour is lost or counted twice"
    ),
    "open-sensor": Switch(SET, "the coolant sensor is open", "no value, a warning"),
    "freeze": Switch(SET | BOARD, "measured values stand still", "only their age of change tells"),
    "alarm-storm": Switch(SET, "warnings come and go", "one notice, none lost", "changes a minute", STORM_PER_MIN),
    "old-fw": Switch(BOARD, "4351 to 4354 are echoed and dropped", "the read-back differs: not applied"),
    "blackout": Switch(BOARD, "the mains are gone", "an island after about 90 s; back 60 s after it ends"),
    "flicker": Switch(BOARD, "the mains are gone for 2 s of 20 s", "no set starts", "seconds they are gone", 2.0),
    "clock-skew": Switch(BOARD, "its clock is ahead", "its clock is shown, never used", "seconds", 3 * HOUR_S),
}
"""By name; `ems_pipeline_tests/plant/gensets/test_switches.py` has one scenario for each."""


def controlled(hall: Hall, key: str) -> Controlled:
    """The set or the switchboard of that name.

    Raises:
        KeyError: there is none.
    """
    if key == hall.board_key:
        return hall.board
    if key not in hall.sets:
        raise KeyError(f"the hall has {sorted(hall.sets)} and {hall.board_key!r}, not {key!r}")
    return hall.sets[key]


def switch_on(hall: Hall, kind: str, key: str, number: float | None = None) -> None:
    """Switch a fault on, from now until it is switched off.

    Raises:
        KeyError: the hall has no such set or switchboard.
        ValueError: it cannot have this fault.
    """
    of, switch = controlled(hall, key), SWITCHES[kind]
    what: Literal["set", "board"] = "board" if isinstance(of, Board) else "set"
    if what not in switch.of:
        raise ValueError(f"{kind} is a fault of a {', '.join(switch.of)}, and {key!r} is a {what}")
    if kind not in of.faults:
        of.faults[kind] = switch.usual if number is None else number
        if kind in BEGINS:
            BEGINS[kind](hall, of)
    hall.touch()


def switch_off(hall: Hall, kind: str, key: str) -> None:
    """Switch a fault off; nothing when it is not on."""
    of = controlled(hall, key)
    if kind in of.faults:
        if kind in ENDS:
            ENDS[kind](hall, of)
        del of.faults[kind]
    hall.touch()


def switch_all_off(hall: Hall) -> None:
    """Switch every fault off."""
    for key in (*hall.sets, hall.board_key):
        for kind in list(controlled(hall, key).faults):
            switch_off(hall, kind, key)


def switched_on(hall: Hall) -> list[tuple[str, str, float | None]]:
    """The faults that are on: kind, who has it, its number."""
    keys = (*hall.sets, hall.board_key)
    return [(kind, key, number) for key in keys for kind, number in controlled(hall, key).faults.items()]
