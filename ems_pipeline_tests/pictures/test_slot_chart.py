"""Laws of the slot chart: places by the instant, gaps that stay gaps, a zero that is seen."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.pictures.panel import Band, Panel, Series, Span, steps
from ems_pipeline.pictures.slot_chart import NARROW, WIDE, Form, SlotChart, laid, slot_chart
from ems_pipeline.pictures.time_axis import TimeAxis
from ems_pipeline.time_grid import SLOT
from ems_pipeline_tests.pictures.drawn import height_at, lines, parsed, points, texts

PRAGUE = ZoneInfo("Europe/Prague")
START = datetime(2026, 4, 17, 22, tzinfo=UTC)
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2025, 10, 26), date(2026, 4, 18)


EMPTY = Panel("price", "EUR")


def chart(starts: Sequence[datetime], *panels: Panel, now: datetime | None = None) -> str:
    return slot_chart(SlotChart(starts, panels, PRAGUE, "A day", now=now))


def frame(svg: str) -> tuple[int, float, float]:
    root = parsed(svg)
    return int(root.get("data-slots", "")), float(root.get("data-left", "")), float(root.get("data-right", ""))


def test_a_value_alone_is_seen_and_one_that_is_no_number_is_not() -> None:
    values = [float("nan"), 1.0, None, float("inf"), 2.0]
    for shape in ("step", "line"):
        svg = chart([START + SLOT * i for i in range(5)], Panel("", "", [Series("soc", values, shape)]))  # type: ignore[arg-type]
        runs = points(lines(svg, "soc")[0].get("d", ""))
        assert [[round(x) for x, _ in run] for run in runs] == [[174, 309], [578, 712]]


@given(
    st.lists(st.none() | st.floats(-9.0, 9.0), min_size=1, max_size=60).filter(lambda v: any(x is not None for x in v))
)
def test_a_step_is_drawn_at_its_value_over_its_slot_and_a_gap_is_not_drawn(values: list[float | None]) -> None:
    svg = chart([START + SLOT * i for i in range(len(values))], Panel("price", "EUR", steps({"buy": values})))
    (path,) = lines(svg, "buy")
    slots, left, right = frame(svg)
    assert slots == len(values)
    axis = Panel("", "", steps({"buy": values})).scale(22.0 - 3, 110.0 - 3)
    assert axis is not None
    for place, value in enumerate(values):
        middle = left + (place + 0.5) * (right - left) / slots
        assert height_at(path.get("d", ""), middle) == (
            [] if value is None else [pytest.approx(axis.y(value), abs=0.1)]
        )


def test_a_missing_row_is_a_gap_and_keeps_its_number() -> None:
    starts = [START + SLOT * i for i in (0, 1, 2, 5, 6)]
    svg = chart(starts, Panel("price", "EUR", steps({"buy": [1.0, 1.0, 1.0, 1.0, 1.0]})))
    slots, left, right = frame(svg)
    assert slots == 7
    runs = points(lines(svg, "buy")[0].get("d", ""))
    seventh = (right - left) / 7
    assert [[x for x, _ in run] for run in runs] == [[left, left + 3 * seventh], [left + 5 * seventh, right]]


def test_a_line_is_not_drawn_over_a_gap_and_a_band_neither() -> None:
    starts = [START + SLOT * i for i in range(5)]
    line = Series("soc", [10.0, 20.0, None, 30.0, 40.0], "line")
    band = Band("forecast", [1.0, None, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, float("nan"), 2.0])
    svg = chart(starts, Panel("charge", "%", [line], [band]))
    ends = [[(round(x), y) for x, y in run] for run in points(lines(svg, "soc")[0].get("d", ""))]
    assert [[x for x, _ in run] for run in ends] == [[174, 309], [578, 712]], "at the ends of the slots"
    area = lines(svg, "forecast")[-1].get("d", "")
    assert [round(run[0][0]) for run in points(area)] == [40, 309, 578]


@pytest.mark.parametrize(("day", "slots", "noon"), [(SPRING, 92, 44), (PLAIN, 96, 48), (AUTUMN, 100, 52)])
def test_places_go_by_the_instant_on_days_of_23_24_and_25_hours(day: date, slots: int, noon: int) -> None:
    starts = time_grid.day_slots(day, PRAGUE)
    svg = chart(starts, Panel("number", "", steps({"buy": [float(i) for i in range(slots)]})))
    counted, left, right = frame(svg)
    assert counted == slots
    by_label = {node.text: float(node.get("x", "")) for node in parsed(svg).iter() if node.get("x")}
    assert by_label["12:00"] == pytest.approx(left + noon * (right - left) / slots, abs=0.1)


@pytest.mark.parametrize(
    ("slots", "width", "labels"),
    [
        (24, 672.0, "00 01 02 03 04 05"),
        (48, 400.0, "00 02 04 06 08 10"),
        (192, 672.0, "00 03 06 09 12 15 18 21 00 03 06 09 12 15 18 21"),
        (96, 300.0, "00 04 08 12 16 20"),
        (192, 400.0, "00 06 12 18 00 06 12 18"),
        (192, 200.0, "00 12 00 12"),
        (480, 400.0, "00 12 00 12 00 12 00 12 00 12"),
        (672, 1400.0, ""),
    ],
)
def test_hours_are_as_far_apart_as_their_labels_need_and_none_over_a_week(
    slots: int, width: float, labels: str
) -> None:
    axis = TimeAxis(START, START + SLOT * slots, 0.0, width, PRAGUE)
    assert [tick.label.removesuffix(":00") for tick in axis.hours(11.0) if tick.x < width] == labels.split()


def test_a_day_is_named_over_what_is_shown_of_it() -> None:
    axis = TimeAxis(START + 60 * SLOT, START + 120 * SLOT, 0.0, 600.0, PRAGUE)
    assert list(axis.days()) == [(0.0, 360.0, PLAIN, False), (360.0, 600.0, date(2026, 4, 19), True)]
    assert {"Sat 18 Apr", "Sun 19 Apr"} <= set(texts(chart([START + SLOT * i for i in range(60, 120)], EMPTY)))
    sliver = texts(chart([START + SLOT * i for i in range(92, 160)], EMPTY))
    assert "Sat 18 Apr" not in sliver, "four quarter-hours have no room for its name"


def test_days_as_slots_have_no_hole_where_the_clock_changes() -> None:
    days = [time_grid.day_bounds(day, PRAGUE)[0] for day in time_grid.days(date(2025, 10, 24), date(2025, 10, 29))]
    svg = chart(days, Panel("cost", "CZK", steps({"cost": [1.0] * 6})))
    assert len(points(lines(svg, "cost")[0].get("d", ""))) == 1
    assert frame(svg)[0] == 6


def test_the_hour_that_the_autumn_repeats_is_labelled_twice_and_the_one_that_spring_skips_is_not() -> None:
    def labels(day: date) -> list[str]:
        start, _ = time_grid.day_bounds(day, PRAGUE)
        return [tick.label for tick in TimeAxis(start, start + 20 * SLOT, 0.0, 700.0, PRAGUE).hours(11.0)]

    assert labels(AUTUMN) == ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"]
    assert labels(SPRING) == ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00"]
    assert "clock −1 h" in texts(chart(time_grid.day_slots(AUTUMN, PRAGUE), Panel("", "", steps({"buy": [1.0] * 100}))))
    assert "clock +1 h" in texts(chart(time_grid.day_slots(SPRING, PRAGUE), Panel("", "", steps({"buy": [1.0] * 92}))))


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"])
def test_hours_are_those_of_the_site(zone: str) -> None:
    start, end = time_grid.day_bounds(PLAIN, ZoneInfo(zone))
    ticks = TimeAxis(start, end, 0.0, 960.0, ZoneInfo(zone)).hours(11.0)
    assert [tick for tick in ticks if tick.label == "06:00"] == [(240.0, "06:00")]


def test_what_is_negative_lies_below_the_zero_line() -> None:
    svg = chart([START, START + SLOT], Panel("price", "EUR", steps({"buy": [-2.0, 3.0]})))
    (zero,) = [p.get("d", "") for p in lines(svg, "muted")]
    (_, level), *_ = points(zero)[0]
    below, _, above, _ = (y for _, y in points(lines(svg, "buy")[0].get("d", ""))[0])
    assert above < level < below
    assert {"−2", "0", "4"} <= set(texts(svg))


def test_unknown_is_said_and_not_drawn_as_zero() -> None:
    starts = [START, START + SLOT]
    svg = chart(starts, Panel("price", "EUR", steps({"buy": [None, None]})), Panel("power", "kW"))
    assert texts(svg).count("no data") == 2
    assert not lines(svg, "buy")
    assert texts(chart([], Panel("price", "EUR", steps({"buy": []})))) == ["no data"]


def test_forecast_is_dashed_and_measured_is_not() -> None:
    svg = chart([START], Panel("power", "kW", steps({"pv": [1.0], "pv forecast": [1.0]}, "pv forecast")))
    assert [p.get("stroke-dasharray") for n in ("pv", "pv forecast") for p in lines(svg, n)] == [None, "4 3"]


def test_a_strip_says_its_modes_and_now_stands_at_its_instant() -> None:
    starts = time_grid.day_slots(PLAIN, PRAGUE)
    hold = Span(START - SLOT, START + 24 * SLOT, "hold"), Span(START + 24 * SLOT, START + 25 * SLOT, "charge", "charge")
    svg = chart(starts, Panel("mode", "", spans=hold), now=START + 48 * SLOT)
    assert {"hold", "now 12:00"} <= set(texts(svg))
    assert "charge" not in texts(svg), "no room: its title says it"
    assert "<title>charge</title>" in svg
    assert points(lines(svg, "text")[0].get("d", ""))[0][0][0] == 376.0
    assert "now 12:00" not in texts(chart(starts, Panel("mode", "", spans=hold), now=START + timedelta(days=2)))


@pytest.mark.parametrize("form", [WIDE, NARROW])
def test_labels_of_the_axis_do_not_overlap_and_can_be_read_on_a_phone(form: Form) -> None:
    for slots in (4, 40, 96, 100, 192, 400, 3000):
        axis = TimeAxis(START, START + SLOT * slots, form.left, form.right, PRAGUE)
        places = [tick.x for tick in axis.hours(form.font)]
        assert all(b - a > 5 * 0.63 * form.font for a, b in pairwise(places))
    assert NARROW.font * 350 / NARROW.width >= 11


def test_two_days_of_four_panels_stay_small() -> None:
    starts = time_grid.slots(START, START + timedelta(days=2))
    noisy = [((i * 7919) % 101) / 10 - 5 for i in range(192)]
    powers = {name: [v * k for v in noisy] for k, name in enumerate(("load", "grid", "battery", "pv"), 1)}
    hourly = {"buy": [noisy[i // 4] for i in range(192)], "sell": [noisy[i // 4] - 1 for i in range(192)]}
    panels = [Panel("price", "CZK/kWh", steps(hourly)), Panel("power", "kW", steps(powers))]
    panels += [Panel(name, "%", [Series(name, noisy, "line")]) for name in ("soc", "indoor")]
    svg = chart(starts, *panels).encode()
    assert len(svg) <= 18_000
    assert len(gzip.compress(svg)) <= 5_000


def test_a_page_finds_the_slots_and_one_hidden_line_to_move() -> None:
    svg = chart([START + SLOT * i for i in range(192)], Panel("price", "EUR", steps({"buy": [1.0] * 192})))
    assert frame(svg) == (192, 40.0, 712.0)
    (cursor,) = [node for node in parsed(svg).iter() if node.get("class") == "cursor"]
    assert cursor.get("visibility") == "hidden"


def test_series_and_slots_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError):
        chart([START, START + SLOT], Panel("price", "EUR", steps({"buy": [1.0]})))


@given(st.sampled_from([SPRING, AUTUMN, PLAIN]), st.integers(0, 99 * 900), st.integers(0, 91 * 900))
def test_a_chart_that_was_laid_out_before_is_the_one_that_is_drawn_now(day: date, later_s: int, then_s: int) -> None:
    starts = time_grid.day_slots(day, PRAGUE)
    before, now = starts[0] + timedelta(seconds=then_s), starts[0] + timedelta(seconds=later_s)
    shown = SlotChart(starts, [Panel("price", "EUR", steps({"buy": [1.0] * len(starts)}))], PRAGUE, "A day", now=before)
    if now <= starts[-1] + SLOT:
        assert laid(shown).at(now) == chart(starts, *shown.panels, now=now)
