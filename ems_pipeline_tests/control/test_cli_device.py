"""`ems device write` and `watch`: what a person sees, is asked, and gets back."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from ems_pipeline.plant import Fault
from ems_pipeline_tests.control.bench import ems
from ems_pipeline_tests.control.conftest import Bench

WRITE = ("device", "write", "home01", "inverter", "max_sell_power", "4000")


def test_a_write_says_what_stands_asks_and_says_what_stands_then(files: Bench) -> None:
    stands = files.held("inverter")["max_sell_power"]
    said = ems(*WRITE, input="y\n")
    assert said.exit_code == 0, said.output
    assert f"max_sell_power stands at {stands:g} W; 4000 W stands until the next control, 20 min" in said.output
    assert "home01/inverter: echoed: PointCommand max_sell_power 4000 by override" in said.output
    assert "max_sell_power reads 4000 W" in said.output
    assert files.held("inverter")["max_sell_power"] == 4000


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_written(files: Bench, answer: str) -> None:
    assert ems(*WRITE, input=answer).exit_code == 1
    assert files.written == []


def test_with_an_end_both_writes_are_told(files: Bench) -> None:
    stands = files.held("inverter")["max_sell_power"]
    said = ems(*WRITE, "--yes", "--restore-after", "0.05")
    assert said.exit_code == 0, said.output
    assert "put back what stood before: 0.05 s are over" in said.output
    assert said.output.rstrip().endswith(f"max_sell_power reads {stands:g} W")
    assert [value for _, _, value in files.written] == [4000, stands]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_who_is_interrupted_puts_back_what_stood(files: Bench, end: signal.Signals) -> None:
    """Also when it was started like a shell's background job, which ignores SIGINT."""
    stands = files.held("inverter")["max_sell_power"]
    command = [sys.executable, "-W", "ignore", "-c", "from ems_pipeline.cli import app; app()", *WRITE]
    trial = subprocess.Popen(
        [*command, "--yes", "--restore-after", "600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        assert trial.stdout is not None
        assert "max_sell_power reads 4000 W\n" in trial.stdout
        assert files.held("inverter")["max_sell_power"] == 4000
        trial.send_signal(end)
        rest = trial.communicate(timeout=60)[0]
    finally:
        trial.kill()
    assert trial.returncode != 0
    assert "put back what stood before: interrupted" in rest
    assert files.held("inverter")["max_sell_power"] == stands
    assert files.states("inverter") == ["superseded", "released"]


def test_a_value_may_begin_with_a_minus(files: Bench) -> None:
    said = ems("device", "write", "home01", "inverter", "max_sell_power", "-5", "--yes")
    assert said.exit_code == 1
    assert "max_sell_power: -5 W is outside 0..20000" in str(said.exception)


def test_a_point_nobody_has_verified_is_written_with_a_warning(files: Bench) -> None:
    said = ems("device", "write", "home01", "wallbox-1", "start_stop", "0", "--yes", "--restore-after", "0.05")
    assert said.exit_code == 0, said.output
    assert "start_stop is unverified: the map rests on one source or none" in said.output


def test_what_did_not_stand_ends_with_exit_code_1_and_a_remedy(files: Bench) -> None:
    files.plant.inject(Fault("exception", "wallbox-1"))
    said = ems("device", "write", "home01", "wallbox-1", "current_limit", "8", "--yes")
    assert said.exit_code == 1
    assert "exception 4" in str(said.exception)
    assert files.written == []


def test_watching_ends_after_the_asked_count_and_shows_value_unit_quality_and_age(files: Bench) -> None:
    said = ems("device", "watch", "home01", "--device", "inverter", "--count", "1")
    assert said.exit_code == 0, said.output
    row = next(line for line in said.output.splitlines() if "battery_soc_pct" in line)
    assert all(word in row for word in ("inverter", "%", "good", " s "))
    assert "wallbox-1" not in said.output


def test_a_silent_device_is_shown_with_its_reason(files: Bench) -> None:
    files.plant.inject(Fault("busy", "inverter"))
    said = ems("device", "watch", "home01", "--count", "1")
    assert said.exit_code == 0, said.output
    row = next(line for line in said.output.splitlines() if "battery_soc_pct" in line)
    assert "refused" in row
    assert "busy" in row
    assert any("wallbox-1" in line and "good" in line for line in said.output.splitlines())


def test_watching_a_device_that_is_not_there_says_which_are(files: Bench) -> None:
    said = ems("device", "watch", "home01", "--device", "cellar", "--count", "1")
    assert "it has ['inverter'" in str(said.exception)
