"""`ems demo` ends when it is told to, once, in one line, and leaves no database running."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from ems_pipeline.cli.progress import steps
from ems_pipeline_tests.conftest import ROOT

AT_MOST_S = 60
"""A bound for what is broken; the end takes two seconds."""
SWALLOWS = """
import signal, sys, time
from ems_pipeline.cli.aside import Interrupted, aside, leave, silence
def work():
    print("begun", flush=True)
    while True:  # as Dagster lets a run fail and goes on
        try:
            time.sleep(60)
        except BaseException:
            pass
try:
    aside(work)
except Interrupted as interrupted:
    print(interrupted, flush=True)
    silence()
    print("unheard", flush=True)
    leave(interrupted.signal)
"""


def last_words(process: subprocess.Popen[str]) -> str:
    """What a process says until it ends; one that does not end is killed, so that the test fails and does not hang."""
    try:
        return process.communicate(timeout=AT_MOST_S)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_work_that_swallows_every_interruption_ends_with_the_first(number: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SWALLOWS], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        said = last_words(process)
    assert (process.returncode, said) == (code, f"interrupted by {number.name}\n")


def test_a_demonstration_under_way_ends_in_one_line_and_stops_its_database() -> None:
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "demo"
        command = [str(Path(sys.executable).with_name("ems")), "demo", "--home", str(home), "--history-days", "1"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            begun = process.stdout.readline()
            assert begun == "0/21 measured history\n", "who has no terminal sees that it goes on"
            process.send_signal(signal.SIGTERM)
            said = last_words(process)
        last = said.splitlines()[-1]
        assert last.startswith("interrupted by SIGTERM: the demonstration is over, its database is stopped")
        assert "Traceback" not in said
        assert process.returncode == 128 + signal.SIGTERM
        assert not (home / "postgres" / "postmaster.pid").exists()


def test_without_a_terminal_every_tenth_part_is_a_line() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as shown, steps(console) as on_step:
        for done in range(97):
            on_step(f"slot [{done}]", done, 96)
    lines = shown.get().splitlines()
    assert len(lines) == 11
    assert (lines[0], lines[-1]) == ("0/96 slot [0]", "96/96 slot [96]")
