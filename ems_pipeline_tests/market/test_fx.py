"""Exchange rates: what the bank publishes, provisional and final, as known then."""

from __future__ import annotations

import json
from datetime import date

import pytest

from ems_pipeline.market import cnb, fx
from ems_pipeline.market.document import MalformedDocument, SourceFailed
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import instant, recorded
from ems_pipeline_tests.market.replay import Answer, Replay

WEDNESDAY, THURSDAY, FRIDAY = date(2026, 8, 19), date(2026, 8, 20), date(2026, 8, 21)
SATURDAY, MONDAY = date(2026, 8, 22), date(2026, 8, 24)
ENGLISH = b"19 Aug 2026 #159\nCountry|Currency|Amount|Code|Rate\nEMU|euro|1|EUR|24.315\nHungary|forint|100|HUF|6.121\n"
CZECH = "19.08.2026 #159\nzemě|měna|množství|kód|kurz\nEMU|euro|1|EUR|24,315\nMaďarsko|forint|100|HUF|6,121\n".encode()


def rate_list(day: date, eur: float = 24.3) -> cnb.RateList:
    return cnb.RateList(day, {"EUR": eur, "HUF": 0.06121, "PLN": 5.7})


def test_recorded_list_divides_by_the_amount() -> None:
    rates = cnb.parse(recorded("cnb/exrates_daily_2025-10-22.json"))
    assert rates.valid_for == date(2025, 10, 22)
    assert rates.czk_per_unit["EUR"] == 24.315
    assert rates.czk_per_unit["HUF"] == pytest.approx(0.06243)  # 100 HUF = 6.243 CZK


@pytest.mark.parametrize("document", [ENGLISH, CZECH, shapes.cnb_json(WEDNESDAY)])
def test_all_three_shapes_say_the_same(document: bytes) -> None:
    rates = cnb.parse(document)
    assert (rates.valid_for, rates.czk_per_unit["EUR"]) == (WEDNESDAY, 24.315)
    assert rates.czk_per_unit["HUF"] == pytest.approx(0.06121)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html></html>",
        ENGLISH[:60],
        CZECH.replace(b"EUR|24,315", b"EUR|"),
        b'{"rates":[]}',
        b'{"errorCode":"VALIDATION_ERROR"}',
        shapes.cnb_json(WEDNESDAY, 0.0),
        shapes.cnb_json(WEDNESDAY)[:-20],
    ],
)
def test_what_is_no_rate_list_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedDocument):
        cnb.parse(document)


def test_tomorrow_is_provisional_with_the_last_list_and_final_with_its_own() -> None:
    evening = instant("2026-08-19T18:00:00+00:00")
    plan = fx.rate_rows([rate_list(WEDNESDAY, 24.3)], THURSDAY, evening)
    assert plan.select("rate_on", "rate", "is_provisional", "known_at").rows() == [(THURSDAY, 24.3, True, evening)]
    later = instant("2026-08-20T12:35:00+00:00")
    final = fx.rate_rows([rate_list(WEDNESDAY, 24.3), rate_list(THURSDAY, 24.4)], THURSDAY, later)
    assert final.select("rate", "is_provisional", "known_at").rows() == [(24.4, False, later)]


def test_a_weekend_is_billed_with_the_list_of_friday_which_is_final() -> None:
    rows = fx.rate_rows([rate_list(FRIDAY)], SATURDAY, instant("2026-08-21T13:00:00+00:00"))
    assert rows["is_provisional"].to_list() == [False]
    assert fx.rate_rows([rate_list(FRIDAY)], MONDAY, instant("2026-08-23T13:00:00+00:00"))["is_provisional"][0]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 8, 23), FRIDAY),
        (date(2026, 4, 6), date(2026, 4, 2)),  # Easter Monday, after Good Friday
        (date(2026, 1, 1), date(2025, 12, 31)),
        (date(2025, 12, 28), date(2025, 12, 23)),  # Christmas and a weekend
    ],
)
def test_lists_exist_on_czech_working_days_only(day: date, expected: date) -> None:
    assert fx.list_day(day) == expected


def test_a_past_day_gets_the_history_it_had() -> None:
    lists = [rate_list(date(2026, 8, 18), 24.2), rate_list(WEDNESDAY, 24.3), rate_list(THURSDAY, 24.4)]
    rows = fx.rate_rows(lists, THURSDAY, instant("2026-09-10T08:00:00+00:00"))
    assert rows.select("rate", "is_provisional", "known_at").rows() == [
        (24.2, True, instant("2026-08-18T12:30:00+00:00")),
        (24.3, True, instant("2026-08-19T12:30:00+00:00")),
        (24.4, False, instant("2026-08-20T12:30:00+00:00")),
    ]


def test_the_list_of_a_later_day_is_never_used() -> None:
    with pytest.raises(SourceFailed, match="ten days up to 2026-08-19"):
        fx.rate_rows([rate_list(THURSDAY)], WEDNESDAY, instant("2026-09-10T08:00:00+00:00"))


def test_other_currencies_are_crossed_over_the_koruna() -> None:
    rows = fx.rate_rows([rate_list(WEDNESDAY, 24.3)], WEDNESDAY, instant("2026-08-19T13:00:00+00:00"), "EUR", "PLN")
    assert rows["rate"][0] == pytest.approx(24.3 / 5.7)
    with pytest.raises(SourceFailed, match=r"quotes no \['BTC'\]"):
        rate_list(WEDNESDAY).rate("EUR", "BTC")


def bank(query: dict[str, str]) -> bytes:
    return shapes.cnb_json(fx.list_day(date.fromisoformat(query["date"])))


def test_a_range_asks_for_each_list_once(server: Replay) -> None:
    server.answers = {"cnb": Answer(bank)}
    now = instant("2026-09-10T08:00:00+00:00")
    rows = fx.import_rates(WEDNESDAY, MONDAY, now, server.settings())
    asked = [query["date"] for _, query in server.asked]
    assert asked == ["2026-08-17", "2026-08-18", "2026-08-19", "2026-08-20", "2026-08-21", "2026-08-24"]
    assert rows.filter(~rows["is_provisional"])["rate_on"].to_list() == fx.time_grid.days(WEDNESDAY, MONDAY)
    assert fx.import_rates(WEDNESDAY, MONDAY, now, server.settings(), stored=rows).is_empty()


def test_the_bank_refusing_today_is_asked_for_the_day_before(server: Replay) -> None:
    server.answers = {"cnb": Answer(shapes.cnb_json(WEDNESDAY))}
    assert cnb.read(THURSDAY, server.settings()).valid_for == WEDNESDAY
    refusal = json.dumps({"errorCode": "VALIDATION_ERROR", "description": "not valid yet"}).encode()
    server.asked.clear()
    server.answers = {"cnb": Answer(refusal, 400), "cnb-text": Answer(ENGLISH)}
    assert cnb.read(THURSDAY, server.settings()).valid_for == WEDNESDAY
    assert [q.get("date") for _, q in server.asked][:3] == ["2026-08-20", "2026-08-19", "2026-08-18"]


def test_a_dead_interface_falls_back_to_the_text_file_and_both_dead_is_a_failure(server: Replay) -> None:
    server.answers = {"cnb": Answer(status=500), "cnb-text": Answer(CZECH)}
    assert cnb.read(WEDNESDAY, server.settings()).czk_per_unit["EUR"] == 24.315
    assert server.asked[-1][1]["date"] == "19.08.2026"
    server.answers = {}
    with pytest.raises(SourceFailed, match="cnb gives no rates for 2026-08-19"):
        cnb.read(WEDNESDAY, server.settings())
