"""The code location of `benchmarks/launch.py`: everything the real one imports, one job that does nothing.

Its sensor asks for a run whenever the benchmark says so; its op says when its first line ran.
"""

import os
import time
from pathlib import Path
from typing import Any

import dagster as dg

from ems_pipeline.orchestration import jobs
from ems_pipeline.orchestration.build import ASSET_MODULES
from ems_pipeline.orchestration.platform import PlatformResource

TURN = "turn"
"""File whose presence asks for runs; a run leaves its own file beside it."""
ASKED_AT = "bench/asked_at"


def _folder() -> Path:
    return Path(os.environ["DAGSTER_HOME"])


@dg.op(out=dg.Out(dg.Nothing))
def look_at_the_clock(context: dg.OpExecutionContext) -> None:
    began = time.time()
    (_folder() / context.run_id).write_text(f"{context.run.tags[ASKED_AT]} {began}", encoding="utf-8")


@dg.job(tags={"dagster/priority": "20", "dagster/max_runtime": "50"})
def probe() -> None:
    look_at_the_clock()


@dg.sensor(job=probe, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def asker(context: dg.SensorEvaluationContext) -> Any:  # noqa: ARG001 - Dagster's signature
    if not (_folder() / TURN).exists():
        return dg.SkipReason("it is the other launcher's turn")
    now = time.time()
    return dg.RunRequest(run_key=f"probe-{now}", tags={ASKED_AT: str(now), "ems/slot": f"{now}"})


defs = dg.Definitions(
    assets=dg.load_assets_from_modules(ASSET_MODULES),
    jobs=[*jobs.ALL, probe],
    sensors=[asker],
    resources={"ems": PlatformResource()},
    executor=dg.in_process_executor,
)
