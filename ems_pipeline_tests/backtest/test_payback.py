"""What is invested is back after so many years as it saves parts of itself, and never where it may save nothing."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ems_pipeline.backtest.intervals import Interval, total, total_of_stretches
from ems_pipeline.backtest.payback import answered, payback, yearly_fees
from ems_pipeline.backtest.study import StudyInvalid
from ems_pipeline.backtest.what_if import AS_IS, Contract, Question, study
from ems_pipeline.sites import Site

DAYS = (date(2025, 1, 1), date(2025, 12, 31))


def lived(variants: dict[str, float], count: int = 365) -> pl.DataFrame:
    """Days that all cost the same under a variant."""
    days = [DAYS[0] + timedelta(days=k) for k in range(count)]
    return pl.concat(
        pl.DataFrame({"variant": name, "day": days, "net_cost": cost, "throughput_wh": 20_000.0})
        for name, cost in variants.items()
    )


def test_a_year_is_told_by_hand(home01: Site) -> None:
    asked = Question(
        battery_kwh=(25,), contracts=(Contract(kind="fixed", per_kwh=3, monthly=100),), battery_price_per_kwh=9000
    )
    rows = answered(study(home01, asked, DAYS), asked, lived({AS_IS: 50, "battery-25": 40, "tariff-fixed-3": 50}))
    now, larger, fixed = rows
    fees = 12 * (128 + 269 + 12.87) * 1.21
    assert now.bill == pytest.approx(50 * 365.25 + fees)
    assert larger.saved.value == pytest.approx(3652.5), "ten crowns a day"
    assert larger.invested == pytest.approx(10 * 9000), "ten kWh more than the fifteen that are there"
    assert larger.payback_years is not None
    assert larger.payback_years.value == pytest.approx(90_000 / 3652.5)
    assert larger.cycles == pytest.approx(20 * 365.25 / 2 / 25)
    assert larger.wear == pytest.approx(20 * 365.25 * 0.35), "by the site's own price of wear, beside the bill"
    assert fixed.saved.value == pytest.approx(fees - 12 * 100 * 1.21), "fees count, and nothing else differs"
    assert (fixed.invested, fixed.payback_years) == (0.0, None)
    assert yearly_fees(home01.tariff, DAYS[1]) == pytest.approx(fees)


def test_what_may_save_nothing_does_not_pay_back() -> None:
    assert payback(1000, Interval(100, 50, 200)) == Interval(10, 5, 20), "most saved, soonest back"
    assert payback(1000, Interval(100, -1, 200)) is None
    assert payback(1000, Interval(100, 0, 200)) is None
    assert payback(None, Interval(100, 50, 200)) is None, "a price that nobody said is not none"


def test_days_drawn_in_stretches_do_not_look_surer_than_their_weather() -> None:
    weeks = np.repeat(np.random.default_rng(3).normal(10, 5, 52), 7)
    alone, together = total(weeks), total_of_stretches(weeks)
    assert together.value == alone.value == pytest.approx(weeks.sum())
    # Weeks of seven equal days: the variance of the sum is about seven times that of days drawn alone.
    assert 1.7 < (together.high - together.low) / (alone.high - alone.low) < 3.2


def test_too_few_days_say_nothing_and_a_price_not_said_is_not_zero(home01: Site) -> None:
    asked = Question(battery_kwh=(25,))
    wanted = study(home01, asked, DAYS)
    with pytest.raises(StudyInvalid, match="20 days of home01 are lived under as-is"):
        list(answered(wanted, asked, lived({AS_IS: 50, "battery-25": 40}, 20)))
    _, larger = answered(wanted, asked, lived({AS_IS: 50, "battery-25": 40}, 30))
    assert (larger.invested, larger.payback_years) == (None, None)


def test_the_same_question_is_the_same_study_whatever_a_battery_costs(home01: Site) -> None:
    asked = Question().about(home01)
    assert asked.battery_kwh == (0.0, 7.5, 22.5, 30.0, 45.0)
    assert asked.pv_kwp == (14.4, 19.2, 28.8)
    first, other = (
        study(home01, asked.model_copy(update={"battery_price_per_kwh": price}), DAYS) for price in (5000, 9000)
    )
    assert first == other
    bare = home01.model_copy(update={"batteries": (), "pv": ()})
    variants = study(bare, Question(battery_kwh=(0, 5)), DAYS).variants
    assert list(variants) == [AS_IS, "battery-0", "battery-5"], "a house without a battery is lived, too"
    with pytest.raises(StudyInvalid, match="home01 has no PV"):
        study(bare, Question(pv_kwp=(5,)), DAYS)
