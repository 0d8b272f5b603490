"""Who is let in: names, passwords, TLS and the opt-in to the network, over real sockets; strangers are named."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import ChargePoint as Dialler
from ocpp.v16 import call
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError
from websockets.headers import build_authorization_basic

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.ocpp import callers
from ems_pipeline.devices.ocpp.admission import Door, Expected, expected, name_in, refusal
from ems_pipeline.devices.ocpp.central import Central, tls
from ems_pipeline.devices.ocpp.channel import Channel, NotOurs, closed, socket_path
from ems_pipeline.devices.ocpp.charger import Terms
from ems_pipeline.plant.ocpp_calls import Switchboard
from ems_pipeline.sites import Gateway, Site
from ems_pipeline.time_grid import SystemClock
from ems_pipeline_tests.devices.ocpp_bench import BOX, site_of_one

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setenv("EMS_TEST_OCPP_PASSWORD", PASSWORD)


@contextmanager
def listening(password_env: str | None = None, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that expects one charger; its port."""
    board, central = Switchboard(), Central(SystemClock(), context)
    door = Door("127.0.0.1", 0, password_env)
    try:
        assert board.do(central.follow(Expected({door: {BOX: Terms()}}))) == []
        yield central.ports[door]
    finally:
        board.do(central.close())
        board.end()


async def boots(port: int, name: str = BOX, scheme: str = "ws", **options: Any) -> str:
    """What a charger that calls in is answered; an exception where it is not let in."""
    options = {"subprotocols": ["ocpp1.6"], "open_timeout": 5, "proxy": None} | options
    async with connect(f"{scheme}://localhost:{port}/ocpp/{name}", **options) as connection:
        dialler = Dialler(name, connection)
        listens = asyncio.ensure_future(dialler.start())
        answer = await dialler.call(call.BootNotification("box", "vendor"), suppress=False)
        listens.cancel()
        return str(answer.status)


def login(user: str, password: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": build_authorization_basic(user, password)}}


def who(port: int) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        channel = Channel(port)
        said = await channel.ask({"do": "who"})
        await channel.close()
        return said

    return asyncio.run(ask())


def test_a_charger_is_known_by_the_last_part_of_what_it_calls() -> None:
    assert name_in("/ocpp/1.6/wallbox-1") == "wallbox-1"
    assert name_in("/wallbox-1/") == "wallbox-1"
    assert name_in("/ocpp/wall%62ox-1?x=1") == "wallbox-1"
    assert name_in("/") == ""


def test_who_is_expected_is_let_in_and_said_to_be_there() -> None:
    with listening() as port:
        assert asyncio.run(boots(port)) == "Accepted"
        (charger,) = who(port)["chargers"]
    assert charger["version"] == "ocpp1.6"
    assert charger["about"] == "vendor box"


def test_a_stranger_is_refused_named_and_counted() -> None:
    with listening() as port:
        for _ in range(2):
            with pytest.raises(InvalidStatus) as refused:
                asyncio.run(boots(port, "intruder"))
            assert refused.value.response.status_code == 404
        (stranger,) = who(port)["strangers"]
    assert (stranger["name"], stranger["times"]) == ("intruder", 2)
    assert "no device of a site file" in stranger["why"]


def test_a_crowd_of_strangers_takes_no_more_room_than_some() -> None:
    with listening() as port:
        for i in range(60):
            with pytest.raises(InvalidStatus):
                asyncio.run(boots(port, f"s{i}"))
        assert len(who(port)["strangers"]) == 50


@pytest.mark.parametrize(
    "options",
    [
        {},
        login(BOX, "wrong"),
        login("another", PASSWORD),
        login(BOX, ""),
        {"additional_headers": {"Authorization": "Basic !"}},
    ],
)
def test_without_the_right_password_nobody_comes_in(options: dict[str, Any]) -> None:
    with listening("EMS_TEST_OCPP_PASSWORD") as port:
        with pytest.raises(InvalidStatus) as refused:
            asyncio.run(boots(port, **options))
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["WWW-Authenticate"].startswith("Basic")
        assert asyncio.run(boots(port, **login(BOX, PASSWORD))) == "Accepted"


def test_a_password_that_is_not_set_opens_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMS_TEST_OCPP_PASSWORD")
    with listening("EMS_TEST_OCPP_PASSWORD") as port, pytest.raises(InvalidStatus):
        asyncio.run(boots(port, **login(BOX, "")))


def test_by_tls_the_server_shows_its_certificate(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate.with_name("cert.pem")))
    with listening("EMS_TEST_OCPP_PASSWORD", tls(certificate, None)) as port:
        options = {"scheme": "wss", "ssl": trusting, **login(BOX, PASSWORD)}
        assert asyncio.run(boots(port, **options)) == "Accepted"
        with pytest.raises(ssl.SSLCertVerificationError):
            asyncio.run(boots(port, scheme="wss", ssl=ssl.create_default_context()))


def test_a_charger_that_speaks_another_protocol_is_not_let_in() -> None:
    with listening() as port, pytest.raises((NegotiationError, InvalidStatus)):
        asyncio.run(boots(port, subprotocols=["ocpp1.5"]))


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[]", "[2]", '[2,"1","Heartbeat"]', '[2,"1",["a"],{}]', "[9,1,2]", '[2,"1","Heartbeat",[]]', "[" * 5000],
)
def test_a_message_that_nobody_understands_costs_itself(frame: str) -> None:
    async def talk(port: int) -> Any:
        async with connect(f"ws://127.0.0.1:{port}/{BOX}", subprotocols=["ocpp1.6"], proxy=None) as connection:  # type: ignore[list-item]
            await connection.send(frame)
            await connection.send('[2,"ours","Heartbeat",{}]')
            while (answer := json.loads(await connection.recv()))[1] != "ours":
                pass
            return answer

    with listening() as port:
        assert asyncio.run(asyncio.wait_for(talk(port), 5))[0] == 3


