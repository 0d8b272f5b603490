"""HTTP devices over real sockets: what their makers print, logins, and what each misbehaviour turns into."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.devices.driver.document import Dialect, sample_of
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.web.driver import WebDriver
from ems_pipeline.plant.web_login import Basic, Digest
from ems_pipeline_tests.devices.bench import Miniserver, WebDevice, served, web_driver

PRO, GEN1, LOXONE = (load_map(name, {}) for name in ("shelly-pro-3em", "shelly-3em", "loxone-miniserver"))
EM, EM_DATA = "/rpc/EM.GetStatus?id=0", "/rpc/EMData.GetStatus?id=0"
STATUS: dict[str, Any] = json.loads("""{"id": 0,
    "a_current": 4.029, "a_voltage": 236.1, "a_act_power": 951.2, "a_aprt_power": 951.9, "a_pf": 1.00, "a_freq": 50.0,
    "b_current": 4.027, "b_voltage": 236.2, "b_act_power": -951.1, "b_aprt_power": 951.8, "b_pf": -1.0, "b_freq": 50,
    "c_current": 3.030, "c_voltage": 236.4, "c_act_power": -715.4, "c_aprt_power": 716.2, "c_pf": -1.0, "c_freq": 50,
    "n_current": null, "total_current": 11.083, "total_act_power": -715.3, "total_aprt_power": 2484.782}""")
COUNTERS: dict[str, Any] = json.loads("""{"id": 0,
    "a_total_act_energy": 1000.50, "a_total_act_ret_energy": 0.00, "b_total_act_energy": 2000.25,
    "b_total_act_ret_energy": 4.75, "c_total_act_energy": 3000.00, "c_total_act_ret_energy": 5.25,
    "total_act": 6000.75, "total_act_ret": 10.00}""")
PHASE = {"power": 100.5, "pf": 0.9, "current": 0.5, "voltage": 231.0, "is_valid": True, "total": 1500.0}


def shelly(said: Any = STATUS, **more: Any) -> WebDevice:
    return WebDevice({EM: json.dumps(said).encode(), EM_DATA: json.dumps(COUNTERS).encode()}, **more)


def everything(driver: WebDriver) -> dict[str, Reading]:
    point_map = driver.point_map
    names = [p.key for p in point_map.points if p.type != "ascii"] + list(point_map.derived)
    return {r.quantity: r for r in asyncio.run(driver.read(names))}


def good(readings: dict[str, Reading], names: Sequence[str]) -> list[float | None]:
    assert [readings[n] for n in names if not readings[n].is_good] == []
    return [readings[n].value for n in names]


def test_a_pro_3em_is_read_with_two_requests_in_site_units_and_signs() -> None:
    with served(shelly()) as device:
        found = everything(web_driver(PRO, device.port))
    assert sorted(device.asked) == [EM, EM_DATA]
    assert found["grid_power_w"].value == pytest.approx(951.2 - 951.1 - 715.4)
    assert good(found, ["voltage_l2", "power_l3", "power_factor_l2", "current_l1"]) == [236.2, -715.4, -1, 4.029]
    assert good(found, ["grid_import_wh", "grid_export_wh", "energy_export_l2"]) == [6000.75, 10.0, 4.75]


def test_null_is_no_value_and_says_so() -> None:
    with served(shelly()) as device:
        neutral = everything(web_driver(PRO, device.port))["current_n"]
    assert (neutral.value, neutral.quality) == (None, Quality.NOT_READY)
    assert "n_current is null" in neutral.reason


@pytest.mark.parametrize("lost", ["null", "absent"])
def test_without_one_phase_there_is_no_power_of_the_connection(lost: str) -> None:
    """The device's own total goes on without the phase: that would be a good reading of the wrong power."""
    status = {k: v for k, v in STATUS.items() if lost == "null" or not k.startswith("c_")}
    status |= {k: None for k in status if k.startswith("c_")} | {"c_errors": ["out_of_range:voltage"]}
    with served(shelly(status)) as device:
        found = everything(web_driver(PRO, device.port))
    assert found["power_l3"].value is None
    assert found["grid_power_w"].value is None
    assert "out_of_range:voltage" in found["grid_power_w"].reason
    assert good(found, ["power_l1", "power_l2"]) == [951.2, -951.1]


