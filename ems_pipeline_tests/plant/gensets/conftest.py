"""Two sites of two sets and a switchboard each, at free ports, and how raw bytes are said to them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.plant.gensets.serving import ServedHall, serving_halls, two_sites
from ems_pipeline.sites import Gateway
from ems_pipeline.time_grid import SimulatedClock

MORNING = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(MORNING)


@pytest.fixture
def north(clock: SimulatedClock) -> Iterator[ServedHall]:
    with serving_halls(two_sites(), clock) as halls:
        yield halls["north"]


def pass_s(clock: SimulatedClock, seconds: float) -> None:
    clock.advance_to(clock.at + timedelta(seconds=seconds))


def said(gateway: Gateway, request: str, timeout_s: float = 2.0) -> str:
    """The answer to raw bytes, as hexadecimal digits; empty: none came."""
    with closing(socket.create_connection((gateway.host, gateway.port), timeout=timeout_s)) as line:
        line.sendall(bytes.fromhex(request))
        try:
            return line.recv(400).hex(" ").upper()
        except TimeoutError:
            return ""
