"""Registers taken apart at once are those that pymodbus takes apart one by one, and what it refuses is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.exceptions import ModbusIOException
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse

from ems_pipeline.devices.modbus.answers import DECODER

THEIRS = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}


@given(st.sampled_from([3, 4]), st.integers(0, 255), st.binary(max_size=260))
def test_every_answer_says_what_it_says_to_the_library(function: int, announced: int, words: bytes) -> None:
    body = bytes([announced]) + words
    theirs = THEIRS[function]()
    try:
        theirs.decode(body)
        said = theirs.registers
    except ModbusIOException:
        said = None
    ours = DECODER.decode(bytes([function]) + body)
    assert (None if ours is None else list(ours.registers)) == said
    assert ours is None or ours.function_code == function


@pytest.mark.parametrize("frame", [b"", b"\x03", b"\x04"])
def test_what_ends_before_it_begins_is_no_answer(frame: bytes) -> None:
    assert DECODER.decode(frame) is None


def test_an_exception_stays_one() -> None:
    answer = DECODER.decode(b"\x83\x02")
    assert answer is not None
    assert answer.isError()
    assert answer.exception_code == 2
