"""How a controller answers Modbus: functions, addresses, keys as coils, numbers as registers.

A subclass says what its registers show and what it does with a number that it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import ClassVar, NamedTuple, Protocol

from ems_pipeline.gensets.states import EngineState
from ems_pipeline.plant.gensets.genset import Genset
from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.keys import Controlled, press
from ems_pipeline.plant.gensets.panel import REMEMBERED
from ems_pipeline.plant.refusals import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Refused

NO_SENSOR, UNUSED = 32766, 65535
READ_COILS, READ, WRITE_COIL, WRITE = 1, 3, 5, 6
MOST_PART = 1000
"""A set-point's largest number: 100.0 %."""


class Told(NamedTuple):
    """Something that was written and taken. ``at_s``: seconds since the hall began."""

    at_s: float
    function: int
    address: int
    value: int
    state: EngineState | None
    """Of the set as it was told; None: it was the switchboard."""


class Place(Protocol):
    """Where a hall is: who lets its time pass, and one at a time."""

    lock: RLock

    def advance(self) -> None:
        """Let time pass up to now."""
        ...


class Controller:
    """One controller of a hall, behind one unit id."""

    functions: ClassVar[frozenset[int]]
    readable: ClassVar[Sequence[range]]
    coils: ClassVar[range]
    last_address: ClassVar[int]

    def __init__(self, place: Place, hall: Hall, of: Controlled) -> None:
        self.place, self.hall, self.of = place, hall, of
        self.told: deque[Told] = deque(maxlen=REMEMBERED)
        """What it was told, for whoever looks after those who tell."""
        self._held: set[int] = set()
        """Keys that are down."""
        self._shown: dict[int, int] = {}
        self._shown_of = -1
        self._frozen: dict[int, int] = {}

    def read(self, function: int, address: int, count: int) -> list[int]:
        """Words, or bits as 0 and 1.

        Raises:
            Refused: a function or an address that it does not have.
        """
        if function not in self.functions or function in (WRITE_COIL, WRITE):
            raise Refused(ILLEGAL_FUNCTION)
        asked = range(address, address + count)
        if function == READ_COILS:
            self._check(asked, [self.coils])
            return [int(coil in self._held) for coil in asked]
        self._check(asked, self.readable)
        shown = self.words()
        return [shown.get(a, 0) for a in asked]

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Take a coil or a register.

        Raises:
            Refused: a function, an address or a value that it does not take.
        """
        if function not in self.functions or function in (READ_COILS, READ):
            raise Refused(ILLEGAL_FUNCTION)
        with self.place.lock:
            self.place.advance()
            state = self.of.state if isinstance(self.of, Genset) else None
            if function == WRITE_COIL:
                self._check([address], [self.coils])
                self._key(address, bool(values[0]))
            else:
                self._take(address, int(values[0]))
            self.told.append(Told(self.hall.now_s, function, address, int(values[0]), state))
            self.hall.touch()

    def words(self) -> Mapping[int, int]:
        """All registers now, by address; those that are not named are 0."""
        with self.place.lock:
            self.place.advance()
            if self.hall.changes != self._shown_of:
                self._shown, self._shown_of = self._with_faults(), self.hall.changes
            return self._shown

    def encode(self) -> dict[int, int]:
        """What stands in the registers."""
        raise NotImplementedError

    def settings(self) -> Mapping[int, Callable[[int], None]]:
        """Registers that can be written, by address: what is done with a number within its range."""
        raise NotImplementedError

    def key(self, coil: int, is_down: bool) -> None:
        """A key that changed; it acts as it goes down."""
        if is_down:
            press(self.of, coil)

    def measured_words(self) -> range | Sequence[int]:
        """Which of its registers are measured: those that can freeze."""
        raise NotImplementedError

    def most(self) -> int:
        """The largest set-point it takes; what is more is cut off."""
        clamp_pct = self.of.faults.get("clamp")
        return MOST_PART if clamp_pct is None else int(10 * clamp_pct)

    def _with_faults(self) -> dict[int, int]:
        shown = self.encode()
        if "freeze" not in self.of.faults:
            self._frozen = {a: shown[a] for a in self.measured_words() if a in shown}
            return shown
        return shown | self._frozen

    def _key(self, coil: int, is_down: bool) -> None:
        if is_down != (coil in self._held):
            (self._held.add if is_down else self._held.discard)(coil)
            self.key(coil, is_down)

    def _take(self, address: int, value: int) -> None:
        settings = self.settings()
        if address not in settings:
            raise Refused(ILLEGAL_ADDRESS)
        settings[address](value)

    def _check(self, asked: Sequence[int], there: Sequence[Sequence[int]]) -> None:
        if not any(asked[0] in block and asked[-1] in block for block in there):
            raise Refused(ILLEGAL_ADDRESS)


def within(value: int, most: int) -> int:
    """A number that may be written.

    Raises:
        Refused: it is larger than ``most``.
    """
    if not 0 <= value <= most:
        raise Refused(ILLEGAL_VALUE)
    return value


def pair(raw: float) -> tuple[int, int]:
    """A whole number of 32 bits as two words, low word first; negative as two's complement."""
    number = round(raw) & 0xFFFFFFFF
    return number & 0xFFFF, number >> 16


def single(raw: float) -> int:
    """A whole number of 16 bits; negative as two's complement."""
    return round(raw) & 0xFFFF


def bits(*are_set: tuple[int, bool]) -> int:
    """A word of which each bit is said."""
    return sum(1 << bit for bit, is_on in are_set if is_on)
