"""Importing a day over HTTP: every fault of a source, and what the second source makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from ems_pipeline import http
from ems_pipeline.market import ote, sources
from ems_pipeline.market.document import MARKET_TIMEZONE, NotYetPublished, PriceDocument, SourceFailed, market_day_slots
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import day_prices, hourly_means, instant
from ems_pipeline_tests.market.replay import Answer, Replay

DAY = date(2026, 8, 20)
AFTER_AUCTION = instant("2026-08-19T11:10:00+00:00")
OVERDUE = instant("2026-08-19T13:00:00+00:00")
GOOD = shapes.ote_soap(DAY, day_prices(DAY))
SECOND = Answer(shapes.entsoe(DAY, "CZ", day_prices(DAY)))


def listed(document: PriceDocument) -> list[float]:
    prices: list[float] = document.prices["price_per_mwh"].to_list()
    return prices


FAULTS: dict[str, tuple[Answer, str]] = {
    "too many requests": (Answer(b"slow down", 429), "failed"),
    "server error": (Answer(b"", 500), "failed"),
    "cut connection": (Answer(GOOD, cut_to=3000), "failed"),
    "cut document": (Answer(GOOD[:3000]), "malformed"),
    "empty reply": (Answer(b""), "malformed"),
    "web page": (Answer(b"<!DOCTYPE html><html></html>"), "malformed"),
    "another day": (Answer(shapes.ote_soap(DAY - timedelta(days=1), day_prices(DAY))), "not yet"),
    "wrong length": (Answer(shapes.ote_soap(DAY, day_prices(DAY)[:92])), "malformed"),
    "all zero": (Answer(shapes.ote_soap(DAY, [0.0] * 96)), "doubted"),
    "soap fault": (Answer(shapes.ote_fault("busy")), "failed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_first_source_is_named_and_the_second_delivers(server: Replay, fault: str) -> None:
    answer, outcome = FAULTS[fault]
    server.answers = {"ote": answer, "entsoe": SECOND}
    imported = sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings())
    assert [(a.source, a.outcome) for a in imported.attempts] == [("ote", outcome), ("entsoe", "accepted")]
    assert imported.attempts[0].reason
    assert imported.document.source == "entsoe"
    assert listed(imported.document) == day_prices(DAY)


@pytest.mark.parametrize("error", [KeyError("hour"), RecursionError("too deep"), LookupError("unknown encoding: x")])
def test_an_error_nobody_foresaw_in_one_source_leaves_the_second_to_deliver(
    server: Replay, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def parse(*_: object) -> PriceDocument:
        raise error

    monkeypatch.setattr(ote, "parse", parse)
    server.answers = {"ote": Answer(GOOD), "entsoe": SECOND}
    imported = sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings())
    assert [(a.source, a.outcome) for a in imported.attempts] == [("ote", "failed"), ("entsoe", "accepted")]
    assert f"{type(error).__name__}: " in imported.attempts[0].reason
    assert listed(imported.document) == day_prices(DAY)


@pytest.mark.parametrize("fault", FAULTS)
def test_when_every_source_has_the_fault_nothing_is_returned(server: Replay, fault: str) -> None:
    answer, outcome = FAULTS[fault]
    server.answers = {"ote": answer}
    expected = NotYetPublished if outcome == "not yet" else SourceFailed
    with pytest.raises(expected, match=f"ote: {outcome}"):
        sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings(EMS_PRICE_SOURCES_CZ="ote"))


def test_the_first_good_source_is_the_only_one_asked(server: Replay) -> None:
    server.answers = {"ote": Answer(GOOD), "entsoe": SECOND}
    assert sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings()).document.source == "ote"
    assert server.asked_sources() == ["ote"]


def test_zeros_confirmed_by_a_second_source_are_true(server: Replay) -> None:
    zeros = [0.0] * 20 + day_prices(DAY)[20:]
    server.answers = {"ote": Answer(shapes.ote_soap(DAY, zeros)), "entsoe": Answer(shapes.entsoe(DAY, "CZ", zeros))}
    imported = sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings())
    assert [a.outcome for a in imported.attempts] == ["doubted", "confirmed"]
    assert listed(imported.document) == zeros


def test_zeros_nobody_confirms_are_refused(server: Replay) -> None:
    server.answers = {"ote": Answer(shapes.ote_soap(DAY, [0.0] * 96))}
    with pytest.raises(SourceFailed, match=r"0\.00 for 24 h"):
        sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings())


def test_yesterdays_prices_are_never_tomorrows(server: Replay) -> None:
    server.answers = {"ote": Answer(GOOD)}
    yesterday = pl.DataFrame({"starts_at": market_day_slots(DAY - timedelta(days=1)), "price_per_mwh": day_prices(DAY)})
    with pytest.raises(SourceFailed, match="same list as the day before"):
        sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings(), yesterday)


def nothing_yet(server: Replay) -> None:
    server.answers = {
        "ote": Answer(shapes.ote_soap(DAY, [])),
        "entsoe": Answer(shapes.entsoe_acknowledgement("No matching data found"), status=400),
        "energy-charts": Answer(status=404),
        "ote-chart": Answer(status=404),
        "spotovaelektrina": Answer(shapes.spotova_elektrina(day_prices(DAY), []), date="Wed, 19 Aug 2026 11:10:00 GMT"),
    }


def test_before_publication_every_source_says_not_yet(server: Replay) -> None:
    nothing_yet(server)
    with pytest.raises(NotYetPublished) as raised:
        sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings())
    assert str(raised.value).count(": not yet") == 5


def test_missing_prices_are_waiting_until_three_in_the_afternoon_and_a_fault_from_then(server: Replay) -> None:
    nothing_yet(server)
    with pytest.raises(NotYetPublished):
        sources.import_day("CZ", DAY, OVERDUE - timedelta(seconds=1), server.settings())
    with pytest.raises(SourceFailed, match="overdue"):
        sources.import_day("CZ", DAY, OVERDUE, server.settings())


def test_a_wrong_zone_is_refused(server: Replay) -> None:
    server.answers = {"entsoe": Answer(shapes.entsoe(DAY, "AT", day_prices(DAY))), "energy-charts": Answer(status=500)}
    with pytest.raises(SourceFailed, match="entsoe: malformed"):
        sources.import_day("SK", DAY, AFTER_AUCTION, server.settings())


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_list_of_96_on_a_day_when_clocks_change_is_refused(server: Replay, day: date) -> None:
    server.answers = {
        "ote": Answer(shapes.ote_soap(day, [50.0 + i for i in range(96)])),
        "energy-charts": Answer(shapes.energy_charts(day, day_prices(day))),
    }
    imported = sources.import_day("CZ", day, AFTER_AUCTION, server.settings(EMS_PRICE_SOURCES_CZ="ote, energy-charts"))
    assert imported.attempts[0].outcome == "malformed"
    assert imported.document.prices.height == {3: 92, 10: 100}[day.month]


@pytest.mark.parametrize("zone", ["CZ", "DE-LU", "AT", "SK", "PL", "HU", "FR"])
def test_every_zone_has_a_second_source_that_takes_over(server: Replay, zone: str) -> None:
    served: dict[str, Callable[[], Answer]] = {
        "ote": lambda: Answer(GOOD),
        "entsoe": lambda: Answer(shapes.entsoe(DAY, zone, day_prices(DAY))),
        "energy-charts": lambda: Answer(shapes.energy_charts(DAY, day_prices(DAY))),
    }
    first, second, *_ = [source.NAME for source in sources.sources_of(zone, server.settings())]
    server.answers = {second: served[second]()}
    imported = sources.import_day(zone, DAY, AFTER_AUCTION, server.settings())
    assert [a.source for a in imported.attempts] == [first, second]
    assert imported.document.zone == zone


def test_austria_falls_back_to_hourly_means(server: Replay) -> None:
    server.answers = {"awattar-at": Answer(shapes.awattar(DAY, hourly_means(day_prices(DAY)), "at"))}
    document = sources.import_day("AT", DAY, AFTER_AUCTION, server.settings()).document
    assert (document.source, document.prices["resolution_min"][0]) == ("awattar", 60)


def test_undated_source_takes_its_day_from_the_reply(server: Replay) -> None:
    body = shapes.spotova_elektrina([p - 5 for p in day_prices(DAY)], day_prices(DAY))
    server.answers = {"spotovaelektrina": Answer(body, date="Wed, 19 Aug 2026 11:10:00 GMT")}
    assert listed(sources.import_day("CZ", DAY, AFTER_AUCTION, server.settings()).document) == day_prices(DAY)


def test_requests_carry_the_utc_bounds_of_the_delivery_day(server: Replay) -> None:
    server.answers = {}
    with pytest.raises(SourceFailed):
        sources.import_day("AT", date(2026, 10, 25), AFTER_AUCTION, server.settings())
    asked = dict(server.asked)
    assert (asked["entsoe"]["periodStart"], asked["entsoe"]["periodEnd"]) == ("202610242200", "202610252300")
    assert int(asked["awattar-at"]["end"]) - int(asked["awattar-at"]["start"]) == 25 * 3_600_000


def test_the_token_is_used_and_never_told(server: Replay) -> None:
    server.answers = {"entsoe": Answer(b"no", 401)}
    with pytest.raises(SourceFailed) as raised:
        sources.import_day("FR", DAY, AFTER_AUCTION, server.settings())
    assert server.asked[0][1]["securityToken"] == "s3cret"
    assert "s3cret" not in str(raised.value)
    assert "s3cret" not in repr(server.settings())
    assert "HTTP 401" in str(raised.value)


def test_without_a_token_entsoe_is_passed_over_with_the_remedy(server: Replay) -> None:
    server.answers = {"energy-charts": Answer(shapes.energy_charts(DAY, day_prices(DAY)))}
    imported = sources.import_day("FR", DAY, AFTER_AUCTION, server.settings(EMS_ENTSOE_TOKEN=""))
    assert "set EMS_ENTSOE_TOKEN" in imported.attempts[0].reason


def test_unknown_sources_and_zones_are_refused_by_name(server: Replay) -> None:
    with pytest.raises(ValueError, match=r"\['otee'\] of zone DE-LU are unknown; known are"):
        sources.sources_of("DE-LU", server.settings(EMS_PRICE_SOURCES_DE_LU="otee"))
    with pytest.raises(ValueError, match="market zone 'XX'"):
        sources.sources_of("XX", server.settings())


def test_an_address_nobody_listens_on_is_a_transient_failure() -> None:
    with pytest.raises(http.TransientError, match="no connection"):
        http.get("http://127.0.0.1:9/x?securityToken=abc", retries=0, timeout_s=2)


def test_transient_failures_are_tried_again_and_permanent_ones_are_not(
    server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("ems_pipeline.http.time.sleep", pauses.append)
    url = f"http://127.0.0.1:{server.port}"
    for status, requests in ((500, 3), (404, 1), (429, 1)):
        server.asked.clear()
        server.answers["x"] = Answer(status=status)
        with pytest.raises(http.HttpError):
            http.get(f"{url}/x", retries=2)
        assert len(server.asked) == requests
    assert len(pauses) == 2
    for attempt, pause in enumerate(pauses):  # twice as long each time, spread by half to either side
        assert 0.25 * 2**attempt <= pause <= 0.75 * 2**attempt


def test_the_market_day_is_central_european_everywhere() -> None:
    assert MARKET_TIMEZONE.key == "Europe/Brussels"
