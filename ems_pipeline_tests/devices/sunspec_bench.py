"""A SunSpec device on a desk: models as words, written by hand from the specification, in a chain at any base."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence

from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.modbus.wire import Connection, Endpoint
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Reading
from ems_pipeline.devices.sunspec.driver import SunSpecDriver
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import NOON, Slave, bus

INVERTER, HYBRID, METER, DER, STORAGE = (
    load_map(f"sunspec-{name}", {}) for name in ("inverter", "hybrid", "meter", "der-pv", "der-storage")
)
S16_NOTHING, U16_NOTHING = 0x8000, 0xFFFF
Model = tuple[int, list[int]]
"""Id, and the words after the length."""


def model(number: int, length: int, words: Mapping[int, int | Sequence[int]], fill: int = U16_NOTHING) -> Model:
    """A model of ``length`` registers; offsets count from the id, as the specification prints them."""
    found = [fill] * length
    for offset, value in words.items():
        for i, word in enumerate(value if isinstance(value, Sequence) else [value]):
            found[offset - 2 + i] = word & 0xFFFF
    return number, found


def text(words: int, said: str) -> list[int]:
    return list(struct.unpack(f">{words}H", said.encode().ljust(2 * words, b"\0")))


def long(value: int, words: int = 2) -> list[int]:
    return [value >> 16 * (words - 1 - i) & 0xFFFF for i in range(words)]


def real(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


COMMON = model(1, 66, {2: text(16, "ACME"), 18: text(16, "Sunny"), 42: text(8, "1.2.3"), 50: text(16, "SN-0815")})
M103 = model(103, 50, {
    2: 1250, 3: 400, 4: 420, 5: 430, 6: -2,                    # 12.50 A; 4.00, 4.20, 4.30 A
    7: [4001, 4002, 4003], 10: 2301, 11: 2305, 12: 2310, 13: -1,  # 230.1, 230.5, 231.0 V
    14: -523, 15: 1, 16: 5002, 17: -2,                         # -5230 W, 50.02 Hz
    18: 530, 19: 1, 20: S16_NOTHING, 21: S16_NOTHING, 22: -985, 23: -1,  # 5300 VA, no VAr, -98.5 %
    24: long(123_456_789), 26: 0, 31: 540, 32: 1,              # 123,456,789 Wh; 5400 W DC
    33: 412, 34: S16_NOTHING, 37: -1, 38: 4, 40: long(0),      # 41.2 degrees, no heat sink sensor, tracking
})  # fmt: skip
M113 = model(113, 60, {22: real(4999.5), 24: real(50.0), 16: real(230.5), 32: real(1e6), 26: [0x7FC0, 0], 48: 4})
M160 = model(160, 8 + 20 * 4, {
    2: -2, 3: -1, 4: 0, 5: 0, 8: 4,
    **{10 + 20 * k + 9: [150 * (k + 1), 4000 + k, 1000 * (k + 1)] for k in range(4)},
})  # fmt: skip
M120 = model(120, 26, {2: 4, 3: 1000, 4: 1})
M124 = model(124, 24, {
    2: 5000, 18: 0, 5: 0, 8: 6350, 22: -2, 10: 4012, 24: -1, 11: 4, 12: 10000, 13: 10000, 15: 300, 17: 0, 25: -2,
    21: S16_NOTHING,
})  # fmt: skip
M203 = model(203, 105, {
    2: 1100, 6: -2, 8: 2301, 9: 2302, 10: 2303, 15: -1, 16: 500, 17: -1, 18: -1234, 19: -400, 20: -417, 21: -417, 22: 0,
    38: long(7_000), 46: long(9_000), 54: 2, 105: [0, 0],
})  # fmt: skip
M701 = model(701, 153, {
    4: 3, 6: long(0), 10: 4321, 17: long(50_010), 19: long(5_000_000, 4), 23: long(0, 4), 113: -2, 114: -1, 115: -3,
    116: 0, 120: 0, 47: 2300, 70: 2301, 93: 2302, 41: 1440, 64: 1440, 87: 1441,
})  # fmt: skip
M713 = model(713, 7, {2: 1000, 3: 640, 4: 640, 5: 990, 6: 0, 7: 1, 8: -1})
M704 = model(704, 65, {14: 0, 15: 1000, 18: long(0), 22: 0, 24: long(0), 31: long(0), 54: -1, 55: 1})


def image(models: Iterable[Model], base: int = 40000, end: Sequence[int] = (0xFFFF, 0)) -> dict[int, int]:
    words = [0x5375, 0x6E53]
    for number, data in models:
        words += [number, len(data), *data]
    return dict(enumerate([*words, *end], base))


def device(models: Iterable[Model], base: int = 40000, **more: Sequence[int]) -> Slave:
    words = image(models, base, **more)
    return Slave(words, valid=set(words))


def session(slave: Slave, point_map: PointMap, work: Callable[[SunSpecDriver], object], **options: float) -> object:
    async def run() -> object:
        async with bus({1: slave}, registers=0x10000) as port:
            connection = Connection(Endpoint("127.0.0.1", port, timeout_s=0.3))
            family = FAMILIES[point_map.driver]
            driver = SunSpecDriver(Described("device", point_map, family, options, SimulatedClock(NOON)), connection, 1)
            try:
                return await work(driver)  # type: ignore[misc]
            finally:
                await driver.close()

    return asyncio.run(run())


def read(slave: Slave, point_map: PointMap, **options: float) -> dict[str, Reading]:
    names = [p.key for p in point_map.points if p.type != "ascii"] + list(point_map.derived)

    async def work(driver: SunSpecDriver) -> list[Reading]:
        return await driver.read(names)

    return {r.quantity: r for r in session(slave, point_map, work, **options)}  # type: ignore[attr-defined]


def values(found: Mapping[str, Reading], *names: str) -> list[float | None]:
    assert [found[n] for n in names if not found[n].is_good] == []
    return [found[n].value for n in names]
