"""The table of `ems device watch`: what a silent device said last stays, and ages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console

from ems_pipeline.cli.watch import Board
from ems_pipeline.devices.points.reading import Quality, Reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(board: Board, at: datetime) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(board.table(at))
    return captured.get()


def reading(value: float | None, at: datetime, quality: Quality = Quality.GOOD, reason: str = "") -> Reading:
    return Reading("meter", "grid_power_w", "W", value, at, at, quality, reason)


def test_the_last_value_of_a_silent_device_grows_old() -> None:
    board = Board()
    board.take([reading(-412.5, NOON)])
    assert "-412.5" in shown(board, NOON + timedelta(seconds=3))
    assert "3 s" in shown(board, NOON + timedelta(seconds=3))
    board.take([reading(None, NOON + timedelta(seconds=5), Quality.NO_ANSWER, "no usable answer in 2 s")])
    silent = shown(board, NOON + timedelta(seconds=65))
    assert all(words in silent for words in ("-412.5", "65 s", "no answer", "no usable answer in 2 s"))


def test_what_never_had_a_value_has_no_age() -> None:
    board = Board()
    board.take([reading(None, NOON, Quality.NOT_READY, "0x8000 means that the device has no value")])
    row = next(line for line in shown(board, NOON + timedelta(hours=1)).splitlines() if "grid_power_w" in line)
    assert row.count(" - ") == 2
    assert "not ready" in row


def test_a_long_reason_cuts_no_name_and_brackets_are_no_markup() -> None:
    board = Board()
    board.take([reading(None, NOON, Quality.GARBAGE, "not JSON: [/b] " + "long " * 60)])
    told = shown(board, NOON)
    assert "grid_power_w" in told
    assert "[/b]" in told
