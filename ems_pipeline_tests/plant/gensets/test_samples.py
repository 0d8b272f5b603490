"""The messages that the facts print, byte for byte: smartgen-hgm9520n.md section 6, smartgen-hgm9560.md section 5."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline.plant.gensets import Hall
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.serving import ServedHall, serving_halls, two_sites
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.plant.gensets.conftest import said


def test_phase_powers_of_a_set_are_those_of_the_facts(north: ServedHall) -> None:
    controller = north.controllers["genset-1"]
    assert isinstance(controller, Hgm9520n)
    controller.genset.power_w, controller.phase_parts = 123_200.0, (412 / 1232, 405 / 1232, 415 / 1232)
    assert said(north.gateways["genset-1"], "00 01 00 00 00 06 01 03 00 AE 00 08") == (
        "00 01 00 00 00 13 01 03 10 01 9C 00 00 01 95 00 00 01 9F 00 00 04 D0 00 00"
    )


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("00 02 00 00 00 06 01 05 00 00 FF 00", "00 02 00 00 00 06 01 05 00 00 FF 00"),
        ("00 03 00 00 00 06 01 06 11 10 03 20", "00 03 00 00 00 06 01 06 11 10 03 20"),
        ("00 04 00 00 00 06 01 03 20 00 00 01", "00 04 00 00 00 03 01 83 02"),
        ("00 05 00 00 00 06 01 01 00 00 00 01", "00 05 00 00 00 03 01 81 01"),
        ("00 06 00 00 00 06 01 06 11 10 03 E9", "00 06 00 00 00 03 01 86 03"),
        ("00 07 00 00 00 06 01 06 10 00 00 01", "00 07 00 00 00 03 01 86 02"),
        ("00 08 00 00 00 06 01 05 00 FF FF 00", "00 08 00 00 00 03 01 85 02"),
    ],
    ids=["start", "power", "address", "function", "value", "parameter", "coil"],
)
def test_a_set_echoes_what_it_takes_and_says_what_it_does_not(north: ServedHall, request_: str, answer: str) -> None:
    assert said(north.gateways["genset-1"], request_) == answer


@pytest.fixture
def first(clock: SimulatedClock) -> Iterator[ServedHall]:
    """A hall whose switchboard is unit 1, as in the facts' messages."""
    with serving_halls(two_sites(), clock, board_unit=1) as halls:
        yield halls["north"]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("01 03 00 00 00 03 05 CB", "01 03 06 02 00 00 00 00 00 20 97"),
        ("01 05 00 03 FF 00 7C 3A", "01 05 00 03 FF 00 7C 3A"),
        ("01 06 11 00 02 EE 0D DA", "01 06 11 00 02 EE 0D DA"),
        ("01 03 20 00 00 01 8F CA", "01 83 02 C0 F1"),
    ],
    ids=["status", "auto", "limit", "exception"],
)
def test_a_switchboard_answers_as_the_facts_say(first: ServedHall, request_: str, answer: str) -> None:
    assert said(first.gateways["board"], request_) == answer


@pytest.mark.parametrize(
    ("load_w", "sets_w", "answer"),
    [(30_000.0, 42_500.0, "01 03 04 FF 83 FF FF 3A 7F"), (128_400.0, 0.0, "01 03 04 05 04 00 00 BB 3E")],
    ids=["sold", "bought"],
)
def test_mains_power_is_what_the_sets_leave(first: ServedHall, load_w: float, sets_w: float, answer: str) -> None:
    hall = first.standing.hall
    hall.mains_w = load_w - sets_w
    assert said(first.gateways["board"], "01 03 00 6D 00 02 55 D6") == answer


def test_another_unit_of_a_serial_line_says_nothing(north: ServedHall) -> None:
    assert said(north.gateways["board"], "01 03 00 00 00 03 05 CB", timeout_s=0.2) == ""


def test_two_sites_are_two_halls(clock: SimulatedClock) -> None:
    north, south = two_sites().values()
    assert isinstance(north, Hall)
    assert north.sets["genset-1"] is not south.sets["genset-1"]
