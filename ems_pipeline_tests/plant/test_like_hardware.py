"""The twins take and tell what the hardware does: functions, lengths, registers that others read, how clients begin."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request

import pytest

from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.plant import shelly_rpc
from ems_pipeline.plant.meter_twin import MeterTwin
from ems_pipeline.plant.refusals import ILLEGAL_VALUE, Refused
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.web_login import Digest
from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.plant.web_service import web_service
from ems_pipeline_tests.plant.conftest import Bench


def meter(bench: Bench, name: str) -> dict[str, float]:
    twin = MeterTwin(bench.plant.world, "meter", load_map(name, {}))
    live = twin.live()
    return {p.name: twin.value(p, live) for p in twin.point_map.points}


def test_an_eastrons_totals_are_the_sums_of_its_phases(bench: Bench) -> None:
    found = meter(bench, "eastron-sdm630")
    for name in ("power", "apparent_power", "reactive_power", "energy_import", "energy_total", "reactive_energy_total"):
        assert sum(found[f"{name}_l{n}"] for n in (1, 2, 3)) == pytest.approx(found[name]), name
    assert found["energy_total"] == pytest.approx(found["energy_import"] + found["energy_export"])
    assert math.hypot(found["power"], found["reactive_power"]) == pytest.approx(found["apparent_power"])
    assert found["reactive_power"] != 0


def test_import_and_export_power_of_an_sdm72_are_the_two_sides_of_its_power(bench: Bench) -> None:
    found = meter(bench, "eastron-sdm72d-m")
    assert found["import_power"] - found["export_power"] == pytest.approx(found["power"])
    assert min(found["import_power"], found["export_power"]) == 0


@pytest.mark.parametrize("amperes", [1, 3, 5, 33])
@pytest.mark.parametrize("function", [6, 16])
def test_a_wallbox_refuses_what_no_car_can_take_and_takes_both_ways_of_writing(
    bench: Bench, function: int, amperes: int
) -> None:
    twin = bench.plant.twins["wallbox-1"]
    with pytest.raises(Refused) as refused:
        twin.write(function, 15, [amperes])
    assert refused.value.code == ILLEGAL_VALUE
    twin.write(function, 15, [10])
    assert twin.held["current_limit"] == 10


def test_a_samsung_module_reads_and_writes_either_way(bench: Bench) -> None:
    twin = bench.plant.twins["heat-pump"]
    assert twin.read(4, 65, 2) == twin.read(3, 65, 2)
    for function, word in ((6, 380), (16, 390)):
        twin.write(function, 68, [word])
        assert twin.read(3, 68, 1) == [word]
    assert twin.read(3, 7005, 3) == [0x42E9, 0x42F1, 0x4067]


def test_a_carlo_gavazzi_gives_the_same_by_both_functions(bench: Bench) -> None:
    twin = MeterTwin(bench.plant.world, "meter", load_map("carlo-gavazzi-em340", {}))
    assert twin.read(4, 0, 40) == twin.read(3, 0, 40)
    eastron: Twin = MeterTwin(bench.plant.world, "meter", load_map("eastron-sdm630", {}))
    with pytest.raises(Refused):
        eastron.read(3, 0, 2)


def test_a_deye_gives_long_blocks_its_clock_and_its_ac_side(bench: Bench) -> None:
    twin = bench.plant.twins["inverter"]
    assert len(twin.read(3, 598, 125)) == 125
    with pytest.raises(Refused):
        twin.read(3, 598, 126)
    # 20 March 2026, 18:00 UTC is 19:00 in Prague
    assert twin.read(3, 62, 2) == [26 << 8 | 3, 20 << 8 | 19]
    assert twin.read(3, 627, 3) == [2300, 2300, 2300]
    assert (twin.read(3, 638, 1), twin.read(3, 655, 1), twin.read(3, 178, 1)) == ([5000], [5000], [0xAAAA])
    load = twin.read(3, 650, 4)
    assert sum(load[:3]) == pytest.approx(load[3], abs=2)
    assert load[3] > 0


def asked(port: int, path: str, body: bytes | None = None) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=body, timeout=5) as reply:
        found: dict[str, object] = json.loads(reply.read())
        return found


def test_a_shelly_says_what_it_is_to_whoever_asks_and_measures_for_its_user(bench: Bench) -> None:
    twin = MeterTwin(bench.plant.world, "shelly", load_map("shelly-pro-3em", {}))
    login = Digest("admin", "s3cret")
    with serving_http("127.0.0.1", 0, web_service([twin], has_login=True), login, shelly_rpc.OPEN) as port:
        for path in ("/shelly", "/rpc/Shelly.GetDeviceInfo"):
            said = asked(port, path)
            assert (said["gen"], said["profile"], said["auth_en"]) == (2, "triphase", True)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            asked(port, "/rpc/EM.GetStatus?id=0")
    with serving_http("127.0.0.1", 0, web_service([twin])) as port:
        by_get = asked(port, "/rpc/EM.GetStatus?id=0")
        call = json.dumps({"id": 7, "method": "EM.GetStatus", "params": {"id": 0}}).encode()
        by_post = asked(port, "/rpc", call)
    assert (by_post["id"], by_post["result"]) == (7, by_get)


def test_a_shelly_of_the_first_generation_says_its_type(bench: Bench) -> None:
    twin = MeterTwin(bench.plant.world, "shelly", load_map("shelly-3em", {}))
    with serving_http("127.0.0.1", 0, web_service([twin])) as port:
        assert asked(port, "/shelly")["type"] == "SHEM-3"