def test_a_shelly_wants_a_digest_and_gets_one() -> None:
    with served(shelly(login=Digest("admin", "s3cret"))) as device:
        found = everything(web_driver(PRO, device.port, user="admin", password="s3cret"))
    assert good(found, ["voltage_l1"]) == [236.1]
    assert device.asked == [EM, EM, EM_DATA, EM_DATA], "each address once for the challenge, once with the proof"


def test_a_wrong_password_is_asked_once_and_not_again() -> None:
    """Knocking on may get the address blocked: the second document is not asked for."""
    with served(shelly(login=Digest("admin", "s3cret"))) as device:
        found = everything(web_driver(PRO, device.port, user="admin", password="wrong"))
    assert {r.quality for r in found.values()} == {Quality.REFUSED}
    assert "check user and password" in found["grid_power_w"].reason
    assert set(device.asked) == {EM}
    assert "wrong" not in " ".join(r.reason for r in found.values())


def test_basic_credentials_are_not_told_to_a_device_that_wants_a_digest() -> None:
    seen: list[str] = []

    class Listening(Digest):
        def admits(self, method: str, address: str, given: str) -> bool:
            seen.append(given)
            return super().admits(method, address, given)

    with served(shelly(login=Listening("admin", "s3cret"))) as device:
        everything(web_driver(PRO, device.port, user="admin", password="s3cret"))
    assert seen[0] == ""
    assert all(given.startswith("Digest ") for given in seen if given)
    assert not any("s3cret" in given for given in seen)


def test_a_silent_device_costs_one_timeout() -> None:
    with served(shelly(silent=True)) as device:
        driver = web_driver(PRO, device.port)
        found = everything(driver)
    assert {r.quality for r in found.values()} == {Quality.NO_ANSWER}
    assert driver.gateway.requests == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[1, 2]", b"3", b"null", b'{"a_voltage": {}}', b"\xff\xfe", b"[" * 100_000]
)
def test_garbage_is_never_a_value(body: bytes) -> None:
    with served(WebDevice({EM: body, EM_DATA: body})) as device:
        found = everything(web_driver(PRO, device.port))
    assert {(r.value, r.quality) for r in found.values()} == {(None, Quality.GARBAGE)}
    assert all(r.reason for r in found.values())


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", '"12"', "1" + 400 * "0", "[]", "{}"])
def test_what_is_no_finite_number_is_no_value(literal: str) -> None:
    body = json.dumps(STATUS).replace("236.1", literal).encode()
    with served(WebDevice({EM: body, EM_DATA: b"{}"})) as device:
        voltage = everything(web_driver(PRO, device.port))["voltage_l1"]
    assert (voltage.value, voltage.quality) == (None, Quality.GARBAGE)


def test_a_shelly_in_the_monophase_profile_is_refused_in_its_own_words() -> None:
    with served(WebDevice({"/rpc/EM1.GetStatus?id=0": b"{}"})) as device:
        power = everything(web_driver(PRO, device.port))["power_l1"]
    assert power.quality is Quality.REFUSED
    assert "No handler" in power.reason


@pytest.mark.parametrize(("status", "quality"), [(500, Quality.REFUSED), (503, Quality.NOT_READY)])
def test_a_device_in_trouble_or_starting_has_no_values(status: int, quality: Quality) -> None:
    with served(shelly(status=status)) as device:
        found = everything(web_driver(PRO, device.port))
    assert {(r.value, r.quality) for r in found.values()} == {(None, quality)}


def test_a_first_generation_3em_says_it_all_in_one_document() -> None:
    emeters = [PHASE | {"power": -20.0 * n, "total_returned": 100.0 * n} for n in range(3)]
    with served(WebDevice({"/status": json.dumps({"emeters": emeters, "total_power": -60.0}).encode()})) as device:
        found = everything(web_driver(GEN1, device.port))
    assert device.asked == ["/status"]
    assert good(found, ["power_l2", "power_l3", "grid_power_w"]) == [-20, -40, -60]
    assert good(found, ["grid_import_wh", "grid_export_wh"]) == [4500, 300]


def test_a_phase_that_the_device_calls_invalid_does_not_count() -> None:
    emeters = [PHASE | {"total_returned": 0.0, "is_valid": n != 1} for n in range(3)]
    with served(WebDevice({"/status": json.dumps({"emeters": emeters, "total_power": 201.0}).encode()})) as device:
        found = everything(web_driver(GEN1, device.port))
    assert (found["power_l2"].value, found["power_l2"].quality) == (None, Quality.NOT_READY)
    assert found["grid_power_w"].value is None
    assert good(found, ["power_l1", "power_l3"]) == [100.5, 100.5]


