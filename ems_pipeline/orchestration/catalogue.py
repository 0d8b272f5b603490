"""What the catalogue of the UI tells of every asset beside its lineage: table, columns, make, owner, age, code.

The words are the database's own (`warehouse/catalogue.py`); a docstring adds how an asset is made. None of it starts a
run: no asset has an automation condition, and the age of what is new is judged for the whole asset, as Dagster does.
What a single site lacks is told by checks and alarms.
"""

from datetime import timedelta

import dagster as dg

from ems_pipeline.market.document import MARKET_TIMEZONE
from ems_pipeline.sites.protocol import PROTOCOLS
from ems_pipeline.version import code_version
from ems_pipeline.warehouse import catalogue

TABLES = {
    "daily_plan": "planning_interval",
    "rolling_plan": "planning_interval",
    "shadow_plan": "planning_interval",
    "study_day": "study.day",
}
"""Assets that do not bear the name of their table; the others do."""

QUESTIONS = {
    "site": "know", "market": "know", "weather": "know", "telemetry": "know", "forecast": "know", "heat": "know",
    "plan": "decide", "control": "obey", "audit": "worth", "study": "worth",
}  # fmt: skip
"""By group, the question it answers: what did you know, what did you decide, did it obey, what was it worth?"""

OPERATORS, MAINTAINERS = "team:operators", "team:maintainers"
OPERATED = {"site", "market", "weather", "telemetry", "control"}
"""Groups that hang on an installation's files, contracts, tokens and wires; the rest hangs on this program."""

SPOKEN = {*list(dict.fromkeys(p.kind for p in PROTOCOLS.values()))[:2]}
"""Of what devices speak, the first kinds: Dagster shows three of an asset at most, and one is the database."""

MAKE = {
    "site": {"yaml"},
    "market_interval_price": {"http"},
    "fx_rate": {"http"},
    "tempo_colour": {"http"},
    "effective_price": {"polars"},
    "weather_forecast": {"http"},
    "weather_observation": {"http"},
    "telemetry": SPOKEN,
    "telemetry_15m": {"sql"},
    "baseline_consumption": {"polars"},
    "load_forecast": {"polars", "lightgbm"},
    "pv_forecast": {"polars", "lightgbm"},
    "heat_demand_forecast": {"polars"},
    "ev_session_forecast": {"polars"},
    "forecast_model": {"lightgbm"},
    "cop_history": {"polars"},
    "building_response": {"polars"},
    "daily_plan": {"highs"},
    "rolling_plan": {"highs"},
    "shadow_plan": {"highs"},
    "planning_run": {"highs"},
    "grid_event": {"python"},
    "asset_goal": {"python"},
    "setpoint": SPOKEN,
    "audit_interval": {"sql"},
    "audit_day": {"polars"},
    "baseline_day": {"highs", "polars"},
    "regret_day": {"highs", "polars"},
    "forecast_score": {"polars"},
    "plan_replay": {"highs"},
    "planner_day": {"highs", "polars"},
    "study_day": {"highs", "polars"},
}
"""What makes the rows, beside PostgreSQL, which keeps them all."""

QUARTER_HOURLY = dg.FreshnessPolicy.time_window(timedelta(minutes=50), warn_window=timedelta(minutes=35))
"""Warns when one was left out, fails with the second: work of 15 minutes that may take its time."""
TWO_HOURLY = dg.FreshnessPolicy.time_window(timedelta(hours=6), warn_window=timedelta(hours=4))


def _daily(deadline: str, hours: int) -> dg.FreshnessPolicy:
    """Made within so many hours before a time of day of the market's clock."""
    return dg.FreshnessPolicy.cron(deadline, timedelta(hours=hours), timezone=str(MARKET_TIMEZONE))


FRESH = {
    "rolling_plan": QUARTER_HOURLY,
    "telemetry_15m": QUARTER_HOURLY,
    "audit_interval": QUARTER_HOURLY,
    "weather_forecast": TWO_HOURLY,
    "load_forecast": TWO_HOURLY,
    "pv_forecast": TWO_HOURLY,
    "effective_price": TWO_HOURLY,
    "market_interval_price": _daily("0 16 * * *", 3),
    "daily_plan": _daily("0 16 * * *", 2),
    "audit_day": _daily("0 2 * * *", 2),
}
"""How old what is new may be, a little beyond what the schedules and sensors promise."""


def told(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec of an asset with all that the catalogue shows; its own description stays below the table's."""
    name = spec.key.to_user_string()
    table = TABLES.get(name, name)
    relation, group = catalogue.known()[table], str(spec.group_name)
    owner = OPERATORS if group in OPERATED else MAINTAINERS
    full = spec.replace_attributes(
        description=f"{relation.meaning}\n\n{spec.description or ''}".rstrip(),
        code_version=code_version(),
        freshness_policy=FRESH.get(name),
    )
    return full.merge_attributes(
        kinds={"postgres", *MAKE[name]},
        owners=[owner],
        tags={"ems/question": QUESTIONS[group]},
        metadata={
            "dagster/table_name": table if "." in table else f"ems.{table}",
            "dagster/column_schema": _schema(relation),
        },
    )


def _schema(relation: catalogue.Relation) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name, column.type, column.meaning, dg.TableColumnConstraints(nullable=column.is_nullable)
            )
            for column in relation.columns
        ]
    )
