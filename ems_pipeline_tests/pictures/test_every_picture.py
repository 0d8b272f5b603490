"""What holds for every picture: well-formed, escaped, without ids and styles, in colours of the palette, and pure."""

from __future__ import annotations

import ast
import base64
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ems_pipeline.pictures.bars import Bars, bars
from ems_pipeline.pictures.flow import Flow, Node, flow
from ems_pipeline.pictures.gauge import Gauge, gauge
from ems_pipeline.pictures.inline import inline_image, standalone
from ems_pipeline.pictures.palette import COLOURS, DARK_PAGE, LIGHT_PAGE, RULES, TEXTS, css_class, stylesheet
from ems_pipeline.pictures.panel import Band, Panel, Series, Span
from ems_pipeline.pictures.slot_chart import SlotChart, slot_chart
from ems_pipeline.pictures.sparkline import Sparkline, sparkline
from ems_pipeline.pictures.whiskers import Whisker, Whiskers, whiskers
from ems_pipeline.time_grid import SLOT
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.pictures.drawn import parsed
from ems_pipeline_tests.test_architecture import imports

EVIL = "<script>alert(\"x\")</script> & 'y'"
START = datetime(2026, 4, 17, 22, tzinfo=UTC)


def slots() -> str:
    series, band = Series(EVIL, [1.0, None]), Band(EVIL, [0.0, 1.0], [1.0, 2.0])
    span = Span(START, START + 2 * SLOT, EVIL)
    panel = Panel(EVIL, EVIL, [series], [band], [span])
    zone = ZoneInfo("Europe/Prague")
    return slot_chart(SlotChart([START, START + SLOT], [panel], zone, EVIL, EVIL, now=START))


PICTURES: dict[str, Callable[[], str]] = {
    "slot chart": slots,
    "flow": lambda: flow(Flow([Node("grid", EVIL, 1000.0, EVIL), Node("load", EVIL, None, EVIL)], EVIL, EVIL)),
    "gauge": lambda: gauge(Gauge(62.0, EVIL, 20.0, EVIL, EVIL)),
    "bars": lambda: bars(Bars([date(2026, 4, 1)], {EVIL: [-1.0], "cost": [None]}, EVIL, EVIL, EVIL, EVIL)),
    "sparkline": lambda: sparkline(Sparkline([1.0, None, 2.0, 3.0], EVIL, EVIL, EVIL)),
    "whiskers": lambda: whiskers(Whiskers([Whisker(EVIL, 1.0, -1.0, 2.0)], EVIL, EVIL, EVIL)),
}
every = pytest.mark.parametrize("name", PICTURES)


@every
def test_words_from_outside_are_words(name: str) -> None:
    root = parsed(PICTURES[name]())
    assert not [node for node in root.iter() if "script" in node.tag]
    assert [(node.tag.split("}")[1], node.text) for node in root][:2] == [("title", EVIL), ("desc", EVIL)]
    assert root.get("role") == "img"


@every
def test_a_strict_content_policy_allows_it_any_number_of_times_on_a_page(name: str) -> None:
    for node in parsed(PICTURES[name]()).iter():
        assert node.tag.split("}")[1] in {"svg", "title", "desc", "g", "path", "text", "tspan", "line"}
        assert not set(node.keys()) & {"style", "id", "href", "onload"}


@every
def test_a_page_recolours_it_by_rules_for_classes(name: str) -> None:
    """Every colour is an attribute that a rule wins over; a shape has none of its own."""
    rules = stylesheet()
    for node in parsed(PICTURES[name]()).iter():
        assert node.get("fill") in (None, "none", "currentColor")
        assert node.get("stroke") in (None, "currentColor")
        if node.get("color"):
            (named,) = [word for word in node.get("class", "").split() if word.startswith("c-")]
            assert f".{named}{{color:{node.get('color')}}}" in rules


@every
def test_by_itself_it_stands_on_a_light_ground(name: str) -> None:
    image = inline_image(PICTURES[name](), "a [day] <of> costs")
    found = re.fullmatch(r"!\[a \(day\) &lt;of&gt; costs\]\(data:image/svg\+xml;base64,(.*)\)", image)
    assert found
    svg = base64.b64decode(found[1]).decode()
    assert svg == standalone(PICTURES[name]())
    assert parsed(svg)[0].get("fill") == LIGHT_PAGE


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_reckoned_as_published() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("name", sorted(COLOURS.keys() - RULES.keys()))
def test_texts_and_shapes_can_be_told_from_the_page(name: str) -> None:
    least = 4.5 if name in TEXTS else 3.0
    assert contrast(COLOURS[name].light, LIGHT_PAGE) >= least
    assert contrast(COLOURS[name].dark, DARK_PAGE) >= least


def test_a_name_of_a_colour_is_a_class_of_its_own() -> None:
    assert len({css_class(name) for name in COLOURS}) == len(COLOURS)
    assert all(re.fullmatch(r"c-[a-z0-9-]+", css_class(name)) for name in COLOURS)


def test_pictures_are_made_of_text_alone() -> None:
    """No polars, no settings, no file: whoever has values may draw, at the cost of nothing."""
    ours = ("ems_pipeline.pictures", "ems_pipeline.time_grid", "ems_pipeline.units")
    for path in (ROOT / "ems_pipeline" / "pictures").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in imports(ast.parse(text)):
            known = name == "markupsafe" or name.split(".")[0] in sys.stdlib_module_names - {"pathlib", "os", "time"}
            assert known or name.startswith(ours), f"{path.name} imports {name}"
        assert not re.search(r"\b(open|now|today)\(", text), path.name


def test_the_example_of_the_document_draws_what_it_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8"), re.DOTALL)
    made: dict[str, str] = {}
    exec(code, made)
    assert parsed(made["svg"]).get("data-slots") == "92"
