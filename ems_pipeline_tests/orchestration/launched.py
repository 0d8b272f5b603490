"""A code location whose runs end in every way a run can end; the launcher's tests load it into a real daemon."""

import os
import signal
import time

import dagster as dg


@dg.op(out=dg.Out(dg.Nothing))
def work(context: dg.OpExecutionContext) -> None:
    context.log.info("worked")


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


defs = dg.Definitions(jobs=[working, failing, waiting, dying], executor=dg.in_process_executor)
