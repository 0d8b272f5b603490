"""A battery over UDP: what counts as its answer, what is asked and told, and what each misbehaviour turns into."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import pytest

from ems_pipeline.devices.driver.contract import DeviceFault, PointWrite
from ems_pipeline.devices.driver.mapped_driver import Described
from ems_pipeline.devices.marstek import datagrams
from ems_pipeline.devices.marstek.driver import MarstekDriver
from ems_pipeline.devices.marstek.wire import Endpoint, Wire
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.bench import NOON

MAC = "02ab4c5d6e7f"
VENUS_E = load_map("marstek-venus-e", {})
Asked = dict[str, Any]
Say = Callable[[Asked, int], list[bytes]]
"""What goes out for a request, of which this is the so-manieth."""


def result(asked: Asked, what: Any, mac: str = MAC, **more: Any) -> bytes:
    return json.dumps({"id": asked["id"], "src": f"VenusE 3.0-{mac}", "result": what} | more).encode()


def error(asked: Asked, code: int, message: str = "no") -> bytes:
    return json.dumps(
        {"id": asked["id"], "src": f"VenusE 3.0-{MAC}", "error": {"code": code, "message": message}}
    ).encode()


@contextmanager
def battery(say: Say) -> Iterator[tuple[int, list[Asked]]]:
    """A device of a script: its port, and what it was asked."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", 0))
    asked: list[Asked] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                datagram, peer = line.recvfrom(65_535)
                if datagram == b"over":
                    return
                asked.append(json.loads(datagram))
                for answer in say(asked[-1], len(asked)):
                    line.sendto(answer, peer)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield line.getsockname()[1], asked
    finally:
        line.sendto(b"over", line.getsockname())
        thread.join(timeout=5)
        line.close()


def asking(say: Say, work: Callable[[Wire], Awaitable[Any]], **end: Any) -> tuple[Any, list[Asked]]:
    """What came of some work on a wire to a device of a script, and what that was asked."""

    async def run(port: int) -> Any:
        wire = Wire(Endpoint("127.0.0.1", port, **{"timeout_s": 0.15, **end}))
        try:
            return await work(wire)
        finally:
            await wire.close()

    with battery(say) as (port, asked):
        return asyncio.run(run(port)), asked


async def soc(wire: Wire) -> Any:
    return ((await wire.read("ES.GetStatus")).result or {})["bat_soc"]


def charge(asked: Asked, soc_pct: int = 63) -> bytes:
    return result(asked, {"id": 0, "bat_soc": soc_pct})


def test_a_request_is_the_datagram_of_the_vendors_document() -> None:
    wanted = b'{"id":12,"method":"ES.GetStatus","params":{"id":0}}'
    assert datagrams.request(12, "ES.GetStatus", {"id": 0}) == wanted


NOISE: dict[str, Say] = {
    "late": lambda asked, _: [charge({"id": asked["id"] - 1}, 99), charge(asked)],
    "twice": lambda asked, _: [charge(asked), charge(asked, 99)],
    "cut off": lambda asked, _: [charge(asked, 99)[:40], charge(asked)],
    "empty": lambda asked, _: [b"", charge(asked)],
    "not JSON": lambda asked, _: [b"\xff\xfe{", b"[" * 3000, charge(asked)],
    "a list": lambda asked, _: [b"[1]", charge(asked)],
    "another id": lambda asked, _: [charge({"id": asked["id"] + 7}, 99), charge(asked)],
    "an id that is text": lambda asked, _: [charge({"id": str(asked["id"])}, 99), charge(asked)],
    "an id that is true": lambda asked, _: [charge({"id": True}, 99), charge(asked)],
    "too long": lambda asked, _: [charge(asked, 99) + b" " * 5000, charge(asked)],
    "no result": lambda asked, _: [json.dumps({"id": asked["id"], "src": MAC}).encode(), charge(asked)],
}


@pytest.mark.parametrize("kind", NOISE)
def test_only_the_answer_to_what_was_asked_counts(kind: str) -> None:
    assert asking(NOISE[kind], soc)[0] == 63


def test_what_another_address_says_is_not_heard() -> None:
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def work(wire: Wire) -> Any:
        reading = asyncio.ensure_future(soc(wire))
        await asyncio.sleep(0.05)
        assert wire._line is not None
        whom = wire._line.socket.getsockname()
        other.sendto(charge({"id": wire._number}, 99), whom)
        return await reading

    with other:
        found, _ = asking(lambda asked, number: [charge(asked)] if number > 1 else [], work)
    assert found == 63


