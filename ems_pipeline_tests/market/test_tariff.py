"""Tariffs to the cent: prices and bills computed by hand, and a supplier's own hourly bill."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.market.bill import Bill, monthly_bill
from ems_pipeline.market.tariff import effective_price, tariff_coefficients
from ems_pipeline.sites import Site
from ems_pipeline.sites.tariff import Tariff

PRAGUE = time_grid.zone("Europe/Prague")
INSTANT = pl.Datetime("us", "UTC")


def market(starts: list[datetime], price_per_mwh: list[float], currency: str = "EUR") -> pl.DataFrame:
    return pl.DataFrame(
        {"starts_at": starts, "price_per_mwh": price_per_mwh, "currency": currency},
        schema_overrides={"starts_at": INSTANT},
    )


def rates(days: list[date], rate: float) -> pl.DataFrame:
    return pl.DataFrame({"rate_on": days, "base": "EUR", "quote": "CZK", "rate": rate, "is_provisional": False})


def month_slots(first: date, last: date) -> list[datetime]:
    return time_grid.slots(time_grid.day_bounds(first, PRAGUE)[0], time_grid.day_bounds(last, PRAGUE)[1])


def test_a_czech_spot_price_is_the_sum_of_its_parts_with_vat(home01: Site) -> None:
    low = datetime(2026, 2, 3, 3, 0, tzinfo=UTC)  # 04:00 local, low register
    high = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)  # 09:00 local, high register
    terms = tariff_coefficients(home01.tariff, [low, high], PRAGUE)
    found = effective_price(terms, market([low, high], [80.0, 80.0]), rates([date(2026, 2, 3)], 25.0))
    # 80 EUR/MWh x 25 = 2.0 CZK/kWh; (2.0 + 0.399 + 0.2045 | 0.55 + 0.16424 + 0.0283) x 1.21
    assert found["buy_per_kwh"].to_list() == pytest.approx([3.3832084, 3.8012634], abs=1e-9)
    assert found["sell_per_kwh"].to_list() == pytest.approx([1.65, 1.65], abs=1e-9)


def test_vat_is_charged_on_the_sum_when_the_market_price_is_negative(home01: Site) -> None:
    at = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)  # 13:00 local, low register
    terms = tariff_coefficients(home01.tariff, [at], PRAGUE)
    found = effective_price(terms, market([at], [-100.0]), rates([date(2026, 2, 3)], 25.0))
    # (-2.5 + 0.399 + 0.2045 + 0.16424 + 0.0283) x 1.21 and -2.5 - 0.35: neither is clipped
    assert found["buy_per_kwh"][0] == pytest.approx(-2.0617916, abs=1e-9)
    assert found["sell_per_kwh"][0] == pytest.approx(-2.85, abs=1e-9)


def test_a_price_in_another_currency_without_a_rate_is_refused(home01: Site) -> None:
    at = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)
    terms = tariff_coefficients(home01.tariff, [at], PRAGUE)
    with pytest.raises(ValueError, match=r"no exchange rate EUR/CZK for 2026-02-03; import fx_rate first"):
        effective_price(terms, market([at], [80.0]), rates([date(2026, 2, 4)], 25.0))


@pytest.mark.parametrize(
    ("day", "low_slots"),
    [(date(2026, 2, 3), 80), (date(2026, 3, 29), 76), (date(2025, 10, 26), 84)],
    ids=["96 slots", "92 slots", "100 slots"],
)
def test_the_low_register_follows_the_wall_clock_on_days_of_any_length(home01: Site, day: date, low_slots: int) -> None:
    terms = tariff_coefficients(home01.tariff, time_grid.day_slots(day, PRAGUE), PRAGUE)
    assert terms.filter(pl.col("distribution_per_kwh") == 0.2045).height == low_slots


def bill_of(site: Site, first: date, last: date) -> Bill:
    starts = month_slots(first, last)
    terms = tariff_coefficients(site.tariff, starts, PRAGUE)
    priced = effective_price(terms, market(starts, [100.0] * len(starts)), rates(time_grid.days(first, last), 25.0))
    energy = pl.DataFrame(
        {"starts_at": starts, "import_kwh": 0.5, "export_kwh": 0.1}, schema_overrides={"starts_at": INSTANT}
    )
    return monthly_bill(site.tariff, first, priced, energy, PRAGUE)


def test_a_czech_bill_of_february_is_reproduced_to_the_cent(home01: Site) -> None:
    bill = bill_of(home01, date(2026, 2, 1), date(2026, 2, 28))
    # 28 days x 96 x 0.5 kWh = 1344 kWh, of which 20 h a day (1120 kWh) in the low register.
    assert {line.name: line.amount for line in bill.lines} == {
        "energy": Decimal("3360.00"),  # 1344 x 2.5
        "supplier_fee": Decimal("536.26"),  # 1344 x 0.399 = 536.256
        "system_services": Decimal("220.74"),  # 1344 x 0.16424 = 220.73856
        "electricity_tax": Decimal("38.04"),  # 1344 x 0.0283 = 38.0352
        "distribution low": Decimal("229.04"),  # 1120 x 0.2045
        "distribution high": Decimal("123.20"),  # 224 x 0.55
        "supplier": Decimal("128.00"),
        "breaker_3x25a": Decimal("269.00"),
        "infrastructure": Decimal("12.87"),
    }
    assert (bill.net, bill.vat, bill.total) == (Decimal("4917.15"), Decimal("1032.60"), Decimal("5949.75"))
    assert bill.credit == Decimal("577.92")  # 268.8 kWh x (2.5 - 0.35)


def test_a_month_with_a_clock_change_has_its_own_number_of_quarter_hours(home01: Site) -> None:
    march = bill_of(home01, date(2026, 3, 1), date(2026, 3, 31))
    energy = next(line for line in march.lines if line.name == "energy")
    assert energy.quantity == pytest.approx((31 * 96 - 4) * 0.5)


def test_every_hour_of_a_supplier_export_is_reproduced(measured_data: Path) -> None:
    """Import kWh x (1.21 EPEX + 0.02), export kWh x (0.02 - 1.21 EPEX): the formula of the data's README."""
    fee_per_kwh = 0.0165289  # 2 cents with VAT, as the supplier keeps it: net, to seven decimals
    bill = pl.read_parquet(measured_data / "homes" / "nl_dynamic_bill_60min_2024h1.parquet").filter(
        pl.col("epex_eur_kwh").is_not_null()
    )
    # The meter counts whole watt-hours; the file keeps them in single precision.
    bill = bill.with_columns(pl.col("import_kwh", "export_kwh").cast(pl.Float64).round(3))
    tariff = Tariff.model_validate(
        {
            "name": "NL dynamic",
            "currency": "EUR",
            "periods": [
                {
                    "valid_from": "2023-01-01",
                    "vat": 0.21,
                    "energy": {"kind": "spot", "fee_per_kwh": fee_per_kwh},
                    "distribution": {"high_per_kwh": 0.0},
                    "sell": {"kind": "spot", "fee_per_kwh": fee_per_kwh, "vat": 0.21},
                }
            ],
        }
    )
    starts = bill["ts_utc"].cast(INSTANT).to_list()
    terms = tariff_coefficients(tariff, starts, time_grid.zone("Europe/Amsterdam"))
    priced = effective_price(terms, market(starts, (bill["epex_eur_kwh"] * 1000).to_list()))
    joined = bill.with_columns(pl.col("ts_utc").cast(INSTANT).alias("starts_at")).join(priced, on="starts_at")
    assert joined.height == bill.height > 4000
    wrong = joined.filter(
        ((pl.col("import_kwh") * pl.col("buy_per_kwh") - pl.col("cost_import_eur")).abs() > 1e-8)
        | ((pl.col("export_kwh") * pl.col("sell_per_kwh") + pl.col("cost_export_eur")).abs() > 1e-8)
    )
    assert wrong.is_empty(), wrong.head(3)


