"""What a report may say: unknown is never a number, and the page needs nothing but itself."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from ems_pipeline.report import page, summary
from ems_pipeline.report.account import Account
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT

START = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
DAY: dict[str, Any] = {
    "day": date(2026, 6, 1),
    "cost": 10.0,
    "planned_cost": 9.5,
    "no_battery_cost": 16.0,
    "self_use_cost": 12.0,
    "no_battery_saving": 6.0,
    "self_use_saving": 2.0,
    "settled_slots": 4,
    "slots": 4,
}
BASELINES: list[dict[str, Any]] = [
    {"day": DAY["day"], "baseline": "timer", "cost": 12.5, "wear_cost": 0.5, "saving": 2.5, "missing": None},
    {"day": DAY["day"] + timedelta(days=1), "baseline": "timer", "cost": None, "wear_cost": None, "saving": None,
     "missing": "no charge"},
]  # fmt: skip
REGRET: list[dict[str, Any]] = [
    {"day": DAY["day"] + timedelta(days=day), "part": part, "amount": amount, "missing": missing}
    for day, part, amount, missing in [
        (0, "car", 0.0, None), (0, "load", 1.0, None), (0, "pv", 2.0, None), (0, "total", 3.0, None),
        (1, "car", 0.0, None), (1, "load", 1.5, None), (1, "pv", None, "not stored"), (1, "together", 0.5, None),
        (1, "total", 2.0, None),
    ]
]  # fmt: skip
FLOWS = {
    "pv_w": [2000.0, 2000.0, 0.0, 0.0],
    "grid_w": [-1000.0, 500.0, 500.0, None],
    "battery_w": [0.0, -400.0, 400.0, 0.0],
    "genset_w": [0.0] * 4,
    "load_w": [1000.0, 2100.0, 900.0, None],
    "ev_w": [0.0] * 4,
    "heat_pump_w": [0.0] * 4,
}


def account(site: Site, **changes: Any) -> Account:
    slots = pl.DataFrame(
        {
            "starts_at": [START + SLOT * i for i in range(4)],
            **FLOWS,
            **{f"planned_{name}": [0.0] * 4 for name in ("grid_w", "soc_pct")},
            "soc_pct": [50.0, 51.0, 50.0, None],
            "planned_mode": ["self-use", "self-use", "hold", "hold"],
            "planned_reason": ["sun", "sun", "<b>dear</b> evening ahead", "<b>dear</b> evening ahead"],
            "buy_per_kwh": [5.0] * 4,
            "sell_per_kwh": [1.0] * 4,
            "cost": [-0.25, 0.6, 0.6, None],
        }
    )
    frames: dict[str, Any] = {
        "days": pl.DataFrame([DAY]),
        "baselines": pl.DataFrame(BASELINES),
        "regret": pl.DataFrame(REGRET),
        "slots": slots,
        "setpoints": pl.DataFrame(
            [
                {
                    "device_key": "inverter",
                    "total": 4,
                    "shadow": 0,
                    "echoed": 4,
                    "effective": 3,
                    "failed": 1,
                    "reverted": 0,
                }
            ]
        ),
        "alarms": pl.DataFrame(schema={"raised_at": pl.Datetime("us", "UTC")}),
        "plans": pl.DataFrame(
            [{"kind": "rolling", "plans": 4, "failed": 0, "unverified": 0, "solve_s": 0.1, "slowest_s": 0.2}]
        ),
        "unmet": pl.DataFrame(schema={"text": pl.String}),
        "tables": pl.DataFrame({"name": ["telemetry"], "rows": [1000], "bytes": [8192]}),
    }
    return Account(site=site, first=DAY["day"], last=DAY["day"] + timedelta(days=1), **(frames | changes))


def printed(shown: Account) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(summary.text(shown))
    return console.export_text()


def test_energy_is_power_times_a_quarter_hour_in_each_direction(home01: Site) -> None:
    flows = {energy.name: energy for energy in account(home01).energies}
    assert flows["pv"].in_kwh == pytest.approx(1.0)  # 2 x 2 kW x 0.25 h
    assert (flows["grid"].in_kwh, flows["grid"].out_kwh) == (pytest.approx(0.25), pytest.approx(0.25))
    assert (flows["battery"].in_kwh, flows["battery"].out_kwh) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (flows["load"].in_kwh, flows["load"].out_kwh) == (0.0, pytest.approx(1.0))
    assert flows["load"].measured_slots == 3


def test_a_total_with_an_unknown_day_is_unknown(home01: Site) -> None:
    days = pl.DataFrame([DAY, DAY | {"day": date(2026, 6, 2), "cost": None}])
    shown = account(home01, days=days)
    assert shown.total("cost") is None
    assert shown.total("no_battery_cost") == 32.0
    assert "unknown" in printed(shown)


def test_a_baseline_is_summed_over_the_days_it_is_known_of_and_says_why_not_of_others(home01: Site) -> None:
    (timer,) = account(home01).otherwise
    assert timer == {
        "baseline": "timer", "days": 2, "known": 1, "cost": 12.5, "wear_cost": 0.5, "saving": 2.5,
        "missing": "no charge",
    }  # fmt: skip
    assert re.search(r"timer\s*.\s*1/2\s*.\s*12.50\s*.\s*0.50\s*.\s*2.50\s*.\s*no charge", printed(account(home01)))


def test_what_cost_most_is_told_first_the_total_last_and_what_cost_nothing_not_at_all(home01: Site) -> None:
    told = [(row["part"], row["known"], row["amount"], row["missing"]) for row in account(home01).lost]
    assert told == [
        ("load", 2, 2.5, None), ("pv", 1, 2.0, "not stored"), ("together", 1, 0.5, None), ("total", 2, 5.0, None),
    ]  # fmt: skip
    assert re.search(r"pv\s*.\s*1/2\s*.\s*2.00\s*.\s*not stored", printed(account(home01)))


def test_the_page_holds_no_outside_reference_and_no_script(home01: Site) -> None:
    html = page.html(account(home01))
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?!#)(?:https?:)?//?", html)
    assert "<script" not in html
    assert html.count("<svg") == 1


def test_words_from_the_database_are_escaped_in_the_page(home01: Site) -> None:
    html = page.html(account(home01))
    assert "<b>dear</b>" not in html
    assert "&lt;b&gt;dear&lt;/b&gt; evening ahead" in html


def test_a_failed_set_point_is_seen_in_both(home01: Site) -> None:
    shown = account(home01)
    assert '<td class="bad">1</td>' in page.html(shown)
    assert re.search(r"inverter\s*.\s*4\s*.\s*0\s*.\s*4\s*.\s*3\s*.\s*1\s*.\s*0", printed(shown))


def test_whether_a_signal_had_an_effect_is_not_told_as_none(home01: Site) -> None:
    told = {
        "device_key": "loxone",
        "total": 96,
        "shadow": 0,
        "echoed": 96,
        "effective": None,
        "failed": 0,
        "reverted": 0,
    }
    shown = account(home01, setpoints=pl.DataFrame([told]))
    assert "<td>96</td><td>cannot be seen</td>" in page.html(shown)
    console = Console(width=150)
    with console.capture() as said:
        console.print(summary.text(shown))
    assert "cannot be seen" in said.get()
