"""A warehouse with people, the login of the process that tells them, and the twins of both services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ems_pipeline.notices.polling import Poller
from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify.choice import Wishes
from ems_pipeline.notify.mail import Mail, Server
from ems_pipeline.notify.notice import Way
from ems_pipeline.notify.pace import Pace
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plant.smtp_twin import SmtpTwin, serving_smtp
from ems_pipeline.plant.telegram_twin import TelegramTwin, serving_telegram
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, channels, migrate, people, roles
from ems_pipeline.warehouse import sites as registry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = "4711:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQ"
PASSWORD = "Gehe1m-und-lang"


@dataclass
class House:
    """An installation with people; ``own`` is the warehouse as the login of the process that tells."""

    warehouse: Warehouse
    own: Warehouse
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOON))

    def person(self, name: str, role: str = "owner", sites: tuple[str, ...] | None = None) -> None:
        with self.warehouse.begin() as connection:
            people.add(connection, people.Person(name, role, sites), "hash", "test", NOON)

    def chat(self, name: str, chat: int, wishes: Wishes | None = None) -> int:
        """A bound chat of somebody; its number."""
        with self.warehouse.begin() as connection:
            number = connection.exec_driver_sql(
                "INSERT INTO ems.notice_channel (person, kind, address, telegram_user, bound_at) "
                "VALUES (%s, 'telegram', %s, %s, now()) RETURNING notice_channel_id",
                (name, str(chat), str(abs(chat))),
            ).scalar_one()
            channels.put_wishes(connection, number, wishes or Wishes())
        return int(number)

    def email(self, name: str, address: str, wishes: Wishes | None = None) -> int:
        with self.warehouse.begin() as connection:
            number = channels.add_email(connection, name, address, NOON)
            channels.put_wishes(connection, number, wishes or Wishes())
        return number

    def browser(self, name: str, address: str, wishes: Wishes | None = None) -> int:
        """A browser of somebody; its number."""
        endpoint, _, keys = address.partition(" ")
        with self.warehouse.begin() as connection:
            number = connection.exec_driver_sql(
                "SELECT ems.fn_push_bind(%s, %s, %s)", (name, endpoint, keys)
            ).scalar_one()
            channels.put_wishes(connection, number, wishes or Wishes())
        return int(number)

    def alarm(self, kind: str, severity: str = "warning", site: str | None = "home01", text: str = "so it is") -> None:
        with self.warehouse.begin() as connection:
            alarms.raise_alarm(connection, site, kind, severity, text, self.clock.now())

    def over(self, kind: str, site: str | None = "home01") -> None:
        with self.warehouse.begin() as connection:
            assert alarms.clear(connection, site, kind, self.clock.now())

    def open(self) -> dict[str, str]:
        """Text by kind of the open alarms."""
        return {
            str(kind): str(text)
            for kind, text in self.rows("SELECT kind, text FROM ems.alarm WHERE cleared_at IS NULL")
        }

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.warehouse.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def change(self, statement: str) -> None:
        with self.warehouse.begin() as connection:
            connection.exec_driver_sql(statement)

    def now(self) -> datetime:
        return self.clock.now()

    def later(self, **span: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(**span))

    def teller(self, way: Way) -> Teller:
        """As it begins after a start of the process."""
        return Teller(self.own, self.clock, way)

    def poller(self, telegram: Telegram) -> Poller:
        return Poller(self.own, self.clock, telegram, Pace(), telegram.number, listen_s=0)


@pytest.fixture(scope="module")
def owned(warehouse: Warehouse, home01: Site) -> Iterator[tuple[Warehouse, Warehouse]]:
    migrate.upgrade(warehouse)  # a database cloned from a template has no rights of its own
    with warehouse.begin() as connection:
        registry.register(
            connection, [home01, home01.model_copy(update={"key": "home02", "gateways": (), "devices": ()})], NOON
        )
    own = Warehouse(warehouse.url.set(username=roles.NOTICES_LOGIN))
    yield warehouse, own
    own.close()


@pytest.fixture
def house(owned: tuple[Warehouse, Warehouse]) -> House:
    found = House(*owned)
    found.change("TRUNCATE ems.alarm, ems.control_override, ems.request, ems.notice_poll CASCADE")
    found.change("DELETE FROM ems.person")
    return found


@pytest.fixture
def twin(house: House) -> Iterator[TelegramTwin]:
    with serving_telegram(house.clock, TOKEN, patience_s=0.5) as twin:
        yield twin


@pytest.fixture
def telegram(twin: TelegramTwin) -> Telegram:
    return Telegram(TOKEN, twin.address, timeout_s=5.0)


@pytest.fixture
def post(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpTwin]:
    """A mail server whose certificate this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with serving_smtp(SmtpTwin(certificate, "ems", PASSWORD, patience_s=0.5)) as twin:
        yield twin


def mail(twin: SmtpTwin, host: str = "localhost", timeout_s: float = 5.0, password: str = PASSWORD) -> Mail:
    security = "tls" if twin.security == "tls" else "starttls"
    return Mail(Server(host, twin.port, security, "ems@home.example", twin.user, password), timeout_s)
