"""The typed client of examples/ is that of today's schema, and what it prints is what the database has."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ems_pipeline.warehouse import asked
from ems_pipeline_tests import client as generated
from ems_pipeline_tests.api.conftest import PASSWORD, House
from ems_pipeline_tests.api.loopback import SOON_S, on_loopback
from ems_pipeline_tests.conftest import ROOT
from ems_pipeline_tests.servers import free_ports

pytestmark = pytest.mark.usefixtures("lived")

EXAMPLES = ROOT / "examples"
RIGHTS = ("sites:read", "plans:read", "prices:read", "overrides:write", "requests:read", "requests:write")


@pytest.fixture
def address(house: House) -> Iterator[str]:
    with on_loopback(house.client) as port:
        yield f"http://127.0.0.1:{port}"


def started(house: House, address: str, *words: str) -> subprocess.Popen[str]:
    """The example as a program of home01 runs it, with nothing of ems-pipeline to import."""
    command = [sys.executable, str(EXAMPLES / "over_http.py"), *words, "--address", address]
    environ = {**os.environ, "EMS_TOKEN": house.token(*RIGHTS, sites=["home01"]), "NO_PROXY": "127.0.0.1"}
    return subprocess.Popen(
        command, cwd=EXAMPLES, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def printed(house: House, address: str, *words: str) -> list[str]:
    out, err = (process := started(house, address, *words)).communicate(timeout=SOON_S)
    assert process.returncode == 0, err
    return out.splitlines()


def test_the_client_is_that_of_todays_schema() -> None:
    assert generated.MODELS.read_text(encoding="utf-8") == generated.models(), "run `make client`, and commit it"


def test_a_program_sees_the_sites_of_its_token(house: House, address: str) -> None:
    assert printed(house, address, "show") == ["home01: Demo home, Europe/Prague, prices of CZ in CZK"]


def test_plan_and_prices_are_those_of_the_database(house: House, address: str) -> None:
    assert printed(house, address, "show", "home01") == [
        "rolling plan of 2026-03-01 11:59, optimal",
        "12:00 4.10 CZK/kWh  battery -2.00 kW: charge, cheap",
        "12:15 4.20 CZK/kWh  battery +0.00 kW: hold, dear",
    ]


@pytest.mark.usefixtures("now_is_now")
def test_a_wish_is_an_override_of_the_program(house: House, address: str) -> None:
    (told,) = printed(house, address, "hold", "home01", "pack", "--minutes", "30")
    ((number, mode, until, who),) = house.rows(
        "SELECT control_override_id, mode, to_char(until_at AT TIME ZONE 'UTC', 'HH24:MI'), created_by "
        "FROM ems.control_override"
    )
    assert told == f"override {number}: hold pack until {until} UTC; it is a wish"
    assert (mode, who.split(":")[:3]) == ("hold", ["web", "token", "program"])


def test_a_plan_is_asked_for_and_followed_to_its_end(house: House, address: str) -> None:
    process = started(house, address, "plan", "home01")
    try:
        end = time.monotonic() + SOON_S
        while not (found := house.rows("SELECT request_id::text FROM ems.request")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
        with house.warehouse.begin() as connection:
            asked.finish(connection, found[0][0], {"plans": 1}, datetime.now(UTC))
        out, err = process.communicate(timeout=SOON_S)
    finally:
        process.kill()
    assert out.startswith("plan-rolling for web:token:program:"), err
    assert out.endswith(": done, {'plans': 1}\n")


def test_a_refusal_reaches_who_asked_with_its_remedy(house: House, address: str) -> None:
    out, err = (process := started(house, address, "show", "home02")).communicate(timeout=SOON_S)
    assert (process.returncode, out) == (1, "")
    first, remedy, log = err.splitlines()
    assert first == "The site is not known (404 site_unknown): there is no site 'home02'"
    assert remedy == "What to do: GET /api/v1/me/sites lists yours"
    assert log.startswith("The server's log has it as ")


def test_where_nobody_answers_the_example_says_what_to_look_at(house: House) -> None:
    (port,) = free_ports(1)
    _, err = (process := started(house, f"http://127.0.0.1:{port}", "show")).communicate(timeout=SOON_S)
    assert process.returncode == 1
    assert err.startswith(f"http://127.0.0.1:{port} gave no answer: ")
    assert err.endswith("What to do: look whether `ems web` runs there\n")


@pytest.mark.usefixtures("now_is_now")
def test_a_person_logs_in_lists_page_by_page_and_takes_back(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    from ems_client import Client, Refused, models

    client = Client(address)
    client.login("otto", PASSWORD)
    wishes = [models.OverrideWish(asset="pack", mode="hold", duration_minutes=minutes) for minutes in (10, 20, 30)]
    filed = [client.post(models.OverrideFiled, "/sites/home01/overrides", wish) for wish in wishes]
    listed = list(client.every(models.Override, "/sites/home01/overrides", limit=2))
    numbers = [one.override_id for one in filed]
    assert [one.override_id for one in listed][:3] == numbers[::-1]
    assert client.delete(models.Override, filed[0].href).cancelled_at is not None
    with pytest.raises(Refused, match="What to do: ") as told:
        client.delete(models.Override, filed[0].href)
    assert told.value.fault.code == "is_over"
    client.logout()
    with pytest.raises(Refused, match="log in") as told:
        client.get(models.Me, "/me")
    assert told.value.fault.status == 401


def test_the_client_imports_nothing_of_the_pipeline() -> None:
    for path in (EXAMPLES / "over_http.py", *Path(EXAMPLES / "ems_client").glob("*.py")):
        assert "ems_pipeline" not in path.read_text(encoding="utf-8"), path
