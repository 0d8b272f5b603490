"""The set-up finds what says itself what it is: Marstek batteries in a broadcast, and Home Assistant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from ems_pipeline.devices.marstek import finding
from ems_pipeline.devices.marstek.driver import MarstekDriver
from ems_pipeline.plant.plant import serving
from ems_pipeline.plant.web_login import Bearer
from ems_pipeline.plant.web_server import serving_http
from ems_pipeline.steps.batteries import BROADCAST_HERE
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_site
from ems_pipeline.warehouse import arming
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.servers import free_ports
from ems_pipeline_tests.web.setting_up import DUTCH, PLACE, Home, fields_of, moved_in
from ems_pipeline_tests.web.test_setup_doors import steer

pytestmark = pytest.mark.usefixtures("now_is_now")
MACS = ("02ab4c5d6e71", "02ab4c5d6e72")
VENUS: dict[str, Any] = DUTCH | {
    "pv": [],
    "batteries": [
        {"key": f"venus-{n}", "device": f"venus-{n}", "capacity_wh": 5120, "charge_limit_w": 2500,
         "discharge_limit_w": 800} for n in (1, 2)
    ],
    "gateways": [
        {"key": f"venus-{n}", "transport": "marstek-udp", "host": f"127.0.0.2{n}", "port": 30000, "mac": mac}
        for n, mac in enumerate(MACS, start=1)
    ],
    "devices": [
        {"key": f"venus-{n}", "map": "marstek-venus-e", "gateway": f"venus-{n}", "options": {"gap_s": 0.0}}
        for n in (1, 2)
    ],
}  # fmt: skip
ENERGY = {
    f"{key}.{name}": text
    for key in ("venus", "venus-2")
    for name, text in {
        "capacity_kwh": "5.12", "charge_kw": "2.5", "discharge_kw": "0.8", "min_soc": "12", "reserve_soc": "12",
    }.items()
}  # fmt: skip
TOKEN = "long-lived-and-never-on-a-page"


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    (port,) = free_ports(1)
    monkeypatch.setattr(finding, "WINDOW_S", 0.3)
    monkeypatch.setattr(finding, "PORT", port)
    told = MarstekDriver.__init__

    def without_gap(driver: MarstekDriver, *said: Any) -> None:
        told(driver, *said)
        driver._gap_s = 0.0

    monkeypatch.setattr(MarstekDriver, "__init__", without_gap)
    home = VENUS | {"gateways": [gateway | {"port": port} for gateway in VENUS["gateways"]]}
    with moved_in(house, tmp_path, monkeypatch, home, serving) as found:
        yield found


@pytest.fixture
def anna(home: Home) -> TestClient:
    return home.house.login("anna")


def look(home: Home, browser: TestClient, transport: str, host: str, port: int) -> str:
    """What the page says once the pipeline has looked there."""
    said = {"transport": transport, "host": host, "port": f"{port}", "units": "1-2"}
    answer = browser.post("/ui/setup/find", data=said, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    home.work()
    return browser.get("/ui/setup/find").text


def send(home: Home, browser: TestClient, step: str, form: dict[str, str]) -> None:
    home.house.seconds.at += 60.0
    answer = browser.post(f"/ui/setup/{step}", data=form, follow_redirects=False)
    assert answer.status_code == 303, f"{step}: {answer.text}"
    home.work()


def test_batteries_of_a_broadcast_become_a_site_that_steers_them(home: Home, anna: TestClient) -> None:
    send(home, anna, "place", PLACE)
    page = look(home, anna, "marstek-udp", BROADCAST_HERE, home.port)
    assert "VenusE 3.0" in page
    assert "127.0.0.21" in page
    found = fields_of(page)
    assert (found["unit-1"], found["key-1"], found["key-2"]) == ("marstek-venus-e", "venus", "venus-2")
    send(home, anna, "pick", {name: text for name, text in found.items() if name.startswith(("unit-", "key-"))})
    assert fields_of(anna.get("/ui/setup/energy").text)["venus.capacity_kwh"] == "5.12", "the battery says it"
    send(home, anna, "energy", ENERGY)
    send(home, anna, "contract", fields_of(anna.get("/ui/setup/contract").text) | {"is_mine": "yes"})
    send(home, anna, "review", {})
    (file,) = home.folder.glob("*.yaml")
    site = read_site(file)
    assert [(g.transport, g.host, g.mac) for g in site.gateways] == [
        ("marstek-udp", "127.0.0.21", MACS[0]), ("marstek-udp", "127.0.0.22", MACS[1]),
    ]  # fmt: skip
    assert not site.control.enabled
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(said | {"control": {"enabled": True}}), encoding="utf-8")
    assert follow_files(home.platform).faults == []
    now = home.house.clock.now()
    with home.platform.warehouse.begin() as connection:
        arming.arm(connection, site.key, now, "local:anna")
    home.house.clock.advance_to(now + timedelta(minutes=15))
    charge = ("venus-battery", "battery", "charge", -1000.0, {"charge_limit_w": 1000, "target_soc_pct": 80})
    assert "echoed" in steer(home, home.house.clock.now(), charge)
    held = home.held()
    assert held["venus-1"] != held["venus-2"], "the one is told, the other is not"


@pytest.mark.parametrize("host", ["255.255.255.255", "8.8.8.255"])
def test_a_broadcast_goes_into_networks_of_this_house_alone(home: Home, anna: TestClient, host: str) -> None:
    said = {"transport": "marstek-udp", "host": host, "port": "30000", "units": "1"}
    answer = anna.post("/ui/setup/find", data=said, follow_redirects=False)
    assert (answer.status_code, "none of this house" in answer.text) == (422, True)


def test_who_answers_from_elsewhere_is_not_offered(
    home: Home, anna: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SETUP_NETWORKS", "127.0.0.21/32,127.255.255.255/32")
    page = look(home, anna, "marstek-udp", BROADCAST_HERE, home.port)
    assert "127.0.0.21" in page
    assert "127.0.0.22" not in page


def test_nobody_who_answers_a_broadcast_is_said_with_what_to_switch_on(home: Home, anna: TestClient) -> None:
    with ExitStack() as off:
        off.callback(setattr, finding, "PORT", finding.PORT)
        (finding.PORT,) = free_ports(1)
        page = look(home, anna, "marstek-udp", BROADCAST_HERE, finding.PORT)
    assert "no battery answered" in page
    assert "Open API" in page


@pytest.mark.parametrize("path", ["/manifest.json", "/api/"])
def test_home_assistant_is_named_with_the_token_it_wants(home: Home, anna: TestClient, path: str) -> None:
    """By its name, and where that page is not served by how it refuses strangers; no token is ever sent."""

    def ask(asked: str, _query: object, _body: bytes) -> tuple[int, bytes]:
        if asked == path == "/manifest.json":
            return 200, json.dumps({"name": "Home Assistant", "short_name": "Home Assistant"}).encode()
        return (401, b"401: Unauthorized") if asked == "/api/" else (404, b"404: Not Found")

    with serving_http("127.0.0.1", 0, ask) as port:
        page = look(home, anna, "home-assistant", "127.0.0.1", port)
    assert f"Home Assistant answers at 127.0.0.1:{port}" in page
    assert "Long-lived access tokens" in page
    assert "password_env: EMS_HOME_ASSISTANT_TOKEN" in page


def test_what_is_not_home_assistant_is_not_called_so(home: Home, anna: TestClient) -> None:
    with serving_http("127.0.0.1", 0, lambda *_: (200, b"<html>a printer</html>"), login=Bearer(TOKEN)) as port:
        page = look(home, anna, "home-assistant", "127.0.0.1", port)
    assert "not as Home Assistant does" in page
