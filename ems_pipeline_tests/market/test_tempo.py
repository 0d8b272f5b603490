"""Tempo colours as the services announce them: the second service fills in, a fault is named, unknown stays unknown."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from ems_pipeline.market import tempo
from ems_pipeline.market.document import SourceFailed
from ems_pipeline_tests.market.replay import Answer, Replay

TODAY = date(2026, 1, 13)
NOON = datetime(2026, 1, 13, 12, tzinfo=UTC)
LOGIN = {"EMS_RTE_CREDENTIALS": "aWQ6c2VjcmV0"}


def calendar(**colours: str) -> Answer:
    """RTE's answer: a token, then the days (``d12="RED"`` is the 12th)."""
    values = [{"start_date": f"2026-01-{day[1:]}T00:00:00+01:00", "value": colour} for day, colour in colours.items()]
    body = json.dumps({"tempo_like_calendars": {"values": values}}).encode()
    return Answer(lambda query: body if query else b'{"access_token": "t"}')


def public(day: date, code: int) -> Answer:
    return Answer(json.dumps({"dateJour": str(day), "codeJour": code}).encode())


def colours(server: Replay, first: date, last: date, **settings: str) -> dict[date, tuple[str, str]]:
    rows = tempo.import_colours(first, last, NOON, server.settings(**settings))
    return {row["day"]: (row["colour"], row["source"]) for row in rows.iter_rows(named=True)}


def test_the_public_service_is_asked_about_what_rte_has_not(server: Replay) -> None:
    server.answers = {"rte": calendar(d12="RED", d13="WHITE"), "tempo-public": public(date(2026, 1, 14), 1)}
    found = colours(server, date(2026, 1, 12), date(2026, 1, 20), **LOGIN)
    assert found == {
        date(2026, 1, 12): ("red", "rte"),
        TODAY: ("white", "rte"),
        date(2026, 1, 14): ("blue", "tempo-public"),
    }
    assert server.asked_sources() == ["rte", "rte", "tempo-public"]  # nobody knows the day after tomorrow


def test_a_day_that_is_not_announced_has_no_row_and_is_no_fault(server: Replay) -> None:
    server.answers = {"tempo-public": public(date(2026, 1, 14), 0)}
    assert colours(server, date(2026, 1, 14), date(2026, 1, 14)) == {}


def test_when_rte_fails_the_public_service_answers_and_when_both_do_each_is_named(server: Replay) -> None:
    server.answers = {"tempo-public": public(TODAY, 3)}
    assert colours(server, TODAY, TODAY, **LOGIN) == {TODAY: ("red", "tempo-public")}
    server.answers = {}
    with pytest.raises(SourceFailed, match=r"no Tempo colour of 2026-01-13 to 2026-01-13: rte: .*; tempo-public: "):
        colours(server, TODAY, TODAY, **LOGIN)


def test_a_past_colour_was_known_since_eleven_the_day_before_and_a_new_one_is_since_now(server: Replay) -> None:
    server.answers = {"rte": calendar(d12="RED", d13="WHITE")}
    rows = tempo.import_colours(date(2026, 1, 12), TODAY, NOON, server.settings(**LOGIN))
    assert rows["known_at"].to_list() == [datetime(2026, 1, 11, 10, tzinfo=UTC), NOON]
