"""A wrong point map is refused with its line, what stands there and what to do; a right one means what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.devices.map_file import MapFileError, known_maps, read_map

HEAD = "map: mine\ntitle: T\ndriver: meter\nsilence: none\nsources: [s]\n"
MODBUS, HTTP = HEAD + "protocol: modbus\n", HEAD + "protocol: http\n"
"""Six lines: the seventh is the first of the text that follows."""


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


WRONG = {
    "a field of a register": (
        MODBUS + "points:\n  p: {address: 1, field: a.b}",
        ["mine.yaml:8: points.p", "a register has none; remove them"],
    ),
    "a true_field of a register": (
        MODBUS + "points:\n  p: {address: 1, true_field: ok}",
        ["mine.yaml:8: points.p", "remove them"],
    ),
    "an HTTP point without a field": (
        HTTP + "points:\n  p: {path: status}",
        ["mine.yaml:8: points.p", "needs `field`, or the link one for all"],
    ),
    "an HTTP point with a register": (
        HTTP + "points:\n  p: {address: 7}",
        ["mine.yaml:8: points.p", "needs `path`, as protocol http asks"],
    ),
    "text over HTTP": (
        HTTP + "points:\n  p: {path: s, field: a, type: ascii}",
        ["mine.yaml:8: points.p", "only numbers are read over HTTP"],
    ),
    "a writable HTTP point nobody can write": (
        HTTP + "points:\n  p: {path: s, field: a, access: rw, range: [0, 1]}",
        ["mine.yaml:8: points.p", "the link has no `write` that says how; add it"],
    ),
    "a request without its point": (
        HTTP + "link: {request: status}\npoints:\n  p: {path: s, field: a}",
        ["mine.yaml:7: link", "request 'status' must name {path} and nothing else in braces"],
    ),
    "a write without its value": (
        HTTP + "link:\n  write: set/{path}\npoints:\n  p: {path: s, field: a}",
        ["mine.yaml:7: link", "write 'set/{path}' must name {path} and {value}"],
    ),
    "an unknown login": (
        HTTP + "link:\n  login: token\npoints:\n  p: {path: s, field: a}",
        ["mine.yaml:8: link.login", "'basic' or 'digest'"],
    ),
    "a misspelt option": (
        HTTP + "points:\n  p: {path: s, feild: a}",
        ["mine.yaml:8: points.p.feild", "did you mean 'field'?"],
    ),
    "a point that is nothing": (
        MODBUS + "points:\n  p:",
        ["line 8: point p must be a mapping", "null only takes away"],
    ),
    "points as a list": (MODBUS + "points: [1]", ["line 7: points must be a mapping"]),
    "no points": (MODBUS + "points:", ["line 7: points must be a mapping"]),
    "a repetition without a number": (
        MODBUS + "points:\n  p{n}: {address: 1, repeat: many}",
        ["line 8: p{n}: `repeat: many`", "must be whole"],
    ),
    "a repetition without a place": (
        MODBUS + "points:\n  p: {address: 1, repeat: 3}",
        ["line 8: p and `repeat: 3` do not fit"],
    ),
    "a quantity of two points": (
        MODBUS
        + "points:\n  a: {address: 1, unit: W, quantity: pv_power_w}\n  b: {address: 2, unit: W, quantity: pv_power_w}",
        ["mine.yaml:9: points.b", "gives 'pv_power_w' a second time; keep one"],
    ),
    "a sum of what is not there": (
        MODBUS + "derived:\n  pv_power_w: {sum: [a, b]}\npoints:\n  a: {address: 1, unit: W}",
        ["mine.yaml:8: derived.pv_power_w", "made of 'b', which is no point; define it"],
    ),
    "a gate that is not there": (
        MODBUS + "ready: {point: gate, equals: 1, reason: r}\npoints:\n  a: {address: 1}",
        ["mine.yaml:7: ready", "'gate' is no point; define it"],
    ),
    "another name than the file's": (
        MODBUS.replace("mine", "yours") + "points:\n  a: {address: 1}",
        ["line 1: `map: yours` is not the file name"],
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_map_is_refused_with_line_and_remedy(fault: str, tmp_path: Path) -> None:
    text, said = WRONG[fault]
    with pytest.raises(MapFileError) as refused:
        read_map(written(tmp_path, text))
    for words in said:
        assert words in str(refused.value)


def test_every_fault_of_a_map_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MapFileError, match=r"has 3 fault\(s\)"):
        read_map(written(tmp_path, HTTP + "link: {login: no}\npoints:\n  p: {path: s, sign: 2}\n  q: {adress: 1}"))


def test_a_repeated_point_says_its_number_in_every_text(tmp_path: Path) -> None:
    text = "points:\n  p{n}: {repeat: 3, path: 'at/{n}', field: 'l.{i}.{abc}{ABC}', note: 'phase {n}'}"
    points = read_map(written(tmp_path, HTTP + text)).points
    assert [(p.name, p.path, p.field, p.note) for p in points] == [
        ("p1", "at/1", "l.0.aA", "phase 1"),
        ("p2", "at/2", "l.1.bB", "phase 2"),
        ("p3", "at/3", "l.2.cC", "phase 3"),
    ]


def test_a_variant_changes_adds_and_lacks_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_DEVICE_MAPS", str(tmp_path))
    written(tmp_path, MODBUS + "points:\n  a: {address: 1, note: x}\n  b: {address: 2}\n  c: {address: 3}")
    variant = "map: other\nextends: mine\npoints:\n  a: {address: 9}\n  b: null\n  d: {address: 4}\n"
    points = read_map(written(tmp_path, variant, "other")).by_name
    assert {name: p.address for name, p in points.items()} == {"a": 9, "c": 3, "d": 4}
    assert points["a"].note == "x"


@pytest.mark.parametrize("name", known_maps({}))
def test_every_shipped_map_is_good_and_names_its_sources(name: str) -> None:
    point_map = read_map(known_maps({})[name])
    assert point_map.sources
    assert point_map.silence
