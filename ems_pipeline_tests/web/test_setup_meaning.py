"""What fields of the set-up mean, in numbers computed by hand or published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.api.problems import Problem
from ems_pipeline.market.tariff import effective_price, tariff_coefficients
from ems_pipeline.sites import place
from ems_pipeline.sites.tariff import Tariff
from ems_pipeline.web.setup import contract, energy, found, signs, typed
from ems_pipeline.web.setup import place as places

PRAGUE = time_grid.zone("Europe/Prague")
HIGH, LOW = datetime(2026, 2, 3, 11, 0, tzinfo=UTC), datetime(2026, 2, 3, 2, 0, tzinfo=UTC)
"""Noon and three at night in Prague."""


def prices(template: str, currency: str, eur_per_mwh: float, rate: float) -> pl.DataFrame:
    """Of an hour of the high and one of the low rate."""
    texts = contract.TEMPLATES[template].fields | {"template": template, "valid_from": "2026-01-01"}
    terms = tariff_coefficients(Tariff.model_validate(contract.meant(texts, currency)), [LOW, HIGH], PRAGUE)
    market = pl.DataFrame(
        {"starts_at": [LOW, HIGH], "price_per_mwh": [eur_per_mwh] * 2, "currency": "EUR"},
        schema_overrides={"starts_at": pl.Datetime("us", "UTC")},
    )
    rates = pl.DataFrame({
        "rate_on": [HIGH.date()], "base": "EUR", "quote": currency, "rate": rate, "is_provisional": False,
    })  # fmt: skip
    return effective_price(terms, market, rates)


def test_the_czech_template_costs_what_was_reckoned_for_it_elsewhere() -> None:
    """At 95.20 EUR/MWh, 24.315 CZK/EUR and a fee of 0.399: 6.24212 high, 3.65762 low, 1.96479 sold."""
    told = prices("cz-d25d", "CZK", 95.20, 24.315)
    assert told["buy_per_kwh"].to_list() == pytest.approx([3.65762, 6.24212], abs=1e-5)
    assert told["sell_per_kwh"].to_list() == pytest.approx([1.96479] * 2, abs=1e-5)


def test_a_dutch_hour_is_market_fee_and_tax_with_vat() -> None:
    told = prices("nl-dynamic", "EUR", 100.0, 1.0)
    assert told["buy_per_kwh"].to_list() == pytest.approx([(0.1 + 0.0182 + 0.0916) * 1.21] * 2)
    assert told["sell_per_kwh"].to_list() == pytest.approx([0.1 - 0.0182] * 2)


def test_numbers_of_a_template_are_called_unverified_until_somebody_says_that_they_are_his() -> None:
    texts = contract.TEMPLATES["nl-dynamic"].fields | {"template": "nl-dynamic", "valid_from": "2026-01-01"}
    assert "unverified" in contract.meant(texts, "EUR")["name"]
    assert "unverified" not in contract.meant(texts | {"is_mine": "yes"}, "EUR")["name"]


def test_a_contract_of_two_rates_has_the_low_one_in_its_windows() -> None:
    texts = {
        "template": "two-rate", "valid_from": "2026-01-01", "price": "0,30", "price_low": "0.20", "vat_pct": "0",
        "low_windows": "22:00-06:00", "monthly": "0", "sell": "0.05",
    }  # fmt: skip
    terms = tariff_coefficients(Tariff.model_validate(contract.meant(texts, "EUR")), [LOW, HIGH], PRAGUE)
    nothing = pl.DataFrame({"starts_at": [], "price_per_mwh": [], "currency": []}, schema={
        "starts_at": pl.Datetime("us", "UTC"), "price_per_mwh": pl.Float64, "currency": pl.String,
    })  # fmt: skip
    rates = pl.DataFrame(schema={
        "rate_on": pl.Date, "base": pl.String, "quote": pl.String, "rate": pl.Float64, "is_provisional": pl.Boolean,
    })  # fmt: skip
    assert effective_price(terms, nothing, rates)["buy_per_kwh"].to_list() == pytest.approx([0.20, 0.30])


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ({"grid_power_w": 300}, {"grid_power_w": 2300}, "right"),
        ({"grid_power_w": -300}, {"grid_power_w": -2300}, "turned"),
        ({"grid_power_w": -3000}, {"grid_power_w": -1000}, "right"),  # less is fed in: that is import, too
        ({"grid_power_w": 10, "battery_power_w": 0}, {"grid_power_w": 30, "battery_power_w": 2000}, "battery"),
        ({"grid_power_w": 10, "battery_power_w": 0}, {"grid_power_w": -900, "battery_power_w": 3000}, "battery"),
        (
            {"grid_power_w": 0, "pv_power_w": 500},
            {"grid_power_w": -1500, "pv_power_w": 4000},
            "nothing",
        ),  # the sun came
        ({"grid_power_w": 300}, {"grid_power_w": 600}, "nothing"),
        ({"grid_power_w": 300}, {}, "unmeasured"),
    ],
)
def test_what_rose_says_whether_the_sign_is_right(before: dict[str, float], after: dict[str, float], word: str) -> None:
    assert signs.verdict("meter", before, after).word == word


def test_a_device_fills_in_what_it_says_and_nothing_else() -> None:
    sunspec = {"battery_capacity": 9800.0, "rated_charge_power": 5000.0, "rated_discharge_power": 4600.0}
    assert energy.guesses(sunspec) == {"capacity_kwh": "9.8", "charge_kw": "5", "discharge_kw": "4.6"}
    deye = {"rated_power": 12000.0, "bms_charge_current_limit": 100.0, "battery_voltage_v": 52.0,
            "bms_discharge_current_limit": 500.0}  # fmt: skip
    assert energy.guesses(deye) == {"charge_kw": "5.2", "discharge_kw": "12", "ac_kw": "12"}, (
        "no more than the inverter"
    )
    assert energy.guesses({"battery_soc_pct": 50.0, "pv_power_w": 0.0, "rated_power": 0.0}) == {}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("52.37, 4.89", (52.37, 4.89)), ("52,37 4,89", (52.37, 4.89)), ("52.37° N, 4.89° E", (52.37, 4.89)),
        ("38.7;-9.1", (38.7, -9.1)), ("38.7 N 9.1 W", (38.7, -9.1)),
    ],
)  # fmt: skip
def test_coordinates_are_read_as_maps_copy_them(text: str, meant: tuple[float, float]) -> None:
    assert typed.coordinates(text) == meant


def test_every_zone_has_its_own_city_in_its_own_country() -> None:
    for timezone in place.timezones():
        latitude, longitude = place._cities()[timezone]
        assert place.abroad(latitude, longitude, timezone) == "", timezone
        assert places.currency_of(timezone), timezone


def test_a_house_is_not_looked_for_in_another_country() -> None:
    assert "is not in NL" in place.abroad(48.85, 2.35, "Europe/Amsterdam")
    assert place.abroad(50.85, 5.69, "Europe/Amsterdam") == "", "Maastricht"
    assert place.abroad(28.1, -15.4, "Atlantic/Canary") == ""


@pytest.mark.parametrize(("text", "meant"), [("1-3, 126", [1, 2, 3, 126]), ("7", [7]), ("247", [247])])
def test_unit_ids_are_numbers_and_spans(text: str, meant: list[int]) -> None:
    assert typed.units(text) == meant


@pytest.mark.parametrize("text", ["", "0", "248", "a", "1-247", "5-1000000000"])
def test_unit_ids_that_no_bus_has_are_refused(text: str) -> None:
    with pytest.raises(Problem, match="unit"):
        typed.units(text)


def test_devices_picked_at_a_second_address_come_beside_those_of_the_first() -> None:
    def unit(n: int, name: str) -> dict[str, Any]:
        return {"unit_id": n, "fits": [{"map": name, "values": {"grid_power_w": 1.0}}]}

    first = found.chosen({"unit-1": "a"}, {"gateway": {"host": "10.0.0.1", "port": 502, "transport": "modbus-tcp"}},
                         [unit(1, "a")], {})  # fmt: skip
    both = found.chosen({"unit-1": "b", "unit-2": ""},
                        {"gateway": {"host": "10.0.0.2", "port": 502, "transport": "modbus-tcp"}},
                        [unit(1, "b"), unit(2, "b")], first)  # fmt: skip
    assert [(d["key"], d["gateway"], d["map"]) for d in both["devices"]] == [
        ("meter", "gateway-1", "a"), ("meter-2", "gateway-2", "b"),
    ]  # fmt: skip
    assert [g["host"] for g in both["gateways"]] == ["10.0.0.1", "10.0.0.2"]
