"""A table of contracts, each computed by hand: what a kilowatt-hour costs and earns, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from ems_pipeline import time_grid
from ems_pipeline.market.bill import Bill, monthly_bill
from ems_pipeline.market.registers import DayCalendars
from ems_pipeline.market.tariff import effective_price, tariff_coefficients
from ems_pipeline.sites.machines import DailyWindow
from ems_pipeline.sites.tariff import Tariff, Window
from ems_pipeline.sites.wiring import GridConnection

PRAGUE = time_grid.zone("Europe/Prague")
INSTANT = pl.Datetime("us", "UTC")
DAY = date(2026, 2, 3)
AT = datetime(2026, 2, 3, 11, 0, tzinfo=UTC)
"""Noon in Prague."""


def contract(currency: str = "EUR", **period: Any) -> Tariff:
    """A contract of one period; what is not said costs nothing."""
    ordinary = {"valid_from": "2024-01-01", "vat": 0.0, "distribution": {"high_per_kwh": 0.0}, "sell": {"kind": "none"}}
    return Tariff.model_validate({"name": "table", "currency": currency, "periods": [ordinary | period]})


def market(starts: list[datetime], prices: list[float]) -> pl.DataFrame:
    columns = {"starts_at": starts, "price_per_mwh": prices, "currency": "EUR"}
    return pl.DataFrame(columns, schema_overrides={"starts_at": INSTANT})


def rates(*rows: tuple[date, float, bool]) -> pl.DataFrame:
    columns = [(day, "EUR", "CZK", rate, provisional) for day, rate, provisional in rows]
    return pl.DataFrame(columns, schema=["rate_on", "base", "quote", "rate", "is_provisional"], orient="row")


def priced(tariff: Tariff, prices: list[float], exchange: pl.DataFrame | None = None) -> pl.DataFrame:
    """Consecutive quarter-hours from noon."""
    starts = [AT + time_grid.SLOT * i for i in range(len(prices))]
    return effective_price(tariff_coefficients(tariff, starts, PRAGUE), market(starts, prices), exchange)


SPOT = {"energy": {"kind": "spot"}}
SELLING: dict[str, tuple[dict[str, Any], float, float]] = {
    "nothing is paid": ({"kind": "none", "fee_per_kwh": 0.5, "price_per_kwh": 9.0}, 100.0, 0.0),
    "a fixed price, whatever the market says": ({"kind": "fixed", "price_per_kwh": 0.08}, 500.0, 0.08),
    "a fixed price less a fee": ({"kind": "fixed", "price_per_kwh": 0.08, "fee_per_kwh": 0.01}, -500.0, 0.07),
    "spot": ({"kind": "spot", "price_per_kwh": 9.0}, 100.0, 0.1),
    "spot less a share": ({"kind": "spot", "deduct_rel": 0.2}, 100.0, 0.08),
    "spot less a fee": ({"kind": "spot", "fee_per_kwh": 0.015}, 100.0, 0.085),
    "a share of a negative price is charged less": ({"kind": "spot", "deduct_rel": 0.2}, -100.0, -0.08),
    "a fee on top of a negative price": ({"kind": "spot", "fee_per_kwh": 0.015}, -100.0, -0.115),
    "share, fee and VAT": ({"kind": "spot", "deduct_rel": 0.1, "fee_per_kwh": 0.01, "vat": 0.2}, 100.0, 0.096),
    "a floor holds": ({"kind": "spot", "floor_per_kwh": 0.0}, -100.0, 0.0),
    "a floor before VAT": ({"kind": "spot", "floor_per_kwh": 0.02, "vat": 0.5}, 10.0, 0.03),
    "a floor that is not reached": ({"kind": "spot", "floor_per_kwh": 0.0}, 100.0, 0.1),
    "unpaid while negative": ({"kind": "spot", "unpaid_at_negative_spot": True}, -0.01, 0.0),
    "paid at exactly zero": ({"kind": "fixed", "price_per_kwh": 0.08, "unpaid_at_negative_spot": True}, 0.0, 0.08),
    "a fixed price unpaid while the market is negative": (
        {"kind": "fixed", "price_per_kwh": 0.08, "unpaid_at_negative_spot": True}, -5.0, 0.0,
    ),
}  # fmt: skip
"""By contract: terms, market price per MWh, what a kWh earns."""


@pytest.mark.parametrize("case", SELLING)
def test_what_a_kilowatt_hour_earns(case: str) -> None:
    sell, price, earns = SELLING[case]
    found = priced(contract(**SPOT, sell=sell), [price])
    assert found["sell_per_kwh"].item() == pytest.approx(earns, abs=1e-12)
    assert found["buy_per_kwh"].item() == pytest.approx(price / 1000)


BUYING: dict[str, tuple[dict[str, Any], float, float]] = {
    "spot": ({"energy": {"kind": "spot", "price_per_kwh": 9.0}}, 100.0, 0.1),
    "a fixed price": ({"energy": {"kind": "fixed", "price_per_kwh": 0.25}}, 100.0, 0.25),
    "a fixed price with fee, network, levy and VAT": (
        {"energy": {"kind": "fixed", "price_per_kwh": 0.25, "fee_per_kwh": 0.01}, "vat": 0.2,
         "distribution": {"high_per_kwh": 0.05}, "levies_per_kwh": {"tax": 0.02, "green": -0.01}},
        100.0, (0.25 + 0.01 + 0.05 + 0.02 - 0.01) * 1.2,
    ),
    "no market price enters a fixed one's markup": (
        {"energy": {"kind": "fixed", "price_per_kwh": 0.25, "markup_rel": 0.1}}, 100.0, 0.25,
    ),
    "a relative markup": ({"energy": {"kind": "spot", "markup_rel": 0.1}}, 100.0, 0.11),
    "a signed markup lowers a negative price": ({"energy": {"kind": "spot", "markup_rel": 0.1}}, -100.0, -0.11),
    "an absolute markup raises it": (
        {"energy": {"kind": "spot", "markup_rel": 0.1, "markup_rel_mode": "absolute"}}, -100.0, -0.09,
    ),
    "none is taken on it": (
        {"energy": {"kind": "spot", "markup_rel": 0.1, "markup_rel_mode": "max0"}}, -100.0, -0.1,
    ),
    "taken on a positive price all the same": (
        {"energy": {"kind": "spot", "markup_rel": 0.1, "markup_rel_mode": "max0"}}, 100.0, 0.11,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BUYING)
def test_what_a_kilowatt_hour_costs(case: str) -> None:
    terms, price, costs = BUYING[case]
    assert priced(contract(**terms), [price])["buy_per_kwh"].item() == pytest.approx(costs, abs=1e-12)


HOURLY = {"energy": {"kind": "spot", "settlement_minutes": 60}, "sell": {"kind": "spot"}}


@pytest.mark.parametrize(
    ("quarters", "billed"),
    [
        ([86.15, 76.36, 60.24, 57.34], 70.02),  # mean 70.0225
        ([112.84, 112.84, 112.85, 112.85], 112.85),  # mean 112.845, half a cent up
        ([-112.84, -112.84, -112.85, -112.85], -112.85),  # and away from zero below it
        ([0.01, 0.0, 0.0, 0.0], 0.0),  # mean 0.0025
        ([0.01, 0.01, 0.0, 0.0], 0.01),  # mean 0.005
        ([33.333, 33.333, 33.333, 33.333], 33.333),  # an hour traded as such stays as it is
    ],
)
def test_an_hourly_contract_bills_the_mean_of_the_hour_to_the_cent(quarters: list[float], billed: float) -> None:
    found = priced(contract(**HOURLY), [*quarters, 200.0, 200.0, 200.0, 200.0])
    assert found["buy_per_kwh"].to_list() == pytest.approx([billed / 1000] * 4 + [0.2] * 4, abs=1e-12)
    assert found["sell_per_kwh"].to_list() == pytest.approx([billed / 1000] * 4 + [0.2] * 4, abs=1e-12)
    by_quarter = priced(contract(**SPOT), quarters)
    assert by_quarter["buy_per_kwh"].to_list() == pytest.approx([q / 1000 for q in quarters])


def test_a_contract_that_changes_its_settlement_bills_each_day_by_its_own() -> None:
    first = {"valid_from": "2024-01-01", "valid_to": "2026-02-04", "vat": 0.0, "distribution": {"high_per_kwh": 0.0}}
    periods = [first | HOURLY, first | SPOT | {"valid_from": "2026-02-04", "valid_to": None}]
    tariff = Tariff.model_validate({"name": "two", "currency": "EUR", "periods": periods})
    starts = time_grid.slots(datetime(2026, 2, 3, 22, tzinfo=UTC), datetime(2026, 2, 4, 0, tzinfo=UTC))
    prices = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]
    found = effective_price(tariff_coefficients(tariff, starts, PRAGUE), market(starts, prices))
    assert found["buy_per_kwh"].to_list() == pytest.approx([0.025] * 4 + [0.05, 0.06, 0.07, 0.08])
    assert found["components"].struct.field("vat").to_list() == [0.0] * 8


def test_a_provisional_rate_is_told_and_a_price_in_the_contracts_own_currency_needs_none() -> None:
    for provisional in (True, False):
        found = priced(contract("CZK", **SPOT), [100.0], rates((DAY, 25.0, provisional)))
        assert found["buy_per_kwh"].item() == pytest.approx(2.5)
        assert (found["is_provisional"].item(), found["currency"].item()) == (provisional, "CZK")
    own = priced(contract(**SPOT), [100.0], rates((DAY, 25.0, True)))
    assert (own["buy_per_kwh"].item(), own["is_provisional"].item()) == (pytest.approx(0.1), False)


def test_each_day_is_converted_by_its_own_rate_and_two_for_one_day_are_refused() -> None:
    starts = [datetime(2026, 2, 3, 22, 45, tzinfo=UTC), datetime(2026, 2, 3, 23, 0, tzinfo=UTC)]
    terms = tariff_coefficients(contract("CZK", **SPOT), starts, PRAGUE)
    both = rates((DAY, 25.0, False), (DAY + timedelta(days=1), 24.0, True))
    found = effective_price(terms, market(starts, [100.0, 100.0]), both)
    assert found["buy_per_kwh"].to_list() == pytest.approx([2.5, 2.4])
    assert found["is_provisional"].to_list() == [False, True]
    with pytest.raises(ValueError, match="two exchange rates for one day"):
        effective_price(terms, market(starts, [100.0, 100.0]), rates((DAY, 25.0, False), (DAY, 25.1, True)))
    with pytest.raises(ValueError, match="pass the exchange rates"):
        effective_price(terms, market(starts, [100.0, 100.0]))


def test_a_mixed_list_of_currencies_converts_only_what_is_foreign() -> None:
    starts = [AT, AT + time_grid.SLOT]
    prices = market(starts, [100.0, 3000.0]).with_columns(currency=pl.Series(["EUR", "CZK"]))
    found = effective_price(
        tariff_coefficients(contract("CZK", **SPOT), starts, PRAGUE), prices, rates((DAY, 25.0, True))
    )
    assert found["buy_per_kwh"].to_list() == pytest.approx([2.5, 3.0])
    assert found["is_provisional"].to_list() == [True, False]


FIXED = {"energy": {"kind": "fixed", "price_per_kwh": 0.25}, "sell": {"kind": "fixed", "price_per_kwh": 0.05}}


def test_a_contract_that_no_market_price_enters_is_priced_where_none_is_known() -> None:
    starts = [AT, AT + time_grid.SLOT]
    terms = tariff_coefficients(contract("CZK", **FIXED), starts, PRAGUE)
    nothing = market(starts, [1.0, 1.0]).head(0)
    found = effective_price(terms, nothing, None)
    assert found["buy_per_kwh"].to_list() == [0.25, 0.25]
    assert found["sell_per_kwh"].to_list() == [0.05, 0.05]
    assert found.select("currency", "is_provisional").unique().rows() == [("CZK", False)]
    assert found["spot_per_kwh"].null_count() == 2
    for needs in (SPOT, FIXED | {"sell": {"kind": "spot"}},
                  FIXED | {"sell": {"kind": "fixed", "unpaid_at_negative_spot": True}}):  # fmt: skip
        terms = tariff_coefficients(contract(**needs), starts, PRAGUE)
        assert effective_price(terms, market(starts, [1.0, 1.0]).head(1)).height == 1


NIGHT = {"start": "22:00", "end": "06:00"}


def low_hours(day: date, window: dict[str, Any], **period: Any) -> list[int]:
    """Hours of a day's wall clock in the low register."""
    terms = {"high_per_kwh": 0.5, "low_per_kwh": 0.1, "low_windows": [window]}
    coefficients = tariff_coefficients(contract(distribution=terms, **period), time_grid.day_slots(day, PRAGUE), PRAGUE)
    low = coefficients.filter(pl.col("register") == "low")["starts_at"]
    return sorted({time_grid.slot_of_day(at, PRAGUE) // 4 for at in low})


def test_a_season_ends_at_midnight_of_its_last_day_and_begins_at_midnight_of_its_first() -> None:
    winter = NIGHT | {"months": [10, 11, 12, 1, 2, 3]}
    assert low_hours(date(2026, 3, 31), winter) == [0, 1, 2, 3, 4, 5, 22, 23]
    assert low_hours(date(2026, 4, 1), winter) == []
    assert low_hours(date(2026, 9, 30), winter) == []
    assert low_hours(date(2026, 10, 1), winter) == [0, 1, 2, 3, 4, 5, 22, 23]


def test_the_hours_after_midnight_belong_to_the_weekday_of_the_evening_before() -> None:
    friday = NIGHT | {"weekdays": [4]}
    assert low_hours(date(2026, 8, 21), friday) == [22, 23]
    assert low_hours(date(2026, 8, 22), friday) == [0, 1, 2, 3, 4, 5]
    assert low_hours(date(2026, 8, 23), friday) == []


def test_public_holidays_are_sundays_to_every_window_of_the_period() -> None:
    """12 October 2026, a Monday, is a holiday in Spain, and nowhere else here."""
    holiday, sunday = date(2026, 10, 12), {"start": "00:00", "end": "00:00", "weekdays": [5, 6]}
    assert low_hours(holiday, sunday) == []
    assert low_hours(holiday, sunday, holidays="ES") == list(range(24))
    assert low_hours(holiday, {"start": "08:00", "end": "10:00", "weekdays": [0]}, holidays="ES") == []
    assert low_hours(date(2026, 5, 2), {"start": "08:00", "end": "09:00", "weekdays": [6]}, holidays="ES-MD") == [8]
    with pytest.raises(ValidationError, match="no public holidays of 'Atlantis'"):
        contract(holidays="Atlantis")


@pytest.mark.parametrize("record", [Window, DailyWindow])
@pytest.mark.parametrize("end", ["23:59", "23:59:59"])
def test_a_window_that_leaves_out_the_last_minute_of_the_day_is_refused_with_the_remedy(record: Any, end: str) -> None:
    with pytest.raises(ValidationError, match='write "00:00" for the end of the day'):
        record(start="22:00", end=end)
    assert record(start="22:00", end="00:00").end == time()


def test_a_list_of_the_day_replaces_the_usual_windows_and_goes_no_further_than_the_day() -> None:
    terms = {"high_per_kwh": 0.5, "low_per_kwh": 0.1, "low_windows": [NIGHT]}
    announced = DayCalendars(low_windows={DAY: (Window(start=time(20), end=time()),)})
    starts = [*time_grid.day_slots(DAY, PRAGUE), *time_grid.day_slots(DAY + timedelta(days=1), PRAGUE)]
    found = tariff_coefficients(contract(distribution=terms), starts, PRAGUE, announced)
    low = found.filter(pl.col("register") == "low")["starts_at"].to_list()
    local = [(time_grid.local_day(at, PRAGUE), time_grid.slot_of_day(at, PRAGUE) // 4) for at in low]
    assert {hour for day, hour in local if day == DAY} == {20, 21, 22, 23}
    assert {hour for day, hour in local if day != DAY} == {0, 1, 2, 3, 4, 5, 22, 23}


def test_a_peak_has_its_price_in_the_contract_alone() -> None:
    with pytest.raises(ValidationError, match=r"write tariff\.periods\[\]\.capacity"):
        GridConnection.model_validate({"import_limit_w": 17_000, "export_limit_w": 0, "peak_price_per_kw": 5.0})
    free = {"import_limit_w": 17_000, "export_limit_w": 0, "peak_price_per_kw": 0.0}
    assert "peak_price_per_kw" not in GridConnection.model_validate(free).model_dump()


def bill(tariff: Tariff, import_kwh: list[float], prices: list[float], export_kwh: float = 0.0) -> Bill:
    """February 2026; lists are of its first quarter-hours, the rest imports nothing at a price of 0."""
    starts = time_grid.slots(*(time_grid.day_bounds(date(2026, m, 1), PRAGUE)[0] for m in (2, 3)))
    filled = prices + [0.0] * (len(starts) - len(prices))
    used = import_kwh + [0.0] * (len(starts) - len(import_kwh))
    priced = effective_price(tariff_coefficients(tariff, starts, PRAGUE), market(starts, filled))
    columns = {"starts_at": starts, "import_kwh": used, "export_kwh": export_kwh}
    energy = pl.DataFrame(columns, schema_overrides={"starts_at": INSTANT})
    return monthly_bill(tariff, date(2026, 2, 14), priced, energy, PRAGUE)


@pytest.mark.parametrize(
    ("used", "floor_kw", "billed_kw", "amount"),
    [([2.0, 1.0], 0.0, 8.0, "80.00"), ([0.25], 3.0, 3.0, "30.00"), ([], 0.0, 0.0, "0.00")],
)
def test_the_highest_quarter_hour_is_billed_and_no_less_than_the_floor(
    used: list[float], floor_kw: float, billed_kw: float, amount: str
) -> None:
    tariff = contract(**FIXED, vat=0.2, capacity={"price_per_kw_month": 10.0, "floor_kw": floor_kw})
    lines = {line.name: line for line in bill(tariff, used, []).lines}
    assert lines["capacity"].quantity == pytest.approx(billed_kw)
    assert (lines["capacity"].amount, lines["capacity"].unit, lines["capacity"].vat) == (Decimal(amount), "kW", 0.2)


def test_a_month_of_two_contracts_is_split_by_days_and_each_part_has_its_vat() -> None:
    """28 days: 7 of the first contract, 21 of the second."""
    first = {"valid_from": "2024-01-01", "valid_to": "2026-02-08", "distribution": {"high_per_kwh": 0.1}, **FIXED}
    first |= {"vat": 0.1, "monthly": {"supplier": 10.0}, "capacity": {"price_per_kw_month": 99.0}}
    second = first | {"valid_from": "2026-02-08", "valid_to": None, "vat": 0.2, "monthly": {"supplier": 20.0}}
    second |= {"capacity": {"price_per_kw_month": 1.0}}
    tariff = Tariff.model_validate({"name": "two", "currency": "EUR", "periods": [first, second]})
    slots_of_first = 7 * 96
    used = [1.0, *[0.0] * (slots_of_first - 1), 2.0]
    found = bill(tariff, used, [])
    said = sorted((line.name, line.quantity, line.amount, line.vat) for line in found.lines)
    assert said == [
        ("capacity", 8.0, Decimal("8.00"), 0.2),  # 2 kWh in a quarter-hour, at the terms in force at the month's end
        ("distribution single", 1.0, Decimal("0.10"), 0.1),
        ("distribution single", 2.0, Decimal("0.20"), 0.2),
        ("energy", 1.0, Decimal("0.25"), 0.1),
        ("energy", 2.0, Decimal("0.50"), 0.2),
        ("supplier", 0.25, Decimal("2.50"), 0.1),
        ("supplier", 0.75, Decimal("15.00"), 0.2),
    ]
    # VAT is rounded once per rate: (0.10 + 0.25 + 2.50) x 0.1 = 0.285 -> 0.29; (8 + 0.2 + 0.5 + 15) x 0.2 = 4.74.
    assert (found.net, found.vat, found.total) == (Decimal("26.55"), Decimal("5.03"), Decimal("31.58"))


def test_half_a_cent_is_rounded_up_and_export_is_credited_at_each_hours_price() -> None:
    found = bill(contract(**SPOT, sell={"kind": "spot"}), [0.125], [1000.0, 2000.0], export_kwh=1.0)
    assert {line.name: line.amount for line in found.lines}["energy"] == Decimal("0.13")
    assert found.credit == Decimal("3.00")


def test_a_month_with_a_quarter_hour_that_nobody_measured_is_not_billed() -> None:
    with pytest.raises(ValueError, match="2 of 2688 quarter-hours of 2026-02 have no price or no measured energy"):
        bill_with_gaps()


def bill_with_gaps() -> Bill:
    starts = time_grid.slots(*(time_grid.day_bounds(date(2026, m, 1), PRAGUE)[0] for m in (2, 3)))
    tariff = contract(**SPOT)
    priced = effective_price(tariff_coefficients(tariff, starts, PRAGUE), market(starts[1:], [1.0] * (len(starts) - 1)))
    columns = {"starts_at": starts[:-1], "import_kwh": 0.1, "export_kwh": 0.0}
    energy = pl.DataFrame(columns, schema_overrides={"starts_at": INSTANT})
    return monthly_bill(tariff, date(2026, 2, 14), priced, energy, PRAGUE)


DYNAMIC = {
    "vat": 0.21,
    "energy": {"kind": "spot", "fee_per_kwh": 0.0165, "settlement_minutes": 60},
    "sell": {"kind": "spot", "fee_per_kwh": 0.0165, "vat": 0.21},
}
MORNING = [
    # market price of the hour, import, export, what the supplier's bill says of both: import x 1.21 x (price + 0.0165),
    # export x 1.21 x (price - 0.0165)
    (0.1000, 1.000, 0.000, "0.1410", "0.0000"),
    (0.0800, 0.500, 0.250, "0.0584", "0.0192"),
    (0.0165, 0.000, 2.000, "0.0000", "0.0000"),
    (0.0000, 0.400, 1.000, "0.0080", "-0.0200"),
    (-0.0500, 2.000, 1.500, "-0.0811", "-0.1207"),
    (0.2500, 0.125, 0.000, "0.0403", "0.0000"),
]
"""Six hours of a bill in the form in which a supplier exports it; own numbers, rounded to a hundredth of a cent."""


def test_every_hour_of_a_suppliers_export_is_reproduced() -> None:
    found = priced(contract(**DYNAMIC), [1000 * price for price, *_ in MORNING for _ in range(4)])
    for hour, (_, import_kwh, export_kwh, cost, credit) in enumerate(MORNING):
        quarters = found[4 * hour : 4 * hour + 4]
        costs = (quarters["buy_per_kwh"] * import_kwh / 4).sum()
        credits = (quarters["sell_per_kwh"] * export_kwh / 4).sum()
        assert (f"{costs:.4f}", f"{credits + 0.0:.4f}") == (cost, credit), hour
