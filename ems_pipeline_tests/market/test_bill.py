"""Lines of a bill that are there or not, and cents at the edge: small contracts, computed by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ems_pipeline.sites.tariff import Tariff
from ems_pipeline_tests.market.test_contracts import FIXED, SPOT, bill, contract

FIRST = {"valid_from": "2024-01-01", "valid_to": "2026-02-08", "vat": 0.1, "distribution": {"high_per_kwh": 0.0}}
SECOND = {"valid_from": "2026-02-08", "vat": 0.2, "distribution": {"high_per_kwh": 0.0}}


def two(first: dict[str, object], second: dict[str, object]) -> Tariff:
    """A contract that changes on 8 February 2026."""
    periods = [FIRST | FIXED | first, SECOND | FIXED | second]
    return Tariff.model_validate({"name": "two", "currency": "EUR", "periods": periods})


def names(tariff: Tariff) -> list[tuple[str, float]]:
    """What is billed where one kilowatt-hour was used in each period."""
    used = [1.0, *[0.0] * (7 * 96 - 1), 1.0]
    return sorted((line.name, line.vat) for line in bill(tariff, used, []).lines)


ALWAYS = [("distribution single", 0.1), ("distribution single", 0.2), ("energy", 0.1), ("energy", 0.2)]


def test_a_levy_is_billed_in_the_periods_that_know_it() -> None:
    assert names(two({"levies_per_kwh": {"tax": 0.02}}, {})) == sorted([*ALWAYS, ("tax", 0.1)])
    assert names(two({}, {"levies_per_kwh": {"tax": 0.02}})) == sorted([*ALWAYS, ("tax", 0.2)])


def test_what_costs_nothing_has_no_line() -> None:
    free = {"levies_per_kwh": {"tax": 0.0}}
    assert names(two(free, free)) == ALWAYS
    assert names(two(free | {"vat": 0.2}, {})) == [("distribution single", 0.2), ("energy", 0.2)]


def test_a_levy_that_is_paid_back_has_a_line() -> None:
    lines = bill(contract(**FIXED, levies_per_kwh={"relief": -0.01}), [100.0], []).lines
    assert {line.name: line.amount for line in lines}["relief"] == Decimal("-1.00")


def test_a_contract_that_is_over_before_the_month_or_begins_after_it_charges_nothing() -> None:
    fee = {"monthly": {"supplier": 10.0}}
    before = FIRST | FIXED | fee | {"valid_to": "2026-01-01"}
    within = SECOND | FIXED | {"valid_from": "2026-01-01", "valid_to": "2026-04-01", "monthly": {"meter": 2.0}}
    after = SECOND | FIXED | fee | {"valid_from": "2026-04-01"}
    tariff = Tariff.model_validate({"name": "three", "currency": "EUR", "periods": [before, within, after]})
    monthly = [(line.name, line.quantity, line.amount) for line in bill(tariff, [], []).lines if line.unit == "month"]
    assert monthly == [("meter", 1.0, Decimal("2.00"))]


@pytest.mark.parametrize(
    ("used_kwh", "amount"),
    [(0.125, "0.13"), (0.1249999996, "0.13"), (0.1249999994, "0.12"), (0.135, "0.14"), (0.134, "0.13")],
)
def test_half_a_cent_goes_up_and_what_sums_leave_behind_the_ninth_place_does_not_count(
    used_kwh: float, amount: str
) -> None:
    lines = bill(contract(**SPOT), [used_kwh], [1000.0]).lines
    assert {line.name: line.amount for line in lines}["energy"] == Decimal(amount)


def test_half_a_cent_that_is_paid_goes_away_from_zero_too() -> None:
    found = bill(contract(**SPOT, sell={"kind": "spot"}), [0.125], [-1000.0])
    assert {line.name: line.amount for line in found.lines}["energy"] == Decimal("-0.13")


def test_a_bill_is_of_its_whole_month_in_the_contracts_currency() -> None:
    found = bill(contract(**FIXED), [4.0], [])
    assert (found.month.isoformat(), found.currency) == ("2026-02-01", "EUR")
    assert [(line.name, line.quantity, line.unit) for line in found.lines] == [
        ("energy", 4.0, "kWh"),
        ("distribution single", 4.0, "kWh"),
    ]
