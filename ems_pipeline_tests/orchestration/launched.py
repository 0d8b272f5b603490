"""A code location whose runs end in every way a run can end; the launcher's tests load a copy into a real daemon."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import dagster as dg

from ems_pipeline.orchestration.machinery.coordinator import SLOT_TAG

ASKED = Path(__file__).with_name("asked")
"""A slot's name, written by a test: the sensor asks for a run that serves it."""

DIED = Path(__file__).with_name("died")


@dg.op(out=dg.Out(dg.Nothing))
def work(context: dg.OpExecutionContext) -> None:
    context.log.info("worked as first written")


@dg.op(out=dg.Out(dg.Nothing))
def fail() -> None:
    raise ValueError("the device said no")


@dg.op(out=dg.Out(dg.Nothing))
def wait() -> None:
    for _ in range(600):
        time.sleep(0.1)


@dg.op(out=dg.Out(dg.Nothing))
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dg.asset
def made_by_hand() -> None:
    """Its first maker is killed."""
    if not DIED.exists():
        DIED.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@dg.job
def working() -> None:
    work()


@dg.job
def failing() -> None:
    fail()


@dg.job
def waiting() -> None:
    wait()


@dg.job
def dying() -> None:
    die()


@dg.sensor(job=working, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def clock() -> Any:
    if not ASKED.exists():
        return dg.SkipReason("no slot has come")
    slot = ASKED.read_text(encoding="utf-8")
    return dg.RunRequest(run_key=slot, tags={SLOT_TAG: slot})


defs = dg.Definitions(
    assets=[made_by_hand],
    jobs=[working, failing, waiting, dying],
    sensors=[clock],
    executor=dg.in_process_executor,
)