def test_an_incomplete_hour_of_an_hourly_contract_is_refused(home01: Site) -> None:
    document = home01.tariff.model_dump()
    document["periods"][0]["energy"]["settlement_minutes"] = 60
    tariff = Tariff.model_validate(document)
    starts = [datetime(2026, 2, 3, 12, 0, tzinfo=UTC) + timedelta(minutes=15 * i) for i in range(3)]
    terms = tariff_coefficients(tariff, starts, PRAGUE)
    with pytest.raises(ValueError, match=r"mean of 4 quarter-hours; the hour of 2026-02-03 12:00.* has 3"):
        effective_price(terms, market(starts, [1.0, 2.0, 3.0]), rates([date(2026, 2, 3)], 25.0))


def test_an_hour_of_prices_that_cancel_out_costs_nothing(home01: Site) -> None:
    document = home01.tariff.model_dump()
    document["periods"][0]["energy"]["settlement_minutes"] = 60
    starts = [datetime(2026, 2, 3, 12, 0, tzinfo=UTC) + timedelta(minutes=15 * i) for i in range(4)]
    terms = tariff_coefficients(Tariff.model_validate(document), starts, PRAGUE)
    found = effective_price(terms, market(starts, [10.0, -10.0, 30.0, -30.0]), rates([date(2026, 2, 3)], 25.0))
    assert found["spot_per_kwh"].to_list() == [0.0] * 4


def test_one_day_with_two_rates_is_refused_among_days_that_have_one(home01: Site) -> None:
    at = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)
    terms = tariff_coefficients(home01.tariff, [at], PRAGUE)
    days = [date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 3), date(2026, 2, 4)]
    with pytest.raises(ValueError, match="two exchange rates for one day"):
        effective_price(terms, market([at], [80.0]), rates(days, 25.0))