def test_a_transaction_that_is_told_twice_has_one_number() -> None:
    async def numbers(port: int) -> list[int]:
        async with connect(f"ws://127.0.0.1:{port}/{BOX}", subprotocols=["ocpp1.6"], proxy=None) as connection:  # type: ignore[list-item]
            dialler = Dialler(BOX, connection)
            listens = asyncio.ensure_future(dialler.start())
            begins = [(1000, "2026-01-14T17:00:00Z")] * 2 + [(2000, "2026-01-14T18:00:00Z")]
            told = [call.StartTransaction(1, "AB12", wh, at) for wh, at in begins]
            answers = [await dialler.call(one, suppress=False) for one in told]
            listens.cancel()
            return [answer.transaction_id for answer in answers]

    with listening() as port:
        first, again, second = asyncio.run(numbers(port))
    assert first == again
    assert second > first


@pytest.mark.parametrize(
    ("version", "action", "kind"),
    [
        ("ocpp1.6", "FirmwareStatusNotification", 3), ("ocpp1.6", "SecurityEventNotification", 3),
        ("ocpp1.6", "DataTransfer", 3), ("ocpp2.0.1", "NotifyEvent", 3), ("ocpp2.0.1", "SecurityEventNotification", 3),
        ("ocpp2.0.1", "NotifyReport", 3), ("ocpp1.6", "MakeCoffee", 4), ("ocpp2.0.1", "SignCertificate", 4),
    ],
)  # fmt: skip
def test_what_means_nothing_here_is_answered_and_what_is_unknown_is_said_to_be(
    version: str, action: str, kind: int
) -> None:
    async def talk(port: int) -> Any:
        async with connect(f"ws://127.0.0.1:{port}/{BOX}", subprotocols=[version], proxy=None) as connection:  # type: ignore[list-item]
            await connection.send(json.dumps([2, "1", action, {}]))
            return json.loads(await connection.recv())

    with listening() as port:
        assert asyncio.run(asyncio.wait_for(talk(port), 5))[:2] == [kind, "1"]


def test_a_message_beyond_all_measure_ends_its_connection() -> None:
    async def talk(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/{BOX}", subprotocols=["ocpp1.6"], proxy=None) as connection:  # type: ignore[list-item]
            await connection.send("x" * 70_000)
            await connection.recv()

    with listening() as port, pytest.raises(ConnectionClosed):
        asyncio.run(asyncio.wait_for(talk(port), 5))


def gateway(**fields: Any) -> Gateway:
    return Gateway.model_validate({"key": "cars", "transport": "ocpp", "host": "127.0.0.1", "port": 9000} | fields)


def test_beyond_this_machine_only_by_opt_in_and_with_a_password() -> None:
    assert refusal(gateway(), lan=False) == ""
    assert "EMS_OCPP_LAN" in refusal(gateway(host="0.0.0.0", password_env="X"), lan=False)
    assert "password_env" in refusal(gateway(host="0.0.0.0"), lan=True)
    assert refusal(gateway(host="0.0.0.0", password_env="X"), lan=True) == ""


def test_what_may_not_be_listened_at_is_not_listened_at(home01: Site) -> None:
    found = expected([site_of_one(home01, host="0.0.0.0")], lan=False)
    assert found.doors == {}
    assert "EMS_OCPP_LAN=1" in found.faults[0]


def test_the_terms_of_a_charger_are_those_of_the_site_file(home01: Site) -> None:
    site = site_of_one(home01, {"id_tags": "AB12, cd34", "connector": 2, "tx_profile": False})
    ((_, chargers),) = expected([site], lan=False).doors.items()
    assert chargers == {BOX: Terms(3, frozenset({"ab12", "cd34"}), 2, False, True)}
    assert chargers[BOX].admits("Ab12")
    assert not chargers[BOX].admits("ef56")


def test_a_port_has_one_password(home01: Site) -> None:
    other = site_of_one(home01, password_env="X").model_copy(update={"key": "home02"})
    found = expected([site_of_one(home01), other], lan=False)
    assert len(found.doors) == 1
    assert "another gateway's with another host or password" in found.faults[0]


def test_the_way_to_the_drivers_is_its_owners_alone() -> None:
    with listening() as port:
        folder = socket_path(port).parent
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
        folder.chmod(0o755)
        with pytest.raises(DeviceFault, match="not this user's alone"):
            asyncio.run(Channel(port).open())
        with pytest.raises(NotOurs):
            closed(folder)


def test_a_long_home_has_a_short_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path / ("x" * 120)))
    assert len(str(socket_path(9000))) <= 100
    with listening() as port:
        assert who(port)["chargers"]


def test_a_taken_port_is_said_and_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door, board, central = Door("127.0.0.1", taken.getsockname()[1]), Switchboard(), Central(SystemClock())
        (fault,) = board.do(central.follow(Expected({door: {}})))
        assert "cannot be listened at" in fault
    assert board.do(central.follow(Expected({door: {}}))) == []
    board.do(central.close())
    board.end()


def test_people_are_told_who_was_refused_and_that_nobody_listens(home01: Site) -> None:
    with listening() as port:
        with pytest.raises(InvalidStatus):
            asyncio.run(boots(port, "intruder"))
        seen = callers.seen([site_of_one(home01, port=port)])
    assert "intruder from 127.0.0.1" in callers.strangers(seen)
    assert "has not called in" in seen[0].chargers[0].fault
    (gone,) = callers.seen([site_of_one(home01, port=port)])
    assert "does not answer" in gone.fault
