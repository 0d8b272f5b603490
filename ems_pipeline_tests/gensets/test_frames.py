"""RTU frames: published samples, and an answer found again whatever stands around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.gensets.link.frames import Request, checksum, find

STATUS = Request(1, 3, 0, 3)
AUTO_ANSWER = bytes.fromhex("01 03 06 02 00 00 00 00 00 20 97")


def test_requests_are_those_of_the_protocol_document() -> None:
    assert STATUS.frame() == bytes.fromhex("01 03 00 00 00 03 05 CB")
    assert Request(1, 3, 109, 2).frame() == bytes.fromhex("01 03 00 6D 00 02 55 D6")
    assert Request(1, 5, 3, 0xFF00).frame() == bytes.fromhex("01 05 00 03 FF 00 7C 3A")
    assert Request(1, 6, 4352, 750).frame() == bytes.fromhex("01 06 11 00 02 EE 0D DA")


def test_answers_are_those_of_the_protocol_document() -> None:
    assert find(AUTO_ANSWER, STATUS).words == (0x0200, 0, 0)
    power = Request(1, 3, 109, 2)
    assert find(bytes.fromhex("01 03 04 FF 83 FF FF 3A 7F"), power).words == (0xFF83, 0xFFFF)
    assert find(bytes.fromhex("01 03 04 05 04 00 00 BB 3E"), power).words == (0x0504, 0)
    assert find(bytes.fromhex("01 83 02 C0 F1"), STATUS).exception == 2
    assert find(bytes.fromhex("01 05 00 03 FF 00 7C 3A"), Request(1, 5, 3, 0xFF00)).words == ()


def test_coils_are_asked_and_answered_as_the_specification_shows_it() -> None:
    """Modbus Application Protocol V1.1b3, 6.1: coils 20 to 38 (address 19, 19 of them) are CD 6B 05."""
    request = Request(1, 1, 0x13, 0x13)
    assert request.frame()[:-2] == bytes.fromhex("01 01 00 13 00 13")
    body = bytes.fromhex("01 01 03 CD 6B 05")
    words = find(body + checksum(body), request).words
    assert words == (1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1)


def test_an_echo_of_another_value_is_no_echo() -> None:
    assert not find(Request(1, 6, 4352, 740).frame(), Request(1, 6, 4352, 750)).is_answer


@given(
    before=st.binary(max_size=40),
    after=st.binary(max_size=20),
    words=st.lists(st.integers(0, 0xFFFF), min_size=3, max_size=3),
)
def test_an_answer_is_found_whatever_stands_around_it(before: bytes, after: bytes, words: list[int]) -> None:
    body = bytes((7, 3, 6)) + b"".join(word.to_bytes(2, "big") for word in words)
    found = find(before + body + checksum(body) + after, Request(7, 3, 100, 3))
    assert found.words == tuple(words) or found.exception is not None or bytes((7, 3)) in before


@given(cut=st.integers(0, len(AUTO_ANSWER) - 1), before=st.binary(max_size=30))
def test_half_an_answer_is_kept_until_the_rest_comes(cut: int, before: bytes) -> None:
    found = find(before + AUTO_ANSWER[:cut], STATUS)
    if not found.is_answer:
        rest = (before + AUTO_ANSWER[:cut])[found.foreign :]
        assert find(rest + AUTO_ANSWER[cut:], STATUS).is_answer


def test_an_answer_of_another_length_or_slave_is_foreign() -> None:
    body = bytes((2, 3, 6, 1, 2, 3, 4, 5, 6))
    foreign = body + checksum(body)
    assert find(foreign, STATUS).foreign == len(foreign)
    assert find(foreign + AUTO_ANSWER, STATUS).words == (0x0200, 0, 0)
