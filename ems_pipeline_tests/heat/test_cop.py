"""COP: the Carnot number by hand, monotone in both temperatures, and a curve found again in its own data."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.heat import cop


def history(curve: cop.CopCurve, rows: int, noise: float = 0.0, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    outdoor, flow = rng.uniform(-12, 12, rows), rng.uniform(30, 50, rows)
    measured = curve.cop(outdoor, flow) * (1 + noise * rng.normal(size=rows))
    return pl.DataFrame({"outdoor_c": outdoor, "flow_c": flow, "cop": measured})


def test_cop_at_a7_w35_is_the_hand_computed_one() -> None:
    """308.15 K / 28 K = 11.005, times 0.42 = 4.622: in the range of data sheets for A7/W35 (4.4 - 5.0)."""
    assert cop.CopCurve(0.42).cop(7.0, 35.0) == pytest.approx(0.42 * 308.15 / 28)


def test_no_heat_pump_gives_less_than_its_power_nor_more_than_eight_times() -> None:
    """338.15 K / 90 K = 3.76 and 298.15 K / 15 K = 19.9: times a tenth below 1, times a half above 8."""
    assert cop.CopCurve(0.1).cop(-25.0, 65.0) == 1.0
    assert cop.CopCurve(0.5).cop(20.0, 25.0) == 8.0


@given(st.floats(-25, 40), st.floats(25, 65), st.floats(0.1, 20))
def test_colder_air_and_hotter_water_never_raise_the_cop(outdoor: float, flow: float, step: float) -> None:
    curve = cop.CopCurve(0.42)
    here = curve.cop(outdoor, flow)
    assert curve.cop(outdoor - step, flow) <= here
    assert curve.cop(outdoor, flow + step) <= here
    assert cop.MIN_COP <= here <= cop.MAX_COP


def test_a_curve_is_found_again_in_noisy_history_with_defrosts() -> None:
    true = cop.CopCurve(0.36, drift_per_k=0.002)
    rows = history(true, 2000, noise=0.05)
    defrosting = pl.int_range(pl.len()) % 25 == 0
    fitted = cop.fit(rows.with_columns(cop=pl.when(defrosting).then(1.1).otherwise("cop")), carnot_efficiency=0.45)
    assert fitted.efficiency == pytest.approx(0.36, abs=0.01)
    assert fitted.drift_per_k == pytest.approx(0.002, abs=0.0007)


def test_little_history_moves_the_stated_grade_little_and_none_not_at_all() -> None:
    rows = history(cop.CopCurve(0.30), 10)
    assert 0.40 < cop.fit(rows, 0.45).efficiency < 0.45
    assert cop.fit(rows.clear(), 0.45) == cop.CopCurve(0.45)
    assert cop.fit(rows.clear(), 0.45).samples == 0


def test_gaps_and_impossible_values_do_not_reach_the_fit() -> None:
    rows = history(cop.CopCurve(0.40), 500)
    dirty = pl.concat(
        [rows, rows.head(200).with_columns(cop=pl.lit(0.0)), rows.head(50).with_columns(flow_c=pl.lit(None))]
    )
    assert cop.fit(dirty, 0.42) == cop.fit(rows, 0.42)


def graded(grades: list[float], lifts: list[float]) -> pl.DataFrame:
    """Rows whose quality grade and lift are given, at a flow of 35 degrees."""
    outdoor = [35.0 - lift for lift in lifts]
    carnot = cop.carnot_cop(np.array(outdoor), 35.0)
    measured = (np.array(grades) * carnot).tolist()
    return pl.DataFrame({"outdoor_c": outdoor, "flow_c": [35.0] * len(lifts), "cop": measured})


@pytest.mark.parametrize(("odd", "is_kept"), [(0.425, True), (0.375, True), (0.435, False), (0.365, False)])
def test_a_row_counts_within_three_hundredths_of_grade_where_all_others_agree(odd: float, is_kept: bool) -> None:
    rows = graded([0.40] * 20 + [odd], [35.0] * 21)
    assert cop.fit(rows, 0.42).samples == (21 if is_kept else 20)


def test_a_row_at_exactly_three_hundredths_still_counts() -> None:
    """320 K over 20 K is a limit of 16, so grades of 0.125 and 0.155 stand in the COP without any rounding."""
    rows = pl.DataFrame({"outdoor_c": 26.85, "flow_c": 46.85, "cop": [2.0] * 20 + [16 * (0.125 + 0.03)]})
    assert cop.carnot_cop(26.85, 46.85) == 16.0
    assert cop.fit(rows, 0.13).samples == 21


@pytest.mark.parametrize(("odd", "is_kept"), [(0.484, True), (0.494, False)])
def test_a_row_counts_within_three_scaled_median_deviations(odd: float, is_kept: bool) -> None:
    """Half of the others at 0.38, half at 0.42: 0.02 from the median, times 1.4826, times 3 is 0.089."""
    rows = graded([0.38] * 20 + [0.40] * 2 + [0.42] * 20 + [odd], [35.0] * 43)
    assert (cop.fit(rows, 0.40).samples == 43) is is_kept


def test_the_fit_is_least_squares_with_the_stated_grade_as_fifty_rows_and_a_drift_of_a_half_percent_expected() -> None:
    """Written a second time as rows: measured ones, fifty at the stated grade, one that wants no drift."""
    lifts = [20.0 + 1.0 * i for i in range(30)]
    grades = [0.36 + 0.002 * (lift - 35.0) + 0.004 * (-1) ** i for i, lift in enumerate(lifts)]
    left = np.array(grades) - 0.40
    spread = float(np.std(left))
    a = np.array([*([1.0, lift - 35.0] for lift in lifts), [50.0**0.5, 0.0], [0.0, spread / 0.005]])
    shift, drift = np.linalg.lstsq(a, np.array([*left, 0.0, 0.0]), rcond=None)[0]
    fitted = cop.fit(graded(grades, lifts), 0.40)
    assert fitted.samples == 30
    assert fitted.efficiency == pytest.approx(0.40 + shift, abs=1e-9)
    assert fitted.drift_per_k == pytest.approx(drift, abs=1e-9)
    even = cop.fit(graded([0.40] * 30, lifts), 0.40)
    assert (even.efficiency, even.drift_per_k) == (pytest.approx(0.40), pytest.approx(0.0, abs=1e-12))