def test_what_is_only_read_is_asked_again_with_another_id_and_what_sets_something_is_not() -> None:
    found, asked = asking(lambda asked, number: [charge(asked)] if number == 3 else [], soc)
    assert (found, len(asked), len({one["id"] for one in asked})) == (63, 3, 3)

    async def tell(wire: Wire) -> DeviceFault:
        with pytest.raises(DeviceFault) as fault:
            await wire.tell("ES.SetMode", {"id": 0}, 0.0, nothing_in_the_way)
        return fault.value

    fault, asked = asking(lambda *_: [], tell)
    assert (fault.quality, len(asked)) == (Quality.NO_ANSWER, 1)


async def nothing_in_the_way() -> str:
    return ""


def test_ids_are_one_to_65535_round_and_round() -> None:
    async def work(wire: Wire) -> Any:
        wire._number = 65_534
        return [await soc(wire) for _ in range(3)]

    _, asked = asking(lambda asked, _: [charge(asked)], work)
    assert [one["id"] for one in asked] == [65_535, 1, 2]


def test_one_request_at_a_time_whoever_asks() -> None:
    open_at_once: list[int] = []

    async def work(wire: Wire) -> Any:
        return await asyncio.gather(*(soc(wire) for _ in range(5)))

    def say(asked: Asked, number: int) -> list[bytes]:
        open_at_once.append(number)
        return [charge(asked, number)]

    found, _ = asking(say, work)
    assert found == [1, 2, 3, 4, 5]  # each got the answer to his own


def test_what_may_not_go_any_more_is_not_sent() -> None:
    async def halted() -> str:
        return "disarmed"

    async def work(wire: Wire) -> Any:
        with pytest.raises(DeviceFault, match="disarmed"):
            await wire.tell("ES.SetMode", {"id": 0}, 0.0, halted)

    assert asking(lambda *_: [], work)[1] == []


def test_another_battery_at_the_address_is_told_apart() -> None:
    async def work(wire: Wire) -> Any:
        with pytest.raises(DeviceFault, match=f"answers as {'02' + 'f' * 10}, not as {MAC}") as fault:
            await soc(wire)
        return fault.value

    fault, _ = asking(lambda asked, _: [result(asked, {"bat_soc": 1}, mac="02" + "f" * 10)], work, mac=MAC)
    assert (fault.quality, fault.device_wide) == (Quality.GARBAGE, True)


@pytest.mark.parametrize(
    ("code", "quality"),
    [(-32601, Quality.ABSENT), (-32603, Quality.REFUSED), (-32000, Quality.REFUSED), (-32600, Quality.REFUSED)],
)
def test_an_error_of_the_interface_is_what_it_says(code: int, quality: Quality) -> None:
    async def work(wire: Wire) -> Any:
        with pytest.raises(DeviceFault) as fault:
            await soc(wire)
        return fault.value

    assert asking(lambda asked, _: [error(asked, code)], work)[0].quality is quality


def test_a_parse_error_with_id_0_is_ours() -> None:
    async def work(wire: Wire) -> Any:
        with pytest.raises(DeviceFault, match="could not read what it was asked"):
            await soc(wire)

    asking(lambda *_: [error({"id": 0}, -32700)], work)


def test_firmware_that_counts_itself_from_1_is_asked_so() -> None:
    def say(asked: Asked, _: int) -> list[bytes]:
        return [charge(asked)] if asked["params"]["id"] == 1 else [error(asked, -32602)]

    found, asked = asking(say, soc)
    assert (found, [one["params"]["id"] for one in asked]) == (63, [0, 1])


def test_nobody_there_is_no_answer_and_nothing_readable_is_garbage() -> None:
    async def work(wire: Wire) -> Any:
        with pytest.raises(DeviceFault) as fault:
            await soc(wire)
        return fault.value.quality

    assert asking(lambda *_: [], work)[0] is Quality.NO_ANSWER
    assert asking(lambda *_: [b"{"], work)[0] is Quality.GARBAGE


