"""Everybody is told of an alarm once by every way, and a secret address stays one."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ems_pipeline import notify
from ems_pipeline.notify import Notice, NotSent
from ems_pipeline.notify.webhook import WebhookNotifier

NOTICE = Notice(
    7, "critical", "home01", "inverter", "release-failed", "cannot be released", datetime(2026, 3, 1, tzinfo=UTC)
)
TOKEN = "T0KEN-that-nobody-may-see"


class Chat(HTTPServer):
    """A service that takes notices; ``status`` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.status = 200
        self.got: list[tuple[str, dict[str, object]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/{TOKEN}"


class _Posted(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    server = Chat()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Deaf:
    """A way that is blocked."""

    def send(self, notices: Sequence[Notice]) -> None:
        raise NotSent("the line is cut", "mend it")


class Friend:
    """A way that works."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def send(self, notices: Sequence[Notice]) -> None:
        self.heard += [notice.number for notice in notices]


def test_a_standing_alarm_is_told_once_and_one_that_returns_again() -> None:
    friend, told = Friend(), {}
    again = replace(NOTICE, number=8)
    for standing in ([NOTICE], [NOTICE], [replace(NOTICE, text="repeated"), again], [again], [], [again]):
        told, faults = notify.deliver([friend], standing, told)
        assert faults == []
    assert friend.heard == [7, 8, 8], "an alarm that was gone has another number; only open ones are remembered"


def test_a_blocked_way_is_tried_again_and_holds_up_no_other() -> None:
    friend = Friend()
    told, faults = notify.deliver([Deaf(), friend], [NOTICE], {})
    assert (friend.heard, faults) == ([7], ["the line is cut; mend it"])
    told, faults = notify.deliver([Deaf(), friend], [NOTICE], told)
    assert (friend.heard, faults) == ([7], ["the line is cut; mend it"])
    assert json.loads(json.dumps(told)) == {"Deaf": [], "Friend": [7]}, "it is kept as JSON"


def test_a_webhook_gets_the_words_and_the_parts(chat: Chat) -> None:
    WebhookNotifier(chat.address).send([NOTICE, replace(NOTICE, site="", device="", severity="info")])
    ((path, document),) = chat.got
    assert path == f"/hook/{TOKEN}"
    assert document["text"] == (
        "critical: home01/inverter: release-failed: cannot be released\n"
        "info: installation: release-failed: cannot be released"
    )
    assert document["alarms"][0] == {  # type: ignore[index]
        "number": 7, "severity": "critical", "site": "home01", "device": "inverter", "kind": "release-failed",
        "text": "cannot be released", "raised_at": "2026-03-01T00:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize("status", [404, 500])
def test_a_refused_notice_names_the_host_and_never_the_address(chat: Chat, status: int) -> None:
    chat.status = status
    with pytest.raises(NotSent, match=rf"webhook at 127\.0\.0\.1: HTTP {status}") as refused:
        WebhookNotifier(chat.address).send([NOTICE])
    assert TOKEN not in str(refused.value)
    assert refused.value.__suppress_context__, "the cause repeats the address"


@pytest.mark.parametrize("address", [f"http://127.0.0.1:9/{TOKEN}", f"hook:{TOKEN}", f"http://[{TOKEN}/"])
def test_an_address_that_does_not_work_is_not_repeated(address: str) -> None:
    with pytest.raises(NotSent) as refused:
        WebhookNotifier(address).send([NOTICE])
    assert TOKEN not in str(refused.value)


def test_the_log_has_a_line_at_the_level_of_the_alarm(caplog: pytest.LogCaptureFixture) -> None:
    (log,) = notify.from_environment({})
    log.send([NOTICE])
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "alarm 7 critical: home01/inverter: release-failed: cannot be released"


def test_who_writes_the_log_himself_is_given_the_other_ways_only() -> None:
    assert notify.beside_the_log({}) == []
    (way,) = notify.beside_the_log({"EMS_NOTIFY_WEBHOOK": f"https://chat.example/{TOKEN}"})
    assert isinstance(way, WebhookNotifier)


def test_the_address_comes_from_the_environment_or_a_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"https://chat.example/{TOKEN}\n", encoding="utf-8")
    for environ in (
        {"EMS_NOTIFY_WEBHOOK": f"https://chat.example/{TOKEN}"},
        {"EMS_NOTIFY_WEBHOOK_FILE": str(tmp_path / "hook")},
    ):
        _, webhook = notify.from_environment(environ)
        assert webhook._address == f"https://chat.example/{TOKEN}"  # type: ignore[attr-defined]
        assert TOKEN not in repr(webhook)
