"""A web process on the real database of the module, asked as a browser or a program asks, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, Type
from starlette.testclient import TestClient

from ems_pipeline.api import passwords
from ems_pipeline.api.address import as_web
from ems_pipeline.api.app import layered
from ems_pipeline.api.limits import Budgets
from ems_pipeline.api.passwords import hashed
from ems_pipeline.api.web import Settings, Web
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, migrate, people
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.web import pages
from ems_pipeline_tests.api.lived import live

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
SECRET = "s" * 48
PEOPLE = {
    "anna": ("owner", None),
    "otto": ("operator", ("home01",)),
    "vera": ("viewer", ("home02",)),
    "ada": ("analyst", None),
}


@dataclass
class Seconds:
    """The seconds that budgets count by; they pass when a test says so."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class House:
    """A web process, its clock, and the database behind it."""

    web: Web
    client: TestClient
    warehouse: Warehouse
    clock: SimulatedClock
    seconds: Seconds

    def browser(self) -> TestClient:
        """One more browser, which nobody has logged in."""
        return TestClient(self.client.app, base_url="http://localhost", raise_server_exceptions=False)

    def login(self, name: str) -> TestClient:
        """A browser in which somebody has logged in; it sends the session's word with every request."""
        browser = self.browser()
        browser.portal = self.client.portal  # one event loop for all: the pool lives in it
        said = browser.post("/api/v1/login", json={"name": name, "password": PASSWORD})
        assert said.status_code == 200, said.text
        browser.headers["X-CSRF-Token"] = said.json()["csrf_token"]
        return browser

    def token(self, *resources: str, sites: list[str] | None = None) -> str:
        """Of a program, given by the owner."""
        body: dict[str, Any] = {"name": "program", "list_of_resources": list(resources), "sites": sites}
        said = self.login("anna").post("/api/v1/tokens/generate", json=body)
        assert said.status_code == 201, said.text
        return str(said.json()["token"])

    def program(self, *resources: str, sites: list[str] | None = None) -> TestClient:
        """A client with a token of its own and no cookies."""
        browser = self.browser()
        browser.portal = self.client.portal
        browser.headers["Authorization"] = f"Bearer {self.token(*resources, sites=sites)}"
        return browser

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.warehouse.begin() as connection:
            return list(connection.execute(sa.text(statement), values).all())


@pytest.fixture(autouse=True, scope="session")
def passwords_that_cost_nothing() -> Iterator[None]:
    """A hash is dear on purpose, and nearly every test logs somebody in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID))
        yield


@pytest.fixture(scope="module")
def stocked(warehouse: Warehouse, home01: Site) -> Warehouse:
    """The module's warehouse with two sites and a person of every role."""
    migrate.upgrade(warehouse)  # a database cloned from a template has no rights of its own
    stored = hashed(PASSWORD)
    with warehouse.begin() as connection:
        home02 = home01.model_copy(update={"key": "home02", "name": "Elsewhere", "gateways": (), "devices": ()})
        registry.register(connection, [home01, home02], NOON)
        for name, (role, sites) in PEOPLE.items():
            people.add(connection, people.Person(name, role, sites), stored, "test", NOON)
    return warehouse


@pytest.fixture(scope="module")
def lived(stocked: Warehouse) -> Warehouse:
    """A day has been lived there."""
    with stocked.begin() as connection:
        live(connection)
    return stocked


@pytest.fixture
def house(stocked: Warehouse) -> Iterator[House]:
    """A web process that starts anew for each test, at noon."""
    with begun(stocked) as house:
        yield house


@contextmanager
def begun(stocked: Warehouse) -> Iterator[House]:
    """A web process at noon, as long as it is needed."""
    clock, seconds = SimulatedClock(NOON), Seconds()
    web = Web(Settings(as_web(stocked.url), SECRET), clock, Budgets(seconds))
    with TestClient(layered(web, pages.ROUTERS), base_url="http://localhost", raise_server_exceptions=False) as client:
        yield House(web, client, stocked, clock, seconds)


@pytest.fixture
def now_is_now(house: House) -> None:
    """Functions of the database go by its own clock."""
    ((now,),) = house.rows("SELECT now()")
    house.clock.advance_to(now)
