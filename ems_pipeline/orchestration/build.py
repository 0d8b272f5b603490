"""Assembly: one function builds the code location, with overrides for tests and the demo."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from ems_pipeline.orchestration import catalogue, checks, jobs, lineage, schedules, sensors
from ems_pipeline.orchestration.assets import audit, forecasts, heat, market, plans, study, telemetry, weather
from ems_pipeline.orchestration.first_day import begins, first_day
from ems_pipeline.orchestration.machinery import logs
from ems_pipeline.orchestration.platform import PlatformResource

ASSET_MODULES = (market, weather, telemetry, forecasts, heat, plans, audit, study)


def build_defs(
    resource_overrides: Mapping[str, Any] | None = None,
    console: dg.LoggerDefinition | None = None,
    first: date | None = None,
) -> dg.Definitions:
    """The code location.

    Args:
        console: how runs speak to people; Dagster's own way by default. Machines have theirs (``EMS_LOG=json``).
        first: day that partitions begin with; by default the installation's.
        resource_overrides: replaces resources by name; ``{"ems": platform}`` runs everything on another warehouse and
            clock.
    """
    begin = begins(first or first_day())
    made = [asset for asset in dg.load_assets_from_modules(ASSET_MODULES) if isinstance(asset, dg.AssetsDefinition)]
    spoken = logs.json_lines if logs.wants_json() else console
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: catalogue.told(begin(spec)), [*made, *lineage.ALL]),
        asset_checks=checks.ALL,
        jobs=jobs.ALL,
        schedules=schedules.ALL,
        sensors=sensors.ALL,
        resources={"ems": PlatformResource(), **(resource_overrides or {})},
        # A process per step would cost a second each; a run does one small thing.
        executor=dg.in_process_executor,
        loggers={"console": spoken} if spoken is not None else None,
    )
