"""Flow, gauge, bars and sparkline: widths and heights by hand, unknown never drawn as nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from ems_pipeline.pictures.bars import Bars, bars
from ems_pipeline.pictures.flow import Flow, Node, flow, unexplained_w
from ems_pipeline.pictures.gauge import Gauge, gauge
from ems_pipeline.pictures.scale import scale
from ems_pipeline.pictures.slot_chart import NARROW, WIDE, Form
from ems_pipeline.pictures.sparkline import Sparkline, sparkline
from ems_pipeline.pictures.svg import fitted, short, text_width
from ems_pipeline.pictures.whiskers import Whisker, Whiskers, whiskers
from ems_pipeline.pictures.words import ENGLISH
from ems_pipeline_tests.pictures.drawn import lines, points, texts

HOME = [Node("grid", "Grid", -2000.0), Node("pv", "Roof", 4000.0), Node("load", "House", 1000.0)]


def arrow(svg: str, kind: str) -> list[tuple[float, float]]:
    """Corners of the arrow of a part: a filled path."""
    (path,) = [p.get("d", "") for p in lines(svg, kind) if p.get("fill") != "none"]
    return points(path)[0]


def test_the_width_of_an_arrow_is_its_power_and_its_tip_is_where_the_power_goes() -> None:
    svg = flow(Flow([*HOME, Node("ev", "Car", 1000.0)], "now"))
    widths = {kind: 2 * abs(arrow(svg, kind)[0][1] - arrow(svg, kind)[3][1]) for kind in ("grid", "pv", "load")}
    assert widths == {"pv": 16.0, "grid": 8.0, "load": 4.0}
    tips = {kind: arrow(svg, kind)[3][0] - arrow(svg, kind)[0][0] for kind in widths}
    assert tips["pv"] > 0
    assert tips["grid"] < 0, "export leaves the bus, to the left"
    assert tips["load"] > 0
    assert "unexplained" not in texts(svg)


def test_an_unknown_power_is_a_dash_on_a_dashed_line_and_no_power_is_zero() -> None:
    svg = flow(Flow([Node("ev", "Car", None, "since 9:12"), Node("load", "House", 0.2)], "now"))
    assert {"–", "0 W", "since 9:12"} <= set(texts(svg))
    assert [p.get("stroke-dasharray") for p in lines(svg, "muted") if p.get("fill") == "none"] == ["3 4"]
    assert not [p for kind in ("ev", "load") for p in lines(svg, kind) if p.get("fill") != "none"]


def test_what_does_not_add_up_is_shown_unless_something_is_unknown() -> None:
    """4000 from the roof less 2000 exported are 2000; the house draws 1000."""
    assert unexplained_w(HOME) == 1000
    assert {"unexplained", "1.00 kW"} <= set(texts(flow(Flow(HOME, "now"))))
    assert "unexplained" not in texts(flow(Flow(HOME, "now", tolerance_w=1001.0)))
    unknown = [*HOME, Node("ev", "Car", None)]
    assert unexplained_w(unknown) is None
    assert "unexplained" not in texts(flow(Flow(unknown, "now")))


def test_only_what_the_site_has_is_drawn_as_often_as_it_has_it() -> None:
    cars = [Node("ev", f"Car {i}", 100.0) for i in range(4)]
    assert [t for t in texts(flow(Flow([*HOME, *cars], "now"))) if t.startswith("Car")] == [c.name for c in cars]
    assert "Roof" not in texts(flow(Flow(HOME[:1], "now")))


def test_a_charge_fills_its_share_of_the_bar_and_an_unknown_one_none() -> None:
    half = Gauge(50.0, "Pack", 20.0)
    (run,) = points(lines(gauge(half), "soc")[0].get("d", ""))
    assert {x for x, _ in run} == {1.0, 180.0}
    assert points(lines(gauge(half), "reserve")[0].get("d", "")) == [[(72.6, 24.0), (72.6, 60.0)]]
    assert {"50 %", "reserve 20 %"} <= set(texts(gauge(half)))
    unknown = gauge(replace(half, soc_pct=None))
    assert not lines(unknown, "soc")
    assert "– %" in texts(unknown)
    assert not lines(gauge(replace(half, soc_pct=0.0)), "soc")


def test_a_bar_of_a_day_that_earned_hangs_below_zero_and_an_unknown_day_has_a_frame() -> None:
    days = [date(2026, 4, d) for d in (1, 2, 3)]
    svg = bars(Bars(days, {"cost": [2.0, -1.0, None]}, "cost", "CZK", "cost"))
    paid, earned = points(next(p.get("d", "") for p in lines(svg, "cost") if p.get("fill") is None))
    zero = paid[0][1]
    assert paid[2][1] - zero == pytest.approx(-2 * (earned[2][1] - zero), abs=0.2)
    assert paid[2][1] < zero < earned[2][1]
    (frame,) = [p for p in lines(svg, "muted") if p.get("stroke-dasharray")]
    assert len(points(frame.get("d", ""))) == 1
    assert "–" in texts(svg)
    assert texts(bars(Bars([], {"cost": []}, "cost", "CZK", "cost")))[-1] != "0"


def test_a_sparkline_leaves_gaps_and_is_dashed_without_any_value() -> None:
    drawn = lines(sparkline(Sparkline([1.0, 2.0, None, 3.0, 2.0], "pv", "pv")), "pv")
    assert len(points(drawn[0].get("d", ""))) == 2
    nothing = sparkline(Sparkline([None, None], "pv", "pv"))
    assert [p.get("stroke-dasharray") for p in lines(nothing, "muted")] == ["3 4"]


@pytest.mark.parametrize(
    ("values", "zero", "ticks"),
    [
        ([0.3, 7.4], False, [0.0, 2.0, 4.0, 6.0, 8.0]),
        ([20.2, 21.7], False, [20.0, 20.5, 21.0, 21.5, 22.0]),
        ([-1.7, 5.4], True, [-2.0, 0.0, 2.0, 4.0, 6.0]),
        ([5.0, 5.0], False, [4.6, 4.8, 5.0, 5.2, 5.4]),
        ([0.0, 0.0], True, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ([3000.0, 9000.0], True, [0.0, 2500.0, 5000.0, 7500.0, 10000.0]),
    ],
)
def test_an_axis_has_round_numbers(values: list[float], zero: bool, ticks: list[float]) -> None:
    assert scale(values, 0.0, 100.0, 4, zero=zero).ticks == pytest.approx(ticks)


def test_numbers_are_short_and_keep_their_sign() -> None:
    assert [short(v) for v in (0.0, -0.04, 0.5, -0.5, 10.5, 100.0)] == ["0", "0", ".5", "-.5", "10.5", "100"]
    assert [ENGLISH.power(v) for v in (None, 0.4, 999.4, 999.6, 1234.0, -12_345.0)] == [
        "–", "0 W", "999 W", "1.00 kW", "1.23 kW", "−12.3 kW",
    ]  # fmt: skip
    assert replace(ENGLISH, decimal=",").number(-0.001, 2) == "0,00"


def test_words_that_have_no_room_are_cut() -> None:
    assert fitted("Heat pump", 100.0, 12.0) == "Heat pump"
    cut = fitted("The car of a neighbour", 60.0, 12.0)
    assert cut.endswith("…")
    assert text_width(cut, 12.0) <= 60.0


def test_a_name_of_another_language_is_written_whole_and_only_a_very_long_one_is_cut() -> None:
    long = Node("heat pump", "Tepelné čerpadlo", 900.0), Node("ev", "Nabíjecí stanice u severní zdi", 0.0)
    svg = flow(Flow([*HOME, *long], "now"))
    assert {"Tepelné čerpadlo"} == {t for t in texts(svg) if t.startswith("Tepelné")}
    assert any(t.startswith("Nabíjecí") and t.endswith("…") for t in texts(svg))


@pytest.mark.parametrize("form", [WIDE, NARROW])
def test_labels_of_an_axis_stand_beside_each_other(form: Form) -> None:
    svg = whiskers(Whiskers([Whisker("battery-0", -8585.0, -8708.0, 900.0)], "CZK", "saved", form=form))
    labels = re.findall(r'<text x="([\d.]+)"[^>]*>(−?[\d,]+)</text>', svg)
    assert len(labels) >= 3
    widths = [(float(at), text_width(said, form.font)) for at, said in labels]
    assert all(a + w / 2 < b - v / 2 for (a, w), (b, v) in pairwise(widths))


def test_an_interval_lies_between_its_ends_and_is_green_only_clear_of_zero() -> None:
    rows = [Whisker("sure", 2.0, 1.0, 3.0), Whisker("unsure", 1.0, -1.0, 3.0), Whisker("lost", -2.0, -3.0, -1.0)]
    svg = whiskers(Whiskers(rows, "EUR", "saved"))
    drawn = [lines(svg, colour)[0].get("d", "") for colour in ("earned", "planned", "cost")]
    ends = [tuple(float(x) for x in re.findall(r"M(\S+) .*H(\S+)", path)[0]) for path in drawn]
    assert ends[0][1] == ends[1][1], "3 is at the same place in every row"
    assert ends[1][0] == ends[2][1], "and so is -1"
    per_unit = (ends[0][1] - ends[0][0]) / 2
    assert ends[1][1] - ends[1][0] == pytest.approx(4 * per_unit, abs=0.3)
    with pytest.raises(ValueError, match="intervals of nothing"):
        whiskers(Whiskers([], "EUR", "saved"))
