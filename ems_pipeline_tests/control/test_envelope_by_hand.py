"""Every law of the envelope at its edges, decided by hand on the demo home.

Its pack gives and takes 8 kW between 10 % and 100 %, sells down to 15 %; the connection feeds in 10 kW, the roofs
make 9.6 kW; a car needs 6 A and gets 16 at most; the heat pump takes 0.9 to 3.2 kW in a house that is to have
20 to 22.5 °C.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ems_pipeline.control import envelope
from ems_pipeline.control.grid_limit import charger_within
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, GensetCommand, HeatPumpCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.sites import Charger, Genset, Site
from ems_pipeline.sites.modes import BatteryMode as B
from ems_pipeline.sites.modes import ChargerMode as C
from ems_pipeline.sites.modes import HeatPumpMode as H
from ems_pipeline_tests.control.test_envelope import live


def decided(site: Site, command: Command, soc_pct: float | None = 50.0, indoor_c: float | None = 21.0) -> Any:
    at = live(site, {"battery_soc_pct": soc_pct}, heat_pump={"indoor_temp_c": indoor_c})
    return envelope.bound(site, command, at)


@pytest.mark.parametrize(
    ("limit", "asked_w", "gets_w", "note"),
    [
        ("charge_limit_w", None, 8000, ""),
        ("charge_limit_w", 0.0, 0, ""),
        ("charge_limit_w", 0.5, 0.5, ""),
        ("charge_limit_w", 8000.0, 8000, ""),
        ("charge_limit_w", 8001.0, 8000, "charge_limit_w 8001 W is outside 0..8000 W"),
        ("charge_limit_w", -1.0, 0, "charge_limit_w -1 W is outside 0..8000 W"),
        ("discharge_limit_w", 9000.0, 8000, "discharge_limit_w 9000 W is outside 0..8000 W"),
        ("export_limit_w", 12e3, 10_000, "export_limit_w 12000 W is outside 0..10000 W"),
        ("pv_limit_w", 9600.0, 9600, ""),
        ("pv_limit_w", 9601.0, 9600, "pv_limit_w 9601 W is outside 0..9600 W"),
    ],
)
def test_a_power_of_the_pack(home01: Site, limit: str, asked_w: float | None, gets_w: float, note: str) -> None:
    found, notes = decided(home01, BatteryCommand("inverter", B.SELF_USE, **{limit: asked_w}))
    assert (getattr(found, limit), notes) == (gets_w, [note] if note else [])


@pytest.mark.parametrize(
    ("device", "option", "command", "field", "gets"),
    [
        ("wallbox-1", {"max_current_a": 10.0}, ChargerCommand("wallbox-1", C.CHARGE, 16.0, 3), "current_a", 10),
        ("wallbox-1", {"max_current_a": 32.0}, ChargerCommand("wallbox-1", C.CHARGE, 32.0, 3), "current_a", 16),
        ("wallbox-1", {"max_current_a": 5.0}, ChargerCommand("wallbox-1", C.CHARGE, 16.0, 3), "current_a", 0),
        ("inverter", {"charge_limit_w": 3000.0}, BatteryCommand("inverter", B.SELF_USE), "charge_limit_w", 3000),
        ("inverter", {"charge_limit_w": 9000.0}, BatteryCommand("inverter", B.SELF_USE), "charge_limit_w", 8000),
        ("inverter", {"export_limit_w": 0.0}, BatteryCommand("inverter", B.SELF_USE), "export_limit_w", 0),
        ("inverter", {"export_limit_w": 2e4}, BatteryCommand("inverter", B.SELF_USE), "export_limit_w", 10_000),
        ("inverter", {"pv_limit_w": 4e3}, BatteryCommand("inverter", B.SELF_USE, pv_limit_w=9e3), "pv_limit_w", 4000),
        ("inverter", {"min_soc_pct": 30.0}, BatteryCommand("inverter", B.DISCHARGE), "target_soc_pct", 30),
        ("inverter", {"min_soc_pct": 5.0}, BatteryCommand("inverter", B.DISCHARGE), "target_soc_pct", 15),
    ],
)
def test_of_a_limit_of_the_part_and_an_option_of_its_device_the_smaller_holds(
    home01: Site, device: str, option: dict[str, float], command: Command, field: str, gets: float
) -> None:
    devices = tuple(d.model_copy(update={"options": option}) if d.key == device else d for d in home01.devices)
    found, _ = decided(home01.model_copy(update={"devices": devices}), command)
    assert getattr(found, field) == gets


def test_only_roofs_of_the_inverter_itself_count_for_its_pv_limit(home01: Site) -> None:
    south, west = home01.pv
    site = home01.model_copy(update={"pv": (south, west.model_copy(update={"device": "loxone"}))})
    assert decided(site, BatteryCommand("inverter", B.SELF_USE, pv_limit_w=9000.0))[0].pv_limit_w == 6000


@pytest.mark.parametrize(
    ("mode", "soc_pct", "becomes", "charge_limit_w", "target_pct"),
    [
        (B.CHARGE, 99.9, B.CHARGE, 8000, 100),
        (B.CHARGE, 100.0, B.HOLD, 0, None),
        (
            B.SELF_USE,
            100.0,
            B.SELF_USE,
            8000,
            None,
        ),  # a full pack stops by itself, and PV may be above the house at once
        (B.DISCHARGE, 15.1, B.DISCHARGE, 8000, 15),
        (B.DISCHARGE, 15.0, B.SELF_USE, 8000, None),
        (B.DISCHARGE, 10.1, B.SELF_USE, 8000, None),
        (B.DISCHARGE, 10.0, B.HOLD, 8000, None),
        (B.SELF_USE, None, B.SELF_USE, 8000, None),
    ],
)
def test_a_mode_by_the_measured_charge(
    home01: Site, mode: B, soc_pct: float | None, becomes: B, charge_limit_w: float, target_pct: float | None
) -> None:
    found, _ = decided(home01, BatteryCommand("inverter", mode), soc_pct)
    assert (found.mode, found.charge_limit_w, found.target_soc_pct) == (becomes, charge_limit_w, target_pct)


@pytest.mark.parametrize("mode", [B.CHARGE, B.DISCHARGE])
def test_what_moves_energy_by_command_needs_a_measured_charge(home01: Site, mode: B) -> None:
    with pytest.raises(SetpointRefused, match=f"no {mode} without a measured state of charge"):
        decided(home01, BatteryCommand("inverter", mode), soc_pct=None)


def packs(site: Site, *windows: tuple[float, float, float]) -> Site:
    """The pack in parts of half the power each, with windows (minimum, reserve, maximum) of their own."""
    names = ("min_soc_pct", "reserve_soc_pct", "max_soc_pct")
    half = {"charge_limit_w": 4000.0, "discharge_limit_w": 4000.0}
    parts = [half | {"key": f"p{i}"} | dict(zip(names, window, strict=True)) for i, window in enumerate(windows)]
    return site.model_copy(update={"batteries": tuple(site.batteries[0].model_copy(update=part) for part in parts)})


def test_a_pack_that_must_not_be_full_is_charged_by_nobody_above_its_maximum(home01: Site) -> None:
    site = packs(home01, (10.0, 15.0, 90.0))
    for mode, becomes in ((B.SELF_USE, B.SELF_USE), (B.CHARGE, B.HOLD)):
        found, notes = decided(site, BatteryCommand("inverter", mode), 90.0)
        assert (found.mode, found.charge_limit_w, found.target_soc_pct) == (becomes, 0, None)
        assert notes == ["no charging at 90 %, maximum 90 %"]
    assert decided(site, BatteryCommand("inverter", B.SELF_USE), 89.9)[0].charge_limit_w == 4000


def test_two_packs_behind_one_inverter_keep_the_narrower_window(home01: Site) -> None:
    site = packs(home01, (10.0, 15.0, 95.0), (20.0, 30.0, 85.0))
    sold, bought = (decided(site, BatteryCommand("inverter", mode), 50.0)[0] for mode in (B.DISCHARGE, B.CHARGE))
    assert (sold.target_soc_pct, bought.target_soc_pct) == (30, 85)
    assert (sold.discharge_limit_w, bought.charge_limit_w) == (8000, 8000), "their powers add up"
    assert decided(site, BatteryCommand("inverter", B.DISCHARGE), 30.0)[0].mode is B.SELF_USE
    assert decided(site, BatteryCommand("inverter", B.DISCHARGE), 20.0)[0].mode is B.HOLD
    assert decided(site, BatteryCommand("inverter", B.CHARGE), 85.0)[0].mode is B.HOLD


@pytest.mark.parametrize(
    ("mode", "asked_pct", "gets_pct", "note"),
    [
        (B.CHARGE, 80.0, 80, []),
        (B.CHARGE, 120.0, 100, ["target 120 % is outside 10..100 %"]),
        (B.CHARGE, 5.0, 10, ["target 5 % is outside 10..100 %"]),
        (B.DISCHARGE, 12.0, 15, ["target 12 % is outside 15..100 %"]),
        (B.SELF_USE, 12.0, 12, []),
    ],
)
def test_a_target_goes_into_the_window_of_its_mode(
    home01: Site, mode: B, asked_pct: float, gets_pct: float, note: list[str]
) -> None:
    found, notes = decided(home01, BatteryCommand("inverter", mode, target_soc_pct=asked_pct))
    assert (found.target_soc_pct, notes) == (gets_pct, note)


@pytest.mark.parametrize(
    ("asked", "gets", "notes"),
    [
        ((C.CHARGE, 6.0, 3), (C.CHARGE, 6, 3), []),
        ((C.CHARGE, 5.9, 3), (C.OFF, 0, 3), ["5.9 A is below the 6 A a car needs"]),
        ((C.CHARGE, 9.9, 3), (C.CHARGE, 9, 3), []),
        ((C.CHARGE, 16.0, 3), (C.CHARGE, 16, 3), []),
        ((C.CHARGE, 16.5, 3), (C.CHARGE, 16, 3), ["16.5 A exceeds the circuit's 16 A"]),
        ((C.CHARGE, 20.0, 1), (C.CHARGE, 16, 3), ["20 A exceeds the circuit's 16 A; wired for 3 phases, not 1"]),
        ((C.OFF, 10.0, 1), (C.OFF, 0, 3), []),
    ],
)
def test_a_current_for_a_car(
    home01: Site, asked: tuple[C, float, int], gets: tuple[C, float, int], notes: list[str]
) -> None:
    found, said = decided(home01, ChargerCommand("wallbox-1", *asked))
    assert (found.mode, found.current_a, found.phases) == gets
    assert said == notes


@pytest.mark.parametrize(
    ("asked", "indoor_c", "gets"),
    [
        ((H.BLOCKED, None), None, (H.NORMAL, None)),
        ((H.NORMAL, 2000.0), None, (H.NORMAL, 2000)),
        ((H.BLOCKED, None), 20.0, (H.BLOCKED, None)),
        ((H.BLOCKED, None), 19.9, (H.NORMAL, None)),
        ((H.NORMAL, 2000.0), 19.9, (H.NORMAL, None)),
        ((H.FORCED, None), 19.9, (H.FORCED, None)),
        ((H.FORCED, None), 22.4, (H.FORCED, None)),
        ((H.FORCED, None), 22.5, (H.NORMAL, None)),
        ((H.RECOMMENDED, None), 22.5, (H.NORMAL, None)),
        ((H.BLOCKED, None), 23.0, (H.BLOCKED, None)),
        ((H.NORMAL, 900.0), 21.0, (H.NORMAL, 900)),
        ((H.NORMAL, 899.0), 21.0, (H.NORMAL, 900)),
        ((H.NORMAL, 3199.0), 21.0, (H.NORMAL, 3199)),
        ((H.NORMAL, 3200.0), 21.0, (H.NORMAL, None)),
    ],
)
def test_a_heat_pump_by_the_house(
    home01: Site, asked: tuple[H, float | None], indoor_c: float | None, gets: tuple[H, float | None]
) -> None:
    found, _ = decided(home01, HeatPumpCommand("heat-pump", *asked), indoor_c=indoor_c)
    assert (found.mode, found.power_limit_w) == gets


@pytest.mark.parametrize(
    ("run", "asked_w", "gets_w"),
    [(True, 3000, 3000), (True, 2999, 3000), (True, 10_000, 10_000), (True, 10_001, 10_000), (False, 5000, 0)],
)
def test_a_genset_runs_within_its_range_or_not_at_all(home01: Site, run: bool, asked_w: float, gets_w: float) -> None:
    genset = Genset(
        key="diesel", device="generator", min_power_w=3000, max_power_w=10_000, start_cost=0, fuel_per_kwh=8
    )
    site = home01.model_copy(update={"gensets": (genset,)})
    found, notes = decided(site, GensetCommand("generator", run, asked_w))
    assert (found.run, found.power_w) == (run, gets_w)
    assert bool(notes) == (asked_w != gets_w)


def test_a_connection_is_shared_by_the_phases_that_are_told_not_by_those_that_are_wired() -> None:
    """3000 W are left: 13 A by one phase; by three 4 A, which no car takes."""
    box = Charger(key="car", device="box", switches_phases=True)
    told = ChargerCommand("box", C.CHARGE, 16.0, 1)
    assert charger_within(box, told, 3000.0) == (2990.0, replace(told, current_a=13.0))
    assert charger_within(box, replace(told, phases=3), 3000.0)[0] == 0.0
