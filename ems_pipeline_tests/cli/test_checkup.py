"""`ems doctor`: who shares a unit id answers for the other, except models of one SunSpec unit."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ems_pipeline.cli import checkup
from ems_pipeline.devices.ocpp import callers
from ems_pipeline.sites import Device, Site


def findings(site: Site, maps: tuple[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pair = [Device(key=f"d{i}", map=m, gateway="rs485", unit_id=77).model_dump(mode="json") for i, m in enumerate(maps)]
    document = site.model_dump(mode="json")
    document["devices"] += pair
    (folder / "home01.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("EMS_SITES", str(folder))
    return [f.text for f in checkup.bus_conflicts() if f.level == "wrong"]


def test_chargers_that_call_in_are_said_to_be_there_missing_or_strange(
    home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "_good_sites", lambda: [home01])
    assert list(checkup.chargers()) == []
    there = callers.Caller("box-1", "", "2026-03-01 12:00:00 UTC", "ocpp1.6", "vendor box", "")
    gone = callers.Caller("box-2", "box-2 is not connected yet: it has not called in", "", "", "", "")
    stranger = callers.Stranger("intruder", "192.0.2.9", "no device has this name", "12:00", 1)
    monkeypatch.setattr(callers, "seen", lambda _: [callers.Seen("127.0.0.1:9000", "", (there, gone), (stranger,))])
    found = {(f.level, f.what): f.text for f in checkup.chargers()}
    assert found["good", "charger box-1"] == "called in at 2026-03-01 12:00:00 UTC: ocpp1.6 vendor box"
    assert "not connected" in found["warning", "charger box-2"]
    assert "intruder from 192.0.2.9" in found["warning", "chargers"]


def test_two_meters_with_one_unit_id_are_a_conflict(
    home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = findings(home01, ("eastron-sdm630", "eastron-sdm72d-m"), tmp_path, monkeypatch)
    assert "home01/d1 is home01/d0: both are at 127.0.0.1:15020 unit 77" in text


def test_an_inverter_and_its_meter_may_be_one_sunspec_unit(
    home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(home01, ("sunspec-inverter", "sunspec-meter"), tmp_path, monkeypatch) == []
    assert findings(home01, ("sunspec-meter", "sunspec-meter"), tmp_path, monkeypatch)
