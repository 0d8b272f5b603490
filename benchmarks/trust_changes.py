"""What people change under a running `ems up` while a device holds something of ours: files, code, addresses."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import yaml
from living import free_port
from trust_cases import AT_ONCE_S, LOOK_S
from trust_house import ASSET, DEVICE, KEY, House
from trust_laws import Case
from trust_process import plant_process

SITES_S = 45.0
"""The site sensor is asked twice a minute."""
OVERDUE_S = 180.0 + 15.0 + 30.0
"""What nobody looks at the supervisor releases three minutes after its end; it looks every 15 s."""
RELOAD = """mutation { reloadRepositoryLocation(repositoryLocationName: "ems") { __typename
    ... on WorkspaceLocationEntry { loadStatus locationOrLoadError {
        __typename ... on PythonError { message errorChain { error { message } } } } }
    ... on ReloadNotSupported { message } ... on PythonError { message } } }"""


def broken_reload(house: House, case: Case) -> None:
    """ "Reload definitions" in the web UI with code that does not import; then that code's process is killed."""
    until = house.steer(4)
    case.begin()
    module = house.folder / "code" / "ems_pipeline" / "definitions.py"
    good = module.read_text(encoding="utf-8")
    module.write_text("import no_such_module\n" + good, encoding="utf-8")
    try:
        case.said(f"the web UI: {_reload(house.port)}")
        case.law(not case.writes(), "a refused reload wrote something")
        case.heard(house.alarms(), "code-not-loaded")
        for pid, words in house.processes().items():
            if "api grpc" in words or "code-server" in words:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        case.note("loaded code and code server killed: nothing of the clock is served any more")
        case.let_go(OVERDUE_S, since=until, only=DEVICE, quiet_s=0)
        case.heard(house.alarms(), "code-not-loaded")
    finally:
        module.write_text(good, encoding="utf-8")
    case.said(f"repaired and reloaded: {_reload(house.port)}")
    house.until(lambda: not [a for a in house.alarms() if "code-not-loaded" in a], "the alarm stands", 90)


def broken_neighbour(house: House, case: Case) -> None:
    """A file that is no site is saved beside the good one, and `ems up` started anew on both."""
    house.stop()
    neighbour = house.site_file.with_name("neighbour.yaml")
    neighbour.write_text("key: home02\ngateways: [\n", encoding="utf-8")
    try:
        house.start()
        case.said("\n".join(line for line in house.said().splitlines() if "left out" in line or "neighbour" in line))
        house.until(lambda: any("site-file" in alarm for alarm in house.alarms()), "no alarm of the file", 90)
        case.heard(house.alarms(), "site-file:neighbour.yaml")
        house.steer(10)
        case.begin()
        case.said(house.ems("control", "disarm", KEY))
        case.let_go(AT_ONCE_S)
    finally:
        neighbour.unlink()
    house.until(lambda: not any("site-file" in alarm for alarm in house.alarms()), "the alarm stands", 120)


def moved(house: House, case: Case) -> None:
    """The gateway gets another port in the file; plants answer at both."""
    house.steer(12)
    site = yaml.safe_load(house.site_file.read_text(encoding="utf-8"))
    for gateway in site["gateways"]:
        gateway["port"] = free_port()
    elsewhere = house.folder / "moved.yaml"
    elsewhere.write_text(yaml.safe_dump(site), encoding="utf-8")
    with plant_process(elsewhere, house.folder / "moved", house.environ()) as other:
        case.begin()
        _edit(house, lambda _: elsewhere.read_text(encoding="utf-8"))
        case.let_go(SITES_S + LOOK_S)
        case.law(not other.writes(), f"the new address was told something without an arm: {other.writes()[:3]}")
        case.heard(house.alarms(), "arm-for-other")
        case.said(house.ems("control", "arm", KEY, "--minutes", "30"))
        armed = time.time()
        house.ems("control", "override", "add", KEY, ASSET, "charge", "--minutes", "5", "--now")
        house.until(other.writes, "the new address is never steered", 90)
        case.law(not house.plant.writes(armed), "the old address was told something after the move")
        case.said(house.ems("control", "disarm", KEY))
        left = house.unlike_rest(other)
        case.law(other.image()[DEVICE]["grid_charge_enable"] == 0, f"the new address is not let go: {left}")


def device_renamed(house: House, case: Case) -> None:
    """A device gets another name in the site file."""
    house.steer(12)
    case.begin()
    _edit(
        house, lambda text: text.replace(f"device: {DEVICE}", "device: hybrid").replace(f"key: {DEVICE}", "key: hybrid")
    )
    case.let_go(SITES_S + LOOK_S)
    case.heard(house.alarms(), "arm-for-other")


def site_renamed(house: House, case: Case) -> None:
    """The site gets another key: nobody knows which is meant, so the old one goes on until somebody says so."""
    house.steer(14)
    case.begin()
    _edit(house, lambda text: text.replace(f"key: {KEY}", "key: home09"))
    house.until(lambda: any("site-file:home09" in alarm for alarm in house.alarms()), "no alarm", SITES_S + LOOK_S)
    case.heard(house.alarms(), "site-file:home09")
    case.heard(house.alarms(), "site-file:missing")
    case.law(not case.writes(), f"something was written: {case.writes()[:3]}")
    removed_at = time.time()
    case.said(house.ems("site", "remove", KEY))
    case.let_go(AT_ONCE_S, since=removed_at)


CASES: dict[str, Callable[[House, Case], None]] = {
    "neighbour": broken_neighbour, "reload": broken_reload, "moved": moved,
    "device-renamed": device_renamed, "site-renamed": site_renamed,
}  # fmt: skip


def _edit(house: House, change: Callable[[str], str]) -> None:
    """As a person saves a file: whole."""
    file = house.site_file
    part = file.with_suffix(".part")
    part.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    part.rename(file)


def _reload(port: int) -> str:
    """What a click on "Reload" in the web UI is told."""
    body = json.dumps({"query": RELOAD}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=180) as answer:
        return json.dumps(json.load(answer)["data"] or "no data")
