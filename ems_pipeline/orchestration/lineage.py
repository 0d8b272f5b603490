"""What assets are made from beyond the same day's partitions: earlier days, and tables that no asset fills.

To Dagster a partition mapping is three things at once: what the UI draws; a condition, for a backfill gives up on a
partition whose parents it was asked for too and did not get; and a reach, for a backfill asked for days in the UI gives
these to the roots of the selection and finds every other asset's days by following the mappings down. So a mapping
names the days without which the body refuses. Memory that is taken as far as it is there (eight weeks of load, 60 days
of COP, the house as last fitted) is named by the day itself alone: that puts it first in a run over many days, where
a window would have two months after an unmeasured day given up, and days to come made that nobody asked for.
"""

import dagster as dg

MADE_OUTSIDE: dict[str, tuple[str, list[str], str]] = {
    "site": ("site", [], "Registered sites and their configurations, from the site files."),
    "grid_event": ("site", ["site"], "Limits and requests of grid operators and aggregators, as they were received."),
    "asset_goal": ("plan", ["site"], "What people want the plan to reach for an asset, and until when."),
    "telemetry": ("telemetry", ["site"], "What every device said, per minute; read by the job `read_telemetry`."),
    "forecast_model": (
        "forecast",
        ["telemetry_15m", "weather_forecast"],
        "Models trained per site and target while forecasts are made; each known from its training on. No run lies "
        "between the weather and them: weather that is missing costs no site its load forecast.",
    ),
    "planning_run": ("plan", ["daily_plan", "rolling_plan"], "Every decision with its inputs, rows and violations."),
    "setpoint": (
        "control",
        ["planning_run"],
        "What was written to the devices, and what became of it; by the jobs `apply_control` and `verify_setpoints`.",
    ),
}
"""Tables that jobs, people or other assets' bodies fill: group, what they are made from, description."""

ALL = [
    dg.AssetSpec(table, group_name=group, deps=made_from, description=description)
    for table, (group, made_from, description) in MADE_OUTSIDE.items()
]


def _days(asset: dg.AssetsDefinition, first: int, last: int) -> dg.AssetDep:
    """A dependency on the site's days ``first`` to ``last``, counted from the day itself."""
    # Before the first partition there is nothing: that day is made from what there is, or says what it lacks.
    offset = dg.TimeWindowPartitionMapping(
        start_offset=first, end_offset=last, allow_nonexistent_upstream_partitions=True
    )
    return dg.AssetDep(
        asset,
        partition_mapping=dg.MultiPartitionMapping(
            {
                "day": dg.DimensionPartitionMapping("day", offset),
                "site": dg.DimensionPartitionMapping("site", dg.IdentityPartitionMapping()),
            }
        ),
    )


def eve_and_day(asset: dg.AssetsDefinition) -> dg.AssetDep:
    """Of what is looked at from some time of the day before to the day's end."""
    return _days(asset, -1, 0)


def eve(asset: dg.AssetsDefinition) -> dg.AssetDep:
    """Of the state in which a decision of the day before finds the site."""
    return _days(asset, -1, -1)
