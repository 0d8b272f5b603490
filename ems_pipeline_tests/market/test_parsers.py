"""Each source's document, recorded where there is a recording, in its real shape otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from ems_pipeline.market import awattar, energy_charts, entsoe, ote, ote_chart, spotova_elektrina
from ems_pipeline.market.document import MalformedDocument, NotYetPublished, PriceDocument, SourceFailed
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import day_prices, hourly_means, recorded

DAY, SPRING, AUTUMN = date(2026, 8, 20), date(2026, 3, 29), date(2026, 10, 25)
HOURLY_DAY = date(2025, 9, 30)
NOON_OF_DAY = b"2026-08-20T10:00:00+00:00\n"


def listed(document: PriceDocument) -> list[float]:
    prices: list[float] = document.prices["price_per_mwh"].to_list()
    return prices


def test_ote_recorded_days_are_read_and_the_third_is_not_published() -> None:
    document = recorded("ote/soap_GetDamPricePeriodE_2025-10-21_22.xml")
    first = ote.parse(document, date(2025, 10, 21), "CZ")
    second = ote.parse(document, date(2025, 10, 22), "CZ")
    assert listed(first)[:4] == [86.15, 76.36, 60.24, 57.34]
    assert listed(second)[-1] == 102.88
    assert str(second.prices["starts_at"][0]) == "2025-10-21 22:00:00+00:00"
    with pytest.raises(NotYetPublished):
        ote.parse(document, date(2025, 10, 23), "CZ")


def test_entsoe_recorded_day_takes_the_coupled_auction_in_any_order_of_series() -> None:
    document = recorded("entsoe/a44_de_lu.xml")
    monday = entsoe.parse(document, date(2026, 2, 2), "DE-LU")
    tuesday = entsoe.parse(document, date(2026, 2, 3), "DE-LU")
    assert listed(monday)[0] == 100.41  # sequence 2, which stands first in the file, says 102.1
    assert (monday.prices.height, tuesday.prices.height) == (96, 96)
    assert monday.currency == "EUR"


def test_entsoe_recorded_series_repeats_its_omitted_position() -> None:
    document = recorded("entsoe/a44_de_lu.xml")
    position = b"<classificationSequence_AttributeInstanceComponent.position>%d<"
    # The second sequence of the second day leaves out one of its positions (A03): here it is told to be the first.
    exchanged = document.replace(position % 1, position % 3).replace(position % 2, position % 1)
    prices = listed(entsoe.parse(exchanged, date(2026, 2, 3), "DE-LU"))
    assert len(prices) == 96
    assert prices[78] == prices[77]
    assert prices != listed(entsoe.parse(document, date(2026, 2, 3), "DE-LU"))


def test_entsoe_the_other_auction_alone_is_waiting_and_never_the_day_ahead_price() -> None:
    document = recorded("entsoe/a44_de_lu.xml")
    first = b"<classificationSequence_AttributeInstanceComponent.position>1<"
    with pytest.raises(NotYetPublished, match="only others"):
        entsoe.parse(document.replace(first, first.replace(b">1<", b">3<")), date(2026, 2, 3), "DE-LU")


def test_energy_charts_recorded_hours_are_spread_over_quarter_hours() -> None:
    document = recorded("energy_charts/price_de_lu_2024-12-10.json")
    prices = listed(energy_charts.parse(document, date(2024, 12, 10), "DE-LU"))
    assert prices[:8] == [92.85] * 4 + [89.33] * 4
    assert listed(energy_charts.parse(document, date(2024, 12, 11), "DE-LU"))[-1] == 135.96
    with pytest.raises(NotYetPublished):
        energy_charts.parse(document, date(2024, 12, 12), "DE-LU")


def test_awattar_recorded_reply_of_part_of_a_day_is_refused_as_incomplete() -> None:
    reply = json.dumps(json.loads(recorded("tariff_json/openems_awattar.json"))[0]).encode()
    with pytest.raises(MalformedDocument, match="first one missing is 2021-09-22 22:00"):
        awattar.parse(reply, date(2021, 9, 23), "AT")


Build = Callable[[date], bytes]
SHAPES: dict[str, tuple[Callable[[bytes, date, str], PriceDocument], Build]] = {
    "ote": (ote.parse, lambda day: shapes.ote_soap(day, day_prices(day))),
    "ote-chart": (ote_chart.parse, lambda day: shapes.ote_chart(day, day_prices(day))),
    "entsoe": (entsoe.parse, lambda day: shapes.entsoe(day, "CZ", day_prices(day))),
    "energy-charts": (energy_charts.parse, lambda day: shapes.energy_charts(day, day_prices(day))),
    "spotovaelektrina": (
        spotova_elektrina.parse,
        lambda day: f"{day}T10:00:00+00:00\n".encode() + shapes.spotova_elektrina(day_prices(day), []),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
def test_every_source_gives_the_same_day_also_when_clocks_change(name: str, day: date) -> None:
    parse, build = SHAPES[name]
    assert listed(parse(build(day), day, "CZ")) == day_prices(day)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cut", [0, 1, 100, -40])
def test_a_truncated_document_is_malformed_and_never_half_a_day(name: str, cut: int) -> None:
    parse, build = SHAPES[name]
    with pytest.raises(MalformedDocument):
        parse(build(DAY)[:cut], DAY, "CZ")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html><body>Maintenance</body></html>", b"null", b"[]", b'{"data":1}', b"\xff\xfe"]
)
def test_a_page_that_is_no_document_is_malformed(name: str, page: bytes) -> None:
    parse, _ = SHAPES[name]
    with pytest.raises(MalformedDocument):
        parse(page, DAY, "CZ")


@pytest.mark.parametrize("name", SHAPES)
def test_the_list_of_another_day_is_never_taken_for_the_asked_one(name: str) -> None:
    parse, build = SHAPES[name]
    with pytest.raises((NotYetPublished, MalformedDocument)):
        parse(build(DAY), date(2026, 8, 21), "CZ")


def test_hours_of_the_old_market_are_read_from_both_ote_services() -> None:
    hours = hourly_means(day_prices(HOURLY_DAY))
    spread = [h for h in hours for _ in range(4)]
    assert listed(ote.parse(shapes.ote_soap(HOURLY_DAY, hours, hourly=True), HOURLY_DAY, "CZ")) == spread
    chart = shapes.ote_chart(HOURLY_DAY, hours, "Price (EUR/MWh)")
    assert listed(ote_chart.parse(chart, HOURLY_DAY, "CZ")) == spread


def test_ote_asks_for_quarter_hours_from_their_first_day_and_for_hours_before() -> None:
    assert b"GetDamPriceE" in ote.request(HOURLY_DAY)
    assert b"GetDamPricePeriodE" in ote.request(date(2025, 10, 1))


def test_ote_fault_and_closed_portal_are_failures_of_the_source() -> None:
    with pytest.raises(SourceFailed, match="Invalid date"):
        ote.parse(shapes.ote_fault("Invalid date"), DAY, "CZ")
    with pytest.raises(SourceFailed, match="not available"):
        ote.parse(b"<html>Application is not available</html>", DAY, "CZ")


def test_an_entity_bomb_is_refused_before_it_expands() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
    for parse in (ote.parse, entsoe.parse):
        with pytest.raises(MalformedDocument, match="document type"):
            parse(bomb, DAY, "CZ")


def test_entsoe_a_curve_of_type_a03_repeats_and_one_of_type_a01_has_a_gap() -> None:
    flat = [50.0, 50.0, *day_prices(DAY)[2:-2], 7.0, 7.0]
    assert listed(entsoe.parse(shapes.entsoe(DAY, "CZ", flat), DAY, "CZ")) == flat
    omitted = shapes.entsoe(DAY, "CZ", flat).replace(b"A03", b"A01")
    with pytest.raises(MalformedDocument, match="94 of 96"):
        entsoe.parse(omitted, DAY, "CZ")


IDENTITY = {
    "another sequence": ("AttributeInstanceComponent.position>1<", "AttributeInstanceComponent.position>2<"),
    "an intraday auction": ("MarketAgreement.type>A01<", "MarketAgreement.type>A07<"),
    "another business": ("businessType>A62<", "businessType>A25<"),
    "no contract type": ("contract_MarketAgreement.type", "contract_MarketAgreement.kind"),
    "no business type": ("businessType", "businessKind"),
    "the hour's mean": ("PT15M", "PT60M"),
}
"""What makes a series none of the coupled day-ahead auction of a quarter-hour day: what it says, and says instead."""


@pytest.mark.parametrize("what", IDENTITY)
def test_entsoe_identity_is_required_whether_the_other_series_stands_alone_or_beside(what: str) -> None:
    said, instead = IDENTITY[what]
    count = 24 if "60" in instead else 96
    other = shapes.entsoe_series(DAY, "CZ", [1.0 + i for i in range(count)]).replace(said, instead)
    assert instead in other
    ours = shapes.entsoe_series(DAY, "CZ", day_prices(DAY))
    for both in (other + ours, ours + other):
        document = shapes.entsoe(DAY, "CZ", []).replace(shapes.entsoe_series(DAY, "CZ", []).encode(), both.encode())
        assert listed(entsoe.parse(document, DAY, "CZ")) == day_prices(DAY)
    alone = shapes.entsoe(DAY, "CZ", []).replace(shapes.entsoe_series(DAY, "CZ", []).encode(), other.encode())
    with pytest.raises(NotYetPublished, match="only others"):
        entsoe.parse(alone, DAY, "CZ")


@pytest.mark.parametrize(("said", "instead"), [("name>EUR<", "name>PLN<"), ("name>MWH<", "name>KWH<")])
def test_entsoe_another_unit_is_refused_and_never_converted_by_guess(said: str, instead: str) -> None:
    document = shapes.entsoe(DAY, "CZ", day_prices(DAY)).replace(said.encode(), instead.encode())
    with pytest.raises(MalformedDocument, match=instead[5:8]):
        entsoe.parse(document, DAY, "CZ")


def test_entsoe_a_zone_outside_the_coupled_auction_trades_in_the_step_it_says() -> None:
    hours = [1.0 + i for i in range(24)]
    swiss = entsoe.parse(shapes.entsoe(DAY, "CH", hours, 60, position=None), DAY, "CH")
    assert (listed(swiss)[4], swiss.prices["resolution_min"][0]) == (2.0, 60)


def test_entsoe_hours_are_the_traded_step_before_the_quarter_hour_market() -> None:
    hours = hourly_means(day_prices(HOURLY_DAY))
    quarters = shapes.entsoe_series(HOURLY_DAY, "CZ", day_prices(HOURLY_DAY), 15)
    document = entsoe.parse(shapes.entsoe(HOURLY_DAY, "CZ", hours, 60, more=quarters), HOURLY_DAY, "CZ")
    assert listed(document) == [h for h in hours for _ in range(4)]


def test_entsoe_a_period_of_centuries_is_refused_before_it_is_counted() -> None:
    document = shapes.entsoe(DAY, "CZ", day_prices(DAY)).replace(b"2026-08-20T22:00Z", b"9026-08-20T22:00Z")
    with pytest.raises(MalformedDocument, match="a year at most"):
        entsoe.parse(document, DAY, "CZ")


def test_entsoe_exact_duplicates_are_dropped_and_contradictions_refused() -> None:
    prices = day_prices(DAY)
    twice = shapes.entsoe(DAY, "CZ", prices, more=shapes.entsoe_series(DAY, "CZ", prices))
    assert listed(entsoe.parse(twice, DAY, "CZ")) == prices
    contradiction = shapes.entsoe(DAY, "CZ", prices, more=shapes.entsoe_series(DAY, "CZ", [1.0, *prices[1:]]))
    with pytest.raises(MalformedDocument, match="two prices"):
        entsoe.parse(contradiction, DAY, "CZ")


def test_entsoe_prices_of_another_zone_are_refused() -> None:
    with pytest.raises(MalformedDocument, match=r"10YAT-APG------L.*asked was CZ"):
        entsoe.parse(shapes.entsoe(DAY, "AT", day_prices(DAY)), DAY, "CZ")


def test_entsoe_acknowledgement_means_waiting_or_refusal_by_its_text() -> None:
    with pytest.raises(NotYetPublished):
        entsoe.parse(shapes.entsoe_acknowledgement("No matching data found for Data item X"), DAY, "CZ")
    with pytest.raises(SourceFailed, match="EMS_ENTSOE_TOKEN"):
        entsoe.parse(shapes.entsoe_acknowledgement("Authentication failed"), DAY, "CZ")


def test_entsoe_intraday_series_do_not_mix_in() -> None:
    intraday = shapes.entsoe_series(DAY, "CZ", [1.0] * 96, position=None).replace(
        "<contract_MarketAgreement.type>A01", "<contract_MarketAgreement.type>A07"
    )
    assert listed(entsoe.parse(shapes.entsoe(DAY, "CZ", day_prices(DAY), more=intraday), DAY, "CZ")) == day_prices(DAY)


def test_energy_charts_null_prices_are_a_gap_and_unequal_arrays_malformed() -> None:
    prices = day_prices(DAY)
    with pytest.raises(MalformedDocument, match="95 of 96"):
        energy_charts.parse(shapes.energy_charts(DAY, [*prices[:-1], None]), DAY, "CZ")
    broken = json.loads(shapes.energy_charts(DAY, prices)) | {"price": prices[:-1]}
    with pytest.raises(MalformedDocument, match="96 instants and 95 prices"):
        energy_charts.parse(json.dumps(broken).encode(), DAY, "CZ")


def test_energy_charts_without_any_price_of_the_day_is_waiting() -> None:
    with pytest.raises(NotYetPublished):
        energy_charts.parse(shapes.energy_charts(DAY, [None] * 96), DAY, "CZ")


def test_the_chart_without_a_price_line_is_waiting() -> None:
    with pytest.raises(NotYetPublished):
        ote_chart.parse(shapes.ote_chart(DAY, []), DAY, "CZ")
    only_volume = json.loads(shapes.ote_chart(DAY, day_prices(DAY)))
    only_volume["data"]["dataLine"] = only_volume["data"]["dataLine"][:1]
    with pytest.raises(NotYetPublished):
        ote_chart.parse(json.dumps(only_volume).encode(), DAY, "CZ")


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
def test_awattar_hours_are_spread_and_marked_hourly(day: date) -> None:
    hours = hourly_means(day_prices(day))
    document = awattar.parse(shapes.awattar(day, hours), day, "DE-LU")
    assert listed(document) == [h for h in hours for _ in range(4)]
    assert set(document.prices["resolution_min"]) == {60}
    with pytest.raises(MalformedDocument, match="asked was AT"):
        awattar.parse(shapes.awattar(day, hours), day, "AT")


def test_undated_lists_are_refused_near_midnight_and_when_both_days_are_the_same() -> None:
    body = shapes.spotova_elektrina(day_prices(DAY), [p + 1 for p in day_prices(DAY)])
    for at in ("2026-08-19T22:10:00+00:00", "2026-08-20T21:45:00+00:00"):
        with pytest.raises(MalformedDocument, match="midnight"):
            spotova_elektrina.parse(at.encode() + b"\n" + body, DAY, "CZ")
    stale = shapes.spotova_elektrina(day_prices(DAY), day_prices(DAY))
    with pytest.raises(MalformedDocument, match="same list"):
        spotova_elektrina.parse(NOON_OF_DAY + stale, date(2026, 8, 21), "CZ")
    with pytest.raises(SourceFailed, match="asked was 2026-08-18"):
        spotova_elektrina.parse(NOON_OF_DAY + body, date(2026, 8, 18), "CZ")
    with pytest.raises(NotYetPublished):
        spotova_elektrina.parse(NOON_OF_DAY + shapes.spotova_elektrina(day_prices(DAY), []), date(2026, 8, 21), "CZ")
