"""Whatever lies beside an armed site, in the folder or in the database: it is let go, disarmed, switched off."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from ems_pipeline.devices.installed.address import wires_of
from ems_pipeline.orchestration.installation.up import let_go
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files, let_go_unreadable
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, alarms, arming, setpoints
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.bench import ems
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE
from ems_pipeline_tests.copies import copy_of

CORRUPTIONS = 40
STEERED = {"inverter", "wallbox-1", "loxone"}
ODD = [None, [], {}, "x", -1, True, [[]], {"a": {}}]


def folder_of(files: Bench) -> Path:
    return Path(os.environ["EMS_SITES"])


def corrupted(document: dict[str, Any], chance: random.Random) -> bytes:
    """The site file of a neighbour with one thing wrong with it, however people and disks do that."""
    text = yaml.safe_dump(document).encode()
    at = chance.randrange(len(text))
    key, number = (
        chance.choice(list(document)),
        chance.choice([".inf", ".nan", "1.0e+999", "9" * 5000, "0x" + "f" * 9999]),
    )
    ways: list[Callable[[], bytes]] = [
        lambda: text[:at],
        lambda: text[:at] + chance.randbytes(chance.randrange(1, 40)) + text[at:],
        lambda: bytes(b ^ (1 << chance.randrange(8)) if i == at else b for i, b in enumerate(text)),
        lambda: text + f"\n{key}: {number}\n".encode(),
        lambda: yaml.safe_dump(document | {key: chance.choice(ODD)}).encode(),
        lambda: yaml.safe_dump({k: v for k, v in document.items() if k != key}).encode(),
        lambda: text + b"\nlatitude: " + number.encode(),
        lambda: b"[" * 50_000,
        lambda: b"a: &a [x]\nb: [*a, *a]\n" + text,
        lambda: b"",
        lambda: text.replace(b"key: home02", b"key: home01"),
        lambda: b"name: \"\\ud800\"\n" + text,
        lambda: text.decode().encode("utf-16"),
        lambda: b"\x00" * 4096,
    ]  # fmt: skip
    return chance.choice(ways)()


def steered(files: Bench) -> None:
    """Armed, planned, told: two devices hold something of ours."""
    bench.empty(files.warehouse)
    with files.warehouse.begin() as connection:
        connection.execute(sa.text("DELETE FROM ems.site_config WHERE site_key <> 'home01'"))
        connection.execute(sa.text("DELETE FROM ems.site WHERE site_key <> 'home01'"))
        registry.register(connection, [files.site], files.clock.now())
        arming.arm(connection, "home01", files.clock.now(), "test")
    files.plan(CHARGE, CAR)
    files.control()
    assert files.steered() == STEERED


def platform_of(files: Bench) -> Platform:
    return Platform(files.warehouse, files.clock, read_sites)


def neighbour(files: Bench) -> dict[str, Any]:
    return files.site.model_dump(mode="json") | {"key": "home02"}


def test_an_armed_site_is_let_go_whatever_its_neighbours_file_says(files: Bench) -> None:
    for seed in range(CORRUPTIONS):
        beside_a_corrupted_file(files, seed)


def beside_a_corrupted_file(files: Bench, seed: int) -> None:
    chance = random.Random(seed)
    (folder_of(files) / "home01.yaml").write_text(yaml.safe_dump(files.site.model_dump(mode="json")))
    steered(files)
    (folder_of(files) / "home02.yaml").write_bytes(corrupted(neighbour(files), chance))
    way = chance.choice(["release", "disarm", "no", "stop"])
    match way:
        case "release":
            assert ems("release", "home01").exit_code == 0
        case "disarm":
            assert ems("control", "disarm", "home01").exit_code == 0
        case "no":
            own = files.site.model_dump(mode="json")
            own["control"] = {"enabled": False}
            (folder_of(files) / "home01.yaml").write_text(yaml.safe_dump(own))
            follow_files(platform_of(files))
            (site,) = (s for s in platform_of(files).sites() if s.key == "home01")
            assert not site.control.enabled
            bench.control(files.warehouse, site, files.clock)
        case _:
            list(let_go(platform_of(files), "stopped"))
    assert files.steered() == set(), (seed, way)
    assert files.held("inverter")["grid_charge_enable"] == 0


def test_a_device_is_read_and_overridden_at_once_beside_a_broken_file(files: Bench) -> None:
    (folder_of(files) / "home02.yaml").write_text("key: [")
    assert ems("device", "read", "home01", "inverter").exit_code == 0
    said = ems("control", "override", "add", "home01", "car-1", "off", "--now")
    assert "home01/wallbox-1: echoed" in said.output, said.output


@pytest.mark.parametrize("gone", ["broken", "deleted", "folder"])
def test_a_site_is_let_go_when_its_own_file_is_no_more(
    files: Bench, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steered(files)
    if gone == "folder":
        monkeypatch.setenv("EMS_SITES", "/nowhere")
    elif gone == "broken":
        (folder_of(files) / "home01.yaml").write_text("key: [")
    else:
        (folder_of(files) / "home01.yaml").unlink()
    assert ems("device", "read", "home01", "inverter").exit_code == 0
    assert ems("control", "disarm", "home01").exit_code == 0
    assert files.steered() == set()


def spoil(warehouse: Warehouse, site: Site) -> None:
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("""INSERT INTO ems.site_config VALUES
                       (:key, 'x', '{"key": null}', (SELECT max(known_at) + interval '1 s' FROM ems.site_config))"""),
            {"key": site.key},
        )


def test_a_site_whose_row_is_spoilt_is_let_go_told_and_alone(files: Bench) -> None:
    steered(files)
    quiet = files.site.model_copy(
        update={
            "key": "home02",
            "gateways": (),
            "devices": (),
            "pv": (),
            "batteries": (),
            "chargers": (),
            "heat_pumps": (),
        }
    )
    with files.warehouse.begin() as connection:
        registry.register(connection, [quiet], files.clock.now())
    spoil(files.warehouse, files.site)
    platform = platform_of(files)
    assert [site.key for site in platform.sites()] == ["home02"]
    outcomes = let_go_unreadable(platform)
    assert {(o.device, o.state) for o in outcomes} == {(device, "released") for device in STEERED}
    assert files.steered() == set()
    with files.warehouse.begin() as connection:
        (alarm,) = alarms.open_alarms(connection).rows(named=True)
    assert (alarm["site_key"], alarm["kind"], alarm["severity"]) == ("home01", "site-config", "critical")
    with files.warehouse.begin() as connection:
        registry.register(connection, [files.site], files.clock.now())
    assert let_go_unreadable(platform) == []
    with files.warehouse.begin() as connection:
        assert alarms.open_alarms(connection).is_empty()


def test_a_site_that_cannot_be_let_go_keeps_no_other_waiting(files: Bench) -> None:
    """Something stands in a device at which nobody answers any more."""
    steered(files)
    first, now = copy_of(files.site, "a-first"), files.clock.now()
    wire = wires_of(first)["inverter"]
    with files.warehouse.begin() as connection:
        registry.register(connection, [first], now)
        intent = Intent("inverter", None, Source.PLAN, "test", now + SLOT)
        row = Setpoint("a-first", now, intent, is_shadow=False, config_hash=registry.config_hash(first), wire=wire)
        setpoints.intend(connection, [row], now)
    said = list(let_go(platform_of(files), "stopped"))
    assert said[0].startswith("a-first/inverter: failed")
    assert files.steered() == set()
    with files.warehouse.begin() as connection:
        registry.set_active(connection, "a-first", False)