def test_a_miniserver_is_read_by_name_and_its_printed_unit_wins() -> None:
    objects = {"indoor_temperature": "21.5°", "heat_pump_power": "2.35kW", "Außen": "-3.5°"}
    with served(Miniserver(objects=objects, login=Basic("ems", "pä55"))) as device:
        options = {"outdoor_temperature": "Außen"}
        found = everything(web_driver(LOXONE, device.port, options, "ems", "pä55"))
    assert good(found, ["indoor_temp_c", "heat_pump_power_w", "outdoor_temp_c"]) == [21.5, 2350, -3.5]
    assert found["heat_pump_energy_wh"].quality is Quality.REFUSED, "a code 404 within HTTP 200"
    assert "/jdev/sps/io/Au%C3%9Fen" in device.asked


@pytest.mark.parametrize(
    ("text", "c"),
    [("21.5", 21.5), ("21.5°", 21.5), (" 21.5 °C ", 21.5), ("+2e1", 20.0), ("-0.5", -0.5), ("2.15e+1C", 21.5)],
)
def test_a_printed_temperature_is_the_whole_number(text: str, c: float) -> None:
    with served(Miniserver(objects={"indoor_temperature": text})) as device:
        assert good(everything(web_driver(LOXONE, device.port)), ["indoor_temp_c"]) == [c]


@pytest.mark.parametrize(
    "text",
    [
        *["21,5", "21,5°", "1 234.5", "1'234.5", "1.234,5", "1_0", "0x10", "1e", "1e999", "nan", "inf", "21.5.1"],
        *["21.5 °F", "21-5", "−5", "5.", ".5", "", "on", "True", "21.5kW", "1e3e3", "21.5 5", "٢١"],
    ],
)
def test_a_text_that_is_no_number_as_a_whole_is_garbage(text: str) -> None:
    """Of "21,5" the 21 is not the value: what is not read to its last character is not read."""
    with served(Miniserver(objects={"indoor_temperature": text})) as device:
        indoor = everything(web_driver(LOXONE, device.port))["indoor_temp_c"]
    assert (indoor.value, indoor.quality) == (None, Quality.GARBAGE)
    assert "display" in indoor.reason


@pytest.mark.parametrize(
    ("text", "power_w"),
    [
        *[("1234.5W", 1234.5), ("1.2345kW", 1234.5), ("1e0 kW", 1000.0), ("1.2", 1200.0), ("0.0012 MW", 1200.0)],
        *[("1 234.5kW", None), ("1kWh", None), ("1 Kilowatt", None), ("1,2kW", None), ("1k", None)],
    ],
)
def test_a_printed_power_has_the_unit_of_a_power(text: str, power_w: float | None) -> None:
    with served(Miniserver(objects={"heat_pump_power": text})) as device:
        power = everything(web_driver(LOXONE, device.port))["heat_pump_power_w"]
    assert power.value == (None if power_w is None else pytest.approx(power_w))


def test_a_virtual_input_is_written_once_and_read_back() -> None:
    async def run(driver: WebDriver) -> tuple[bool, bool]:
        writes = [PointWrite("ems_heat_pump_mode", 3), PointWrite("ems_buy_price", 2.5)]
        answer = await driver.write(writes)
        return answer.accepted, all(echo.matches for echo in await driver.read_back(writes))

    with served(Miniserver(objects={"ems_heat_pump_mode": "2", "ems_buy_price": "0"})) as device:
        assert asyncio.run(run(web_driver(LOXONE, device.port))) == (True, True)
    assert device.written == [("ems_heat_pump_mode", "3"), ("ems_buy_price", "2.5")]


def test_an_input_that_does_not_exist_is_a_refused_write() -> None:
    with served(Miniserver()) as device:
        answer = asyncio.run(web_driver(LOXONE, device.port).write([PointWrite("ems_buy_price", 2.5)]))
    assert not answer.accepted
    assert "404" in answer.reason


@pytest.mark.parametrize(
    ("said", "value"), [({"POWER": "ON"}, 1.0), ({"POWER1": "OFF"}, 0.0), ({"POWER2": "ON"}, None)]
)
def test_a_tasmota_names_its_only_relay_without_a_number_and_the_first_of_several_with_one(
    said: dict[str, str], value: float | None
) -> None:
    tasmota = load_map("tasmota-switch", {})
    assert sample_of(said, tasmota.point("output"), tasmota, Dialect()).value == value
