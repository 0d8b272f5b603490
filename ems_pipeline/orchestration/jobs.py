"""Jobs: clock work that touches hardware, and the asset selections that schedules materialise.

Tags decide who goes first when the machine is busy: control before telemetry before plans before backfills (which carry
none). Add a job when a clock needs one; a new asset joins an existing selection.
"""

from typing import Any

import dagster as dg

from ems_pipeline.orchestration import answers, ops, servicing
from ems_pipeline.orchestration.housekeeping import drop_old_minutes, drop_old_requests, purge_history
from ems_pipeline.orchestration.machinery.coordinator import AGAIN_AFTER_A_CRASH

SAID: dict[str, Any] = {"loggers": {"console": {}}}
"""Runs speak through the console logger of the code location; unnamed, Dagster takes one of its own (see `logs`)."""
NEVER_AGAIN = {"dagster/max_retries": "0"}
"""A run that writes to hardware is never repeated: its slot may have passed."""


def _tags(priority: int, max_runtime_s: int) -> dict[str, str]:
    return NEVER_AGAIN | {"dagster/priority": str(priority), "dagster/max_runtime": str(max_runtime_s)}


@dg.job(tags=_tags(20, 50), config=SAID, description="Every minute: all devices of all sites, one run, one COPY.")
def read_telemetry() -> None:
    ops.read_devices()


@dg.job(
    tags=_tags(30, 120),
    config=SAID,
    description="Every quarter-hour: set-points of all sites, journalled before they are written.",
)
def apply_control() -> None:
    ops.write_setpoints()


@dg.job(tags=_tags(25, 118), config=SAID, description="Every two minutes: did the hardware obey, and does it still?")
def verify_setpoints() -> None:
    ops.check_setpoints()


@dg.job(tags=_tags(10, 100), config=SAID, description="Site files -> registry and partitions.")
def sync_sites() -> None:
    ops.register_sites()


@dg.job(tags=_tags(8, 600), config=SAID, description="Services -> tasks in Bitrix24, and what people did of them.")
def sync_bitrix() -> None:
    ops.tell_bitrix()


@dg.job(
    tags=_tags(10, 100), config=SAID, description="Services of gensets: what is due, worse or done, and who is told."
)
def check_maintenance() -> None:
    servicing.settle_services()


@dg.job(
    tags=_tags(0, 600),
    config=SAID,
    description="Nightly: old runs of clock work, minutes of telemetry and requests go; quarter-hours stay.",
)
def housekeeping() -> None:
    purge_history()
    drop_old_minutes()
    drop_old_requests()


@dg.job(tags=_tags(16, 900), config=SAID, description="Asked for over HTTP: devices read or looked for, a training.")
def answer_request() -> None:
    answers.answer()


@dg.job(tags=_tags(30, 120), config=SAID, description="Asked for over HTTP: a site handed back to its own logic.")
def hand_back() -> None:
    answers.answer()


@dg.job(
    tags=_tags(1, 7200),
    config=SAID,
    description="Asked for over HTTP: a study of a site's own year, last of all; what it has lived stays.",
)
def answer_what_if() -> None:
    answers.answer()


FORECASTS = ["load_forecast", "pv_forecast", "heat_demand_forecast", "ev_session_forecast"]


def _assets(name: str, selection: Any, priority: int, description: str, max_runtime_s: int = 1800) -> Any:
    return dg.define_asset_job(
        name,
        selection=selection,
        tags=AGAIN_AFTER_A_CRASH | {"dagster/priority": str(priority), "dagster/max_runtime": str(max_runtime_s)},
        config=SAID,
        description=description,
    )


import_prices = _assets(
    "import_prices",
    ["market_interval_price", "fx_rate", "tempo_colour"],
    15,
    "Day-ahead prices, rates and colours of a day.",
)
price_sites = _assets("price_sites", ["effective_price"], 15, "What each site pays, after the market price.")
forecast = _assets(
    "forecast",
    ["weather_forecast", "baseline_consumption", *FORECASTS],
    10,
    "Weather, then everything forecast from it, for today and tomorrow.",
)
forecast_pv = _assets(
    "forecast_pv", ["pv_forecast"], 10, "PV alone: the weather is missing, a second source may serve."
)
observe_weather = _assets(
    "observe_weather", ["weather_observation"], 2, "What the weather was, once the archive has it."
)
plan_daily = _assets("plan_daily", ["daily_plan"], 12, "Tomorrow's plan, decided at 15:00 local.")
plan_rolling = _assets("plan_rolling", ["rolling_plan"], 18, "The next quarter-hours, from the state now.")
plan_shadow = _assets("plan_shadow", ["shadow_plan"], 3, "What challengers would do, beside the live plans.")
audit_slots = _assets("audit_slots", ["telemetry_15m", "audit_interval"], 5, "What the last quarter-hours cost.")
audit_days = _assets(
    "audit_days",
    [
        "telemetry_15m",
        "cop_history",
        "building_response",
        "audit_interval",
        "audit_day",
        "baseline_day",
        "forecast_score",
        "plan_replay",
        "planner_day",
    ],
    4,
    "Yesterday, settled.",
)
audit_regret = _assets(
    "audit_regret", ["regret_day"], 1, "What yesterday cost more than it had to, and why; last of all.", 7200
)

ALL = [
    read_telemetry,
    apply_control,
    verify_setpoints,
    sync_sites,
    sync_bitrix,
    check_maintenance,
    housekeeping,
    answer_request,
    hand_back,
    answer_what_if,
    import_prices,
    price_sites,
    forecast,
    forecast_pv,
    observe_weather,
    plan_daily,
    plan_rolling,
    plan_shadow,
    audit_slots,
    audit_days,
    audit_regret,
]
