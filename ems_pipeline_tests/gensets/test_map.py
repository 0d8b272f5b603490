"""Controller maps: what is shipped, what an owner corrects, what no file opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.gensets.map import allowed
from ems_pipeline.gensets.map.file import ControllerMapError, known, load, read
from ems_pipeline.gensets.states import AlarmGroup, BreakerState, EngineState

LEAST = """
format: smartgen-map/1
model: HGM9520N
registers:
  - {name: power_w, address: 180, type: s32, scale: 100, unit: W}
"""


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["hgm9520n", "hgm9560"])
def test_a_shipped_map_speaks_our_words_and_is_not_confirmed(name: str) -> None:
    whole = load(name)
    assert set(whole.enums["engine"].values()) <= set(EngineState)
    assert set(whole.enums["breaker"].values()) == set(BreakerState)
    assert not whole.verified
    assert [c.name for c in whole.commands if not c.requires_verified] == ["mute"]


def test_the_alarms_of_the_9520n_repeat_in_seven_groups() -> None:
    table = load("hgm9520n").alarms
    assert table is not None
    assert len(table.groups) == 7
    assert table.groups[AlarmGroup.WARNING] == 91
    assert len(table.bits()) == 7 * (16 + 16 + 16 + 16 + 14 + 8)


@pytest.mark.parametrize("coil", [2, 5, 6, 7, 8, 9, 10, 11, 15, 0x13])
def test_no_file_offers_what_is_never_done_from_afar(coil: int) -> None:
    assert "never written from afar" in allowed.refused("HGM9520N", "stop", "pulse_coil", coil)


@pytest.mark.parametrize(
    ("model", "register"), [("HGM9520N", 4369), ("HGM9520N", 4096), ("HGM9560", 199), ("HGM7320", 4368)]
)
def test_no_file_offers_another_register(model: str, register: int) -> None:
    assert allowed.refused(model, "power_setpoint_pct", "write_register", register)


def test_a_map_that_offers_the_emergency_stop_is_refused_whole(tmp_path: Path) -> None:
    text = f"{LEAST}commands:\n  - {{name: stop, kind: pulse_coil, address: 15}}\n"
    with pytest.raises(ControllerMapError, match=r"commands\[stop\]: offers coil 15, which is never written from afar"):
        read(written(tmp_path, text))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{name: power_w, address: 99}", "'power_w' is there twice"),
        ("{name: other, address: 181}", "register 181 is half of 'power_w'"),
        ("{name: other, address: 5, type: enum, enum: engine}", "enum 'engine' is not in `enums`"),
        ("{name: other, address: 5, typ: s16}", "did you mean 'type'"),
        ("{name: other, address: 5, type: u15}", "registers[other].type = 'u15'"),
        ("{name: other, address: 5, valid: [5, 1]}", "write the lower end first"),
    ],
)
def test_a_fault_is_told_with_its_place_and_its_remedy(tmp_path: Path, entry: str, fault: str) -> None:
    with pytest.raises(ControllerMapError) as error:
        read(written(tmp_path, f"{LEAST}  - {entry}\n"))
    assert fault in str(error.value)


def test_an_enum_has_no_hole(tmp_path: Path) -> None:
    with pytest.raises(ControllerMapError, match="without a hole"):
        read(written(tmp_path, f"{LEAST}enums: {{mains: {{0: normal, 2: abnormal}}}}\n"))


def test_a_number_without_a_range_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ControllerMapError, match="needs its `range`"):
        read(
            written(
                tmp_path, f"{LEAST}commands:\n  - {{name: power_setpoint_pct, kind: write_register, address: 4368}}\n"
            )
        )


def test_an_owners_file_beside_the_site_files_corrects_one_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    folder = tmp_path / "controllers"
    folder.mkdir()
    text = "extends: hgm9520n\nverified: true\nregisters:\n  - {name: energy_wh, scale: 1000}\nabsent: [fuel_pct]\n"
    written(folder, text, "hgm9520n")
    whole = load("hgm9520n")
    assert next(r.scale for r in whole.registers if r.name == "energy_wh") == 1000
    assert "fuel_pct" not in {r.name for r in whole.registers}
    assert len(whole.registers) == 54
    assert whole.is_verified(whole.by_command["start"])
    assert known()["hgm9520n"] == folder / "hgm9520n.yaml"


def test_a_map_that_extends_itself_in_a_circle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    folder = tmp_path / "controllers"
    folder.mkdir()
    written(folder, "extends: b\n", "a")
    written(folder, "extends: a\n", "b")
    with pytest.raises(ControllerMapError, match="cannot extend 'a'"):
        load("a")
