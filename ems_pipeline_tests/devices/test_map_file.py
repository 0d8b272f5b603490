"""A wrong point map is refused with its line, what stands there and what to do; a right one means what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ems_pipeline import settings
from ems_pipeline.devices.installed.options import site_options
from ems_pipeline.devices.points.map_file import MapFileError, known_maps, load_map, read_map
from ems_pipeline.devices.points.point import SITE_LIMITS
from ems_pipeline.sites import Site

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
    "a limit no site has": (
        MODBUS + "points:\n  a: {address: 1, unit: W, site_most: export_w}",
        ["mine.yaml:8: points.a", "site_most 'export_w' is no limit of a site; there are charge_limit_w"],
    ),
    "a limit in another unit": (
        MODBUS + "points:\n  a: {address: 1, unit: A, site_most: charge_limit_w}",
        ["mine.yaml:8: points.a", "site_most charge_limit_w is in 'W', the point in 'A'; name another, or site_per"],
    ),
    "a lower limit in another unit": (
        MODBUS + "points:\n  a: {address: 1, unit: W, site_least: min_soc_pct}",
        ["mine.yaml:8: points.a", "site_least min_soc_pct is in '%'"],
    ),
    "a limit by something that is not measured": (
        MODBUS + "points:\n  a: {address: 1, unit: A, site_most: charge_limit_w, site_per: volts}",
        ["mine.yaml:8: points.a", "site_per 'volts' is not in the vocabulary"],
    ),
    "a limit by the wrong thing": (
        MODBUS + "points:\n  a: {address: 1, unit: A, site_most: charge_limit_w, site_per: battery_soc_pct}",
        ["mine.yaml:8: points.a", "is in '?', the point in 'A'"],
    ),
    "a key given twice": (MODBUS + "points:\n  a: {address: 1, address: 2}", ["line 8: 'address' is given twice"]),
    "a point given twice": (MODBUS + "points:\n  a: {address: 1}\n  a: {address: 2}", ["line 9: 'a' is given twice"]),
    "a code given twice": (
        MODBUS + "points:\n  a: {address: 1, type: enum, codes: {1: 5, 1: 6}}",
        ["line 8: 1 is given twice"],
    ),
    "an alias": (MODBUS + "points:\n  a: &a {address: 1}\n  b: *a", ["line 9: *a is an alias; write the value out"]),
    "a merge": (MODBUS + "points:\n  a: {<<: {address: 1}}", ["line 8: << merges mappings"]),
    "a deep nest": (MODBUS + "points: " + "[" * 9000, ["line 7: is nested more than 20 deep"]),
    "a scale that is no number": (
        MODBUS + "points:\n  a: {address: 1, scale: .inf}",
        ["mine.yaml:8: points.a.scale", "finite number"],
    ),
    "a range without an end": (
        MODBUS + "points:\n  a: {address: 1, range: [0, .inf]}",
        ["mine.yaml:8: points.a.range", "finite number"],
    ),
    "a code that is no number": (
        MODBUS + "points:\n  a: {address: 1, type: enum, codes: {1: .nan}}",
        ["mine.yaml:8: points.a.codes", "finite number"],
    ),
    "a size that is no number": (
        MODBUS + "made_for: {connection_w: .inf}\npoints:\n  a: {address: 1}",
        ["mine.yaml:7: made_for.connection_w", "finite number"],
    ),
    "a letter that no terminal takes": (MODBUS + 'points:\n  a: {address: 1, note: "\\e[31m"}', ["cannot be printed"]),
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


def test_every_limit_a_point_may_name_is_one_a_site_can_give(home01: Site) -> None:
    """`site_options` is where the values come from: a name nobody fills would never bind."""
    given: set[str] = set()
    for device in home01.devices:
        given |= site_options(home01, device).keys()
    assert set(SITE_LIMITS) <= given


@pytest.mark.parametrize("name", known_maps({}))
def test_every_shipped_map_is_good_and_names_its_sources(name: str) -> None:
    point_map = read_map(known_maps({})[name])
    assert point_map.sources
    assert point_map.silence


def test_a_map_is_read_anew_when_the_one_it_extends_is_edited_or_put_before_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, first = tmp_path / "own", tmp_path / "first"
    own.mkdir()
    first.mkdir()
    monkeypatch.setenv(settings.DEVICE_MAPS.name, f"{first}:{own}")
    written(own, MODBUS + "points: {p: {address: 1}}")
    written(own, "map: variant\nextends: mine\npoints: {q: {address: 9}}", "variant")
    assert load_map("variant").point("p").address == 1
    written(own, MODBUS + "points: {p: {address: 2}}  # of another time")
    os.utime(own / "mine.yaml", ns=(1, 1))
    assert load_map("variant").point("p").address == 2
    written(first, MODBUS + "points: {p: {address: 3}}")
    assert load_map("variant").point("p").address == 3


@pytest.mark.parametrize("fault", ["folder", "broken base", "unreadable"])
def test_a_map_that_cannot_be_read_is_a_fault_of_a_map(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.DEVICE_MAPS.name, str(tmp_path))
    if fault == "folder":
        (tmp_path / "mine.yaml").mkdir()
    elif fault == "broken base":
        written(tmp_path, "map: mine\nextends: base")
        written(tmp_path, "map: [", "base")
    else:
        written(tmp_path, MODBUS)

        def refused(self: Path, **_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(MapFileError, match=r"mine|base"):
        load_map("mine")