def test_the_port_that_some_firmware_wants_is_asked_from_and_left_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]

    async def work(wire: Wire) -> Any:
        found = [await soc(wire), await soc(wire)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
            another.bind(("0.0.0.0", own))  # raises while the wire keeps it
        return found

    assert asking(lambda asked, _: [charge(asked)], work, local_port=own)[0] == [63, 63]


# What a driver makes of it

STATUS = {
    "id": 0, "bat_soc": 63, "bat_cap": 5120, "pv_power": 0, "ongrid_power": -782, "offgrid_power": 0,
    "total_pv_energy": 0, "total_grid_output_energy": 184210, "total_grid_input_energy": 221930, "total_load_energy": 0,
}  # fmt: skip
"""The answer of the vendor's document."""


def saying(**results: Any) -> Say:
    """A battery by its methods (a dot is written ``__``); a method that is not named it does not know."""
    known = {name.replace("__", "."): value for name, value in results.items()}

    def say(asked: Asked, _: int) -> list[bytes]:
        return [result(asked, known[asked["method"]]) if asked["method"] in known else error(asked, -32601)]

    return say


def read(say: Say, *names: str, point_map: PointMap = VENUS_E) -> dict[str, Reading]:
    async def work(wire: Wire) -> Any:
        return {r.quantity: r for r in await driver(wire, point_map).read(names or None)}

    found: dict[str, Reading] = asking(say, work)[0]
    return found


def driver(wire: Wire, point_map: PointMap = VENUS_E) -> MarstekDriver:
    options = {"gap_s": 0.0, "charge_limit_w": 2500.0, "discharge_limit_w": 800.0, "min_soc_pct": 12.0}
    return MarstekDriver(Described("venus", point_map, FAMILIES["marstek"], options, SimulatedClock(NOON)), wire)


def test_the_documents_answer_is_a_battery_that_draws_782_w() -> None:
    found = read(saying(ES__GetStatus=STATUS, ES__GetMode={"mode": "Passive"}))
    assert {name: r.value for name, r in found.items()} == {
        "battery_soc_pct": 63, "ongrid_power_w": -782, "offgrid_power_w": 0, "battery_mode": 3, "battery_power_w": -782,
    }  # fmt: skip


def test_a_battery_with_modules_gives_the_difference() -> None:
    """450 W at the grid port of which 1200 W are the modules': the cells take 750 W."""
    status = STATUS | {"ongrid_power": 450, "pv_power": 1200}
    point_map = load_map("marstek-venus-d", {})
    found = read(saying(ES__GetStatus=status), "battery_power_w", "pv_power_w", point_map=point_map)
    assert (found["battery_power_w"].value, found["pv_power_w"].value) == (-750, 1200)


@pytest.mark.parametrize(
    ("said", "value", "quality"),
    [
        ("Auto", 0, Quality.GOOD), ("AI", 1, Quality.GOOD), ("Manual", 2, Quality.GOOD), ("UPS", 4, Quality.GOOD),
        (3, 3, Quality.GOOD), ("auto", None, Quality.OUT_OF_RANGE), (9, None, Quality.OUT_OF_RANGE),
        (None, None, Quality.NOT_READY), ([], None, Quality.GARBAGE),
    ],
)  # fmt: skip
def test_a_mode_is_a_word_or_a_number_and_another_one_is_never_guessed(said: Any, value: Any, quality: Quality) -> None:
    found = read(saying(ES__GetMode={"mode": said}), "battery_mode")["battery_mode"]
    assert (found.value, found.quality) == (value, quality)


def test_what_is_null_or_missing_is_unknown_and_never_zero() -> None:
    found = read(saying(ES__GetStatus={"bat_soc": None}), "battery_soc_pct", "ongrid_power_w", "offgrid_power_w")
    assert [r.value for r in found.values()] == [None, None, None]
    assert found["offgrid_power_w"].quality is Quality.ABSENT  # not every model says it


FIRMWARES = {
    ("VenusE", 152): ({"bat_temp": 24, "bat_capacity": 320_000}, {"total_grid_output_energy": 18_421}),
    ("VenusE", 154): ({"bat_temp": 2.4, "bat_capacity": 3200}, {"total_grid_output_energy": 1842.1}),
    ("VenusE 3.0", 137): ({"bat_temp": 24, "bat_capacity": 3200}, {"total_grid_output_energy": 184_210}),
    ("VenusE 3.0", 150): ({"bat_temp": 240, "bat_capacity": 320}, {"total_grid_output_energy": 184_210}),
    ("VenusE 3.0", 1476): ({"bat_temp": 240, "bat_capacity": 320}, {"total_grid_output_energy": 184_210}),
}
"""What each says of 24 degrees, 3200 Wh left and 184.21 kWh given."""


@pytest.mark.parametrize("of", FIRMWARES)
def test_each_firmware_scales_as_its_row_of_the_map_says(of: tuple[str, int]) -> None:
    cells, counters = FIRMWARES[of]
    say = saying(
        Marstek__GetDevice={"device": of[0], "ver": of[1], "ble_mac": MAC}, Bat__GetStatus=cells,
        ES__GetStatus=STATUS | counters,
    )  # fmt: skip
    found = read(say, "battery_temp_c", "battery_remaining_wh", "battery_discharge_wh")
    assert [r.value for r in found.values()] == pytest.approx([24, 3200, 184_210])


@pytest.mark.parametrize("said", [{}, {"device": "VenusX 9.0", "ver": 1}])
def test_of_a_firmware_that_nobody_knows_nothing_is_scaled_and_what_steers_is_read(said: dict[str, Any]) -> None:
    say = saying(Marstek__GetDevice=said, Bat__GetStatus={"bat_temp": 24}, ES__GetStatus=STATUS)
    found = read(say, "battery_temp_c", "battery_soc_pct", "battery_power_w")
    assert (found["battery_temp_c"].value, found["battery_temp_c"].quality) == (None, Quality.NOT_READY)
    assert (found["battery_soc_pct"].value, found["battery_power_w"].value) == (63, -782)


def told(say: Say, *writes: PointWrite) -> tuple[Any, list[Asked]]:
    async def work(wire: Wire) -> Any:
        return await driver(wire).write(writes)

    return asking(say, work)


def test_a_power_for_a_while_is_the_request_of_the_vendors_document() -> None:
    writes = (PointWrite("mode", 3), PointWrite("passive_power", -1200), PointWrite("passive_time", 600))
    answer, (asked,) = told(saying(ES__SetMode={"id": 0, "set_result": True}), *writes)
    assert answer.accepted
    assert {name: asked[name] for name in ("method", "params")} == {
        "method": "ES.SetMode",
        "params": {"id": 0, "config": {"mode": "Passive", "passive_cfg": {"power": -1200, "cd_time": 600}}},
    }


def test_its_own_logic_and_the_clouds_are_one_word() -> None:
    for mode, config in (
        (0, {"mode": "Auto", "auto_cfg": {"enable": 1}}),
        (1, {"mode": "AI", "ai_cfg": {"enable": 1}}),
    ):
        _, (asked,) = told(saying(ES__SetMode={"set_result": True}), PointWrite("mode", mode))
        assert asked["params"]["config"] == config


@pytest.mark.parametrize("said", [False, None, "false", 0])
def test_a_setting_that_was_not_taken_is_refused(said: Any) -> None:
    answer, _ = told(saying(ES__SetMode={"set_result": said}), PointWrite("mode", 0))
    assert not answer.accepted
    assert "set_result" in answer.reason


def test_a_power_without_its_mode_or_a_mode_without_its_power_is_never_sent() -> None:
    for writes in ((PointWrite("passive_power", 100),), (PointWrite("mode", 3),)):
        answer, asked = told(saying(ES__SetMode={"set_result": True}), *writes)
        assert not answer.accepted
        assert asked == []


def test_of_what_was_told_the_mode_alone_can_be_read_again() -> None:
    writes = (PointWrite("mode", 3), PointWrite("passive_power", -1200), PointWrite("passive_time", 600))

    async def work(wire: Wire) -> Any:
        return await driver(wire).read_back(writes)

    echoes, _ = asking(saying(ES__GetMode={"mode": "Auto"}), work)
    assert [(e.point, e.found, e.matches) for e in echoes] == [("mode", 0, False)]


def test_what_can_only_be_told_is_never_asked_for() -> None:
    async def work(wire: Wire) -> Any:
        return list(await driver(wire).read(["passive_power", "battery_mode"]))

    found, asked = asking(saying(ES__GetMode={"mode": "Auto"}), work)
    assert [one["method"] for one in asked] == ["ES.GetMode"]  # a read by its method would set the battery
    assert [(r.value, r.quality) for r in found] == [(None, Quality.ABSENT), (0, Quality.GOOD)]
