"""A way that hangs delays no other, a database that is away is told of, and the commands do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ems_pipeline.cli import channel
from ems_pipeline.cli.app import app
from ems_pipeline.notices import serve
from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify import ways
from ems_pipeline.notify.choice import Wishes
from ems_pipeline.notify.notice import Message
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.orchestration.installation import hand_back
from ems_pipeline.plant.smtp_twin import SmtpTwin
from ems_pipeline.plant.telegram_twin import TelegramTwin
from ems_pipeline.time_grid import SystemClock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse
from ems_pipeline_tests.notices.conftest import PASSWORD, TOKEN, House, mail

ANNA = 101


class Hung:
    """A way that takes what it is told and never answers, until the test is over."""

    kind = "telegram"

    def __init__(self) -> None:
        self.is_asked, self.may_end = threading.Event(), threading.Event()

    def send(self, address: str, message: Message) -> None:
        self.is_asked.set()
        self.may_end.wait(30)

    def check(self) -> None:
        self.send("", Message("", "", ""))

    longest, has_buttons = 4096, False

    def spacing_s(self, address: str) -> float:
        return 0.0


def test_a_way_that_hangs_delays_no_other(house: House, post: SmtpTwin) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    house.email("anna", "anna@example.org")
    house.alarm("a")
    hung = Hung()
    first, second = (
        look for name, _, look in serve.looks(house.own, house.clock, [hung, mail(post)]) if name != "tidy"
    )
    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert hung.is_asked.wait(10)
        second()
        assert len(post.letters) == 1
        assert thread.is_alive(), "the other one still waits"
    finally:
        hung.may_end.set()
        thread.join()


def test_whatever_goes_wrong_is_looked_at_again(caplog: pytest.LogCaptureFixture) -> None:
    stop, looked = threading.Event(), list[int]()

    def look() -> None:
        looked.append(1)
        if len(looked) == 3:
            stop.set()
        raise RuntimeError("a fault of ours")

    stop.wait = lambda _timeout=None: stop.is_set()  # type: ignore[method-assign]
    serve._keep_looking(look, 1.0, stop)
    assert len(looked) == 3
    assert caplog.text.count("a fault of ours") == 3


def test_those_who_see_all_are_told_once_that_the_database_is_away_and_that_it_is_back(
    house: House, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("anna")
    house.person("bert", "viewer", ("home01",))
    house.chat("anna", ANNA, Wishes(least_severity="critical"))
    house.chat("bert", 102)
    teller = house.teller(telegram)
    teller.look()
    teller.warehouse = Warehouse(house.own.url.set(host="127.0.0.1", port=9, query={}))
    for _ in range(12):
        with pytest.raises(DatabaseUnavailable):
            teller.look()
        house.later(seconds=15)
    teller.warehouse = house.own
    for _ in range(2):
        teller.look()
    assert twin.texts(ANNA) == [
        "critical: installation: database-down: the database does not answer for 2 minutes: nothing is steered",
        "info: installation: database-down: the database answers again",
    ]
    assert twin.texts(102) == [], "what concerns the installation is for those who see all"


@pytest.fixture
def set_up(house: House, twin: TelegramTwin, post: SmtpTwin, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The environment of a machine with both ways."""
    address = house.warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    values = {
        "EMS_DATABASE_URL": address, "EMS_TELEGRAM_TOKEN": TOKEN, "EMS_TELEGRAM_URL": twin.address,
        "EMS_SMTP_HOST": "localhost", "EMS_SMTP_PORT": str(post.port), "EMS_SMTP_USER": "ems",
        "EMS_SMTP_PASSWORD": PASSWORD, "EMS_SMTP_FROM": "ems@home.example",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(channel, "console", Console(width=300))
    return CliRunner()


def test_the_commands_enter_bind_show_change_try_and_remove(
    house: House, twin: TelegramTwin, post: SmtpTwin, set_up: CliRunner
) -> None:
    house.person("anna")
    run = partial(set_up.invoke, app)
    assert (
        "anna is told at anna@example.org" in run(["user", "channel", "add-email", "anna", "anna@example.org"]).output
    )
    made = run(["user", "channel", "telegram", "anna"]).output
    assert "https://t.me/ems_test_bot?start=" in made
    (code,) = re.findall(r"/start (\S+)", made)
    ((now,),) = house.rows("SELECT now()")
    house.clock.at = now  # type: ignore[assignment]
    twin.say(ANNA, f"/start {code}")
    house.poller(Telegram(TOKEN, twin.address)).look()
    shown = run(["user", "channel", "list", "anna"]).output.replace("\u2502", "")
    assert "anna@example.org" in shown
    assert re.search(r"telegram +101 +open +warning", shown)
    number = re.findall(r"(\d+) +anna +telegram", shown)[0]
    wanted = ["--least", "info", "--quiet", "22:00-06:30", "--zone", "Europe/Prague", "--daily", "--site", "home01"]
    assert run(["user", "channel", "wishes", number, *wanted]).exit_code == 0
    wishes = run(["user", "channel", "list"]).output.replace("\u2502", "")
    assert re.search(r"info +22:00-06:30 Europe/Prague, not critical +daily +home01", wishes)
    house.later(seconds=5)
    tried = run(["notify", "test", "anna"])
    assert (tried.exit_code, tried.output.count("taken by the service")) == (0, 2)
    assert (
        twin.texts(ANNA)[-1] == post.letters[-1].get_content().strip() == "A test for anna: by this way you are told."
    )
    post.faults.add("login-refused")
    tried = run(["notify", "test", "anna"])
    assert tried.exit_code == 1
    assert "the login is refused (535); check EMS_SMTP_USER" in tried.output
    assert run(["user", "channel", "remove", number]).exit_code == 0
    assert "telegram" not in run(["user", "channel", "list"]).output
    for secret in (TOKEN.partition(":")[2], PASSWORD):
        assert secret not in made + shown + tried.output


@pytest.mark.parametrize(
    ("quiet", "why"), [("22-06", "22:00-06:30"), ("22:00", "22:00-06:30"), ("22:00-22:00", "begins when it ends")]
)
def test_quiet_hours_that_are_none_are_refused(house: House, set_up: CliRunner, quiet: str, why: str) -> None:
    house.person("anna")
    number = house.chat("anna", ANNA)
    refused = set_up.invoke(app, ["user", "channel", "wishes", str(number), "--quiet", quiet])
    assert why in str(refused.exception)


def test_the_doctor_asks_both_services(house: House, twin: TelegramTwin, post: SmtpTwin, set_up: CliRunner) -> None:
    from ems_pipeline.cli import checkup

    house.person("anna")
    house.chat("anna", ANNA)
    assert [finding.level for finding in checkup.run(checkup.ways_to_people)] == ["good", "good"]
    twin.faults.add("wrong-token")
    post.faults.add("no-tls")
    house.change("UPDATE ems.notice_channel SET state = 'blocked', state_reason = 'because'")
    found = [(finding.level, finding.text) for finding in checkup.run(checkup.ways_to_people)]
    assert [level for level, _ in found] == ["wrong", "wrong", "warning"]
    assert "401 Unauthorized; check EMS_TELEGRAM_TOKEN" in found[0][1]
    assert "EMS_SMTP_SECURITY=tls" in found[1][1]
    assert found[2][1] == "telegram 101 is blocked: because"


def test_people_hear_by_their_own_channels_that_ems_up_was_killed(
    house: House, twin: TelegramTwin, set_up: CliRunner
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    assert hand_back.main() == 0
    assert hand_back.main() == 0, "the watchdog tries again where something is not let go"
    (told,) = twin.texts(ANNA)
    assert told.startswith("critical: installation: supervisor-gone: ems up was killed")


def test_the_process_tells_and_ends_when_it_is_told_to_and_names_no_secret(
    house: House, twin: TelegramTwin, post: SmtpTwin, set_up: CliRunner
) -> None:
    """As the login of its own, on the real clock."""
    house.clock.at = SystemClock().now()
    house.person("anna")
    house.chat("anna", ANNA)
    house.email("anna", "anna@example.org")
    house.alarm("a")
    program = [sys.executable, "-m", "ems_pipeline.notices.serve"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        ends_at = SystemClock().now() + timedelta(seconds=60)
        while not (twin.texts(ANNA) and post.letters) and SystemClock().now() < ends_at:
            threading.Event().wait(0.1)
        logins = house.rows(f"SELECT usename FROM pg_stat_activity WHERE datname = '{house.warehouse.url.database}'")
        process.terminate()
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert twin.texts(ANNA) == [str(post.letters[0].get_content()).strip()] == ["warning: home01: a: so it is"]
    assert ("ems_notices",) in logins
    assert any(method == "getUpdates" for method, _ in twin.calls), "it listens to the bot"
    for secret in (TOKEN.partition(":")[2], PASSWORD):
        assert secret not in said


def test_ways_are_those_that_the_environment_names() -> None:
    assert ways.to_persons({}) == []
    with pytest.raises(ways.NoSender, match="set EMS_SMTP_FROM"):
        ways.to_persons({"EMS_SMTP_HOST": "smtp.example.org", "EMS_SMTP_USER": "ems"})
    environ = {"EMS_SMTP_HOST": "smtp.example.org", "EMS_SMTP_USER": "ems@example.org", "EMS_TELEGRAM_TOKEN": TOKEN}
    assert [way.kind for way in ways.to_persons(environ)] == ["telegram", "email"]
    teller = partial(Teller, way=ways.to_persons(environ)[0])
    assert TOKEN not in repr(teller)
