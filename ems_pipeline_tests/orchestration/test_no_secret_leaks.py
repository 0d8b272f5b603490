"""Secrets go in and never come out: not in runs, tags, events, metadata, alarms, logs, files, or either database.

The pipeline works with a secret in every place that takes one, against servers that repeat whatever they were told, and
with failures, because errors are where secrets leak. Then everything that was kept anywhere is searched.
"""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import socket
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import dagster as dg
import pytest
import yaml
from sqlalchemy.engine import URL
from typer.testing import CliRunner

from ems_pipeline import settings, time_grid
from ems_pipeline.bitrix.refusal import BitrixError
from ems_pipeline.cli.app import app
from ems_pipeline.homeassistant import serve, standing
from ems_pipeline.homeassistant.api import Api
from ems_pipeline.homeassistant.telling import Teller as TopicTeller
from ems_pipeline.notices.polling import Poller
from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify.pace import Pace
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.orchestration import troubles
from ems_pipeline.orchestration.installation import metrics
from ems_pipeline.orchestration.machinery.in_process import InProcess, RunFailed, Step
from ems_pipeline.plant import running_plant
from ems_pipeline.plant.bitrix_twin import serving_bitrix
from ems_pipeline.regulation.draft import Draft, Place, Unread
from ems_pipeline.sites import Site
from ems_pipeline.steps import bitrix, regulations
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, bitrix_post, people
from ems_pipeline_tests.conftest import ROOT, _admin
from ems_pipeline_tests.orchestration.conftest import LOGGED_DAYS, PRAGUE, TODAY, lived, small
from ems_pipeline_tests.test_http import echo

__all__ = ["echo"]
pytestmark = pytest.mark.slow
MIDNIGHT = time_grid.day_bounds(TODAY, PRAGUE)[0]
OF_SETTINGS = [s.name for section in settings.SECTIONS.values() for s in section if isinstance(s, settings.Secret)]
"""Every secret that the environment may hold; a new one is among them, and searched for, the day it is declared."""
SECRETS = {
    name: f"{number}:{name.replace('_', '-')}-Gehe1m-{'x' * 20}"  # long enough for each, and like a bot's token
    for number, name in enumerate([*OF_SETTINGS, "database", "loxone"], start=12345)
}
IN_FILES = ("EMS_ENTSOE_TOKEN", "EMS_NOTIFY_WEBHOOK", "EMS_MQTT_TOKEN", "loxone")
"""The others stand in the environment itself."""


def forms(secret: str) -> set[bytes]:
    """As it is, as addresses write it, and as HTTP logins write it, whatever the user's name."""
    texts = {secret, quote(secret, safe=""), quote_plus(secret)}
    # Base64 has three alignments; its first and last group depend on what stands around.
    in_login = {base64.b64encode(b"x" * pad + secret.encode())[4:-4].decode() for pad in range(3)}
    return {text.encode() for text in texts | in_login}


class Kept:
    """Everything that was written down somewhere, to be searched."""

    def __init__(self) -> None:
        self.places: dict[str, bytes] = {}

    def add(self, place: str, text: str | bytes) -> None:
        self.places[place] = self.places.get(place, b"") + (text.encode() if isinstance(text, str) else text)

    def database(self, url: URL) -> None:
        """Every row of every table; documents that Dagster compresses are opened."""
        warehouse = Warehouse(url)
        with warehouse.begin() as connection:
            names = connection.exec_driver_sql(
                "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
                "AND table_schema IN ('public', 'ems')"
            ).all()
            for schema, table in names:
                for row in connection.exec_driver_sql(f'SELECT * FROM {schema}."{table}"'):
                    for value in row:
                        self.add(f"{url.database}.{table}", _opened(value) + b"\n")
        warehouse.close()

    def where(self, secret: str) -> list[str]:
        return [place for place, text in self.places.items() if any(form in text for form in forms(secret))]


def _opened(value: object) -> bytes:
    if not isinstance(value, bytes | memoryview):
        return str(value).encode()
    data = bytes(value)
    with contextlib.suppress(zlib.error):
        return zlib.decompress(data)
    return data


@pytest.fixture(scope="module")
def machine(
    database_server: URL, tmp_path_factory: pytest.TempPathFactory, echo: str
) -> Iterator[tuple[pytest.MonkeyPatch, Path, URL]]:
    """An installation whose every secret is set: some in the environment, some in files."""
    folder = tmp_path_factory.mktemp("leaks")
    for database in ("leaks_ems", "leaks_dagster"):
        _admin(database_server, f'CREATE DATABASE "{database}"')
    address = database_server.set(drivername="postgresql", password=SECRETS["database"])
    files = folder / "files"
    files.mkdir()
    texts = SECRETS | {
        "EMS_NOTIFY_WEBHOOK": f"{echo}/500?{SECRETS['EMS_NOTIFY_WEBHOOK']}",
        "EMS_BITRIX_WEBHOOK": f"http://127.0.0.1:9/rest/1/{SECRETS['EMS_BITRIX_WEBHOOK']}/",
        "EMS_REGULATION_MODEL": f"{echo}/500?{SECRETS['EMS_REGULATION_MODEL']}",
    }
    for name in IN_FILES:
        (files / name).write_text(texts[name])
    with pytest.MonkeyPatch.context() as environment:
        values = {
            "EMS_HOME": str(folder / "home"),
            "DAGSTER_HOME": str(folder / "home" / "dagster"),
            "EMS_DATABASE_URL": address.set(database="leaks_ems").render_as_string(hide_password=False),
            "EMS_DAGSTER_DATABASE_URL": address.set(
                drivername="postgresql+psycopg2", database="leaks_dagster"
            ).render_as_string(hide_password=False),
            "EMS_HOME01_LOXONE_PASSWORD": SECRETS["loxone"],
            "EMS_PRICE_SOURCES_CZ": "entsoe,ote",
            "EMS_LOG": "json",
        }
        values |= {
            **{name: texts[name] for name in OF_SETTINGS if name not in IN_FILES},
            **{f"{name}_FILE": str(files / name) for name in OF_SETTINGS if name in IN_FILES},
        }
        for name, value in values.items():
            environment.setenv(name, value)
        environment.chdir(ROOT)
        yield environment, folder, address.set(drivername="postgresql+psycopg")


@pytest.fixture(scope="module")
def kept(machine: tuple[pytest.MonkeyPatch, Path, URL], home01: Site, echo: str) -> Kept:
    """What is left after a quarter-hour of work, several failures, and every command that shows something."""
    environment, folder, address = machine
    kept, said, clock = Kept(), io.StringIO(), SimulatedClock(MIDNIGHT)
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    with (
        contextlib.redirect_stderr(said),
        running_plant(small(home01), clock, seed=1, history_days=LOGGED_DAYS) as plant,
    ):
        for name, value in plant.environ.items():
            environment.setenv(name, value)
        for name in ("EMS_HOME01_LOXONE_PASSWORD", "EMS_ENTSOE_TOKEN", "EMS_RTE_CREDENTIALS"):
            environment.delenv(name, raising=False)  # the plant knows them; the pipeline has files
        environment.setenv("EMS_RTE_CREDENTIALS", SECRETS["EMS_RTE_CREDENTIALS"])
        environment.setenv("EMS_HOME01_LOXONE_PASSWORD_FILE", str(folder / "files" / "loxone"))
        environment.setenv("EMS_SOURCE_ENTSOE_URL", f"{echo}/401")
        with lived(plant, clock) as runs:
            aloud = runs.defs.resolve_job_def("apply_control")  # the loop speaks of troubles only
            clock.wait_until(MIDNIGHT + time_grid.SLOT)
            assert aloud.execute_in_process(instance=runs.instance).success
            _fail(runs, environment, echo)
            said.write(metrics.text(runs.platform, runs.instance))
            kept.add("deployment page of the UI", yaml.safe_dump(runs.instance.info_dict()))
        for command in (["status"], ["doctor"], ["db", "status"], ["metrics"], ["control", "setpoints", "home01"]):
            kept.add(f"ems {command[0]}", CliRunner().invoke(app, command).output)
        CliRunner().invoke(app, ["db", "backup", str(folder / "home" / "a.dump")])
        runs.platform.warehouse.close()
    logging.getLogger().removeHandler(handler)
    kept.add("log", said.getvalue())
    for database in ("leaks_ems", "leaks_dagster"):
        kept.database(address.set(database=database))
    for path in (folder / "home").rglob("*"):
        if path.is_file():
            kept.add(f"file {path.name}", path.read_bytes())
    return kept


def _fail(runs: InProcess, environment: pytest.MonkeyPatch, echo: str) -> None:
    """Runs that end in errors around each secret, their alarm, and a notice that cannot be sent."""
    environment.setenv("EMS_PRICE_SOURCES_CZ", "entsoe")
    environment.setenv("EMS_SOURCE_RTE_URL", f"{echo}/401")
    later = TODAY + timedelta(days=2)
    with pytest.raises(RunFailed, match="entsoe"):
        runs.asset(Step("market_interval_price", later, later))
    (failed,) = runs.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=1)
    (event, *_) = [
        e.dagster_event
        for e in runs.instance.all_logs(failed.run_id)
        if e.dagster_event and e.dagster_event.is_run_failure
    ]
    context = dg.build_run_status_sensor_context(
        sensor_name="failures", dagster_instance=runs.instance, dagster_run=failed, dagster_event=event
    )
    troubles.failures(context.for_run_failure())
    asking = dg.build_sensor_context(instance=runs.instance, resources={"ems": runs.platform})
    skipped = troubles.alarm_notices(asking)
    assert "webhook at 127.0.0.1: HTTP 500" in str(skipped.skip_message)  # type: ignore[union-attr]
    _tell_persons(runs, echo)
    _tell_bitrix(runs, environment)
    _tell_home_assistant(runs, environment, echo)


def _tell_home_assistant(runs: InProcess, environment: pytest.MonkeyPatch, echo: str) -> None:
    """An API that refuses and repeats the token, a broker that refuses and repeats the password; the alarm of both."""
    stop = threading.Event()
    with refusing_broker(SECRETS["EMS_MQTT_PASSWORD"], stop) as port:
        for name, value in {
            "HOST": "127.0.0.1", "PORT": f"{port}", "SECURITY": "plain", "USER": "ems",
        }.items():  # fmt: skip
            environment.setenv(f"EMS_MQTT_{name}", value)
        broker, clock = serve.broker(), runs.platform.clock
        assert broker is not None
        api = Api(f"{echo}/401", settings.MQTT_TOKEN.read() or "")
        telling = serve.Publisher(broker, api, serve.topics(), clock, takes_wishes=False)
        telling.step([], TopicTeller(lambda *_, **__: None, serve.topics()))
        found = standing.found()
        assert found is not None
        assert "401" in found.fault
        logging.getLogger().warning("%r and %r", broker, api)
        telling.run(stop)
    found = standing.found()
    assert found is not None
    assert "it refuses us" in found.fault or "does not let us in" in found.fault
    with runs.platform.warehouse.begin() as connection:
        alarms.raise_alarm(connection, None, "home-assistant", "warning", found.fault, runs.platform.clock.now())


@contextlib.contextmanager
def refusing_broker(password: str, stop: threading.Event) -> Iterator[int]:
    """MQTT 5: who connects is not authorised, and is told the password he came with; then nothing is left to do."""
    said = f"no: {password}".encode()
    properties = b"\x1f" + len(said).to_bytes(2, "big") + said
    body = b"\x00\x87" + bytes([len(properties)]) + properties

    def refuse() -> None:
        listener.settimeout(10)
        peer, _ = listener.accept()
        with peer:
            assert password.encode() in peer.recv(4096), "the password was handed over"
            peer.sendall(b"\x20" + bytes([len(body)]) + body)
            stop.set()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        work = threads.submit(refuse)
        yield int(listener.getsockname()[1])
        work.result()


def _tell_bitrix(runs: InProcess, environment: pytest.MonkeyPatch) -> None:
    """A portal that refuses us and repeats the address it was asked at; a model that refuses."""
    with serving_bitrix(runs.platform.clock) as twin:
        twin.code, twin.faults = SECRETS["EMS_BITRIX_WEBHOOK"], {"echo", "wrong-code"}
        environment.setenv("EMS_BITRIX_WEBHOOK", twin.webhook)
        office = bitrix.office(runs.platform.clock)
        assert office is not None
        with pytest.raises(BitrixError, match=r"/rest/1/\*\*\*/tasks\.task\.list") as refused:
            office.portal.call("tasks.task.list")
    unread = Draft("plan", "en", unread=[Unread("grease it", Place(1, 1), "prose")])
    (*_, told) = regulations.with_model(unread).unread
    assert "did not answer" in told.why
    logging.getLogger().warning("%s %r %s", refused.value, office, told)
    with runs.platform.warehouse.begin() as connection:
        bitrix_post.failed(connection, str(refused.value), runs.platform.clock.now(), None)
        alarms.raise_alarm(connection, None, "bitrix-portal", "warning", str(refused.value), runs.platform.clock.now())


def _tell_persons(runs: InProcess, echo: str) -> None:
    """Somebody's chat, and a service that refuses and repeats the address it was asked at, where the token stands."""
    platform, bot = runs.platform, Telegram(SECRETS["EMS_TELEGRAM_TOKEN"], f"{echo}/401")
    with platform.warehouse.begin() as connection:
        people.add(connection, people.Person("anna", "owner", None), "hash", "test", MIDNIGHT)
        connection.exec_driver_sql(
            "INSERT INTO ems.notice_channel (person, kind, address, telegram_user, bound_at) "
            "VALUES ('anna', 'telegram', '101', '101', now())"
        )
    teller, poller = (
        Teller(platform.warehouse, platform.clock, bot),
        Poller(platform.warehouse, platform.clock, bot, Pace()),
    )
    for _ in range(12):
        teller.look()
        poller.look()
        platform.clock.wait_until(platform.clock.now() + timedelta(seconds=15))


def test_the_work_was_done_with_the_secrets(kept: Kept) -> None:
    """Else the search below would prove nothing."""
    assert b"securityToken=***" in kept.places["leaks_dagster.event_logs"], "ENTSO-E was asked with its token"
    assert b"asset-failed" in kept.places["leaks_ems.alarm"]
    assert b"notices-telegram" in kept.places["leaks_ems.alarm"], "Telegram was asked with its token, and refused"
    assert b"loxone" in kept.places["leaks_ems.setpoint"]
    assert b'"device": "loxone", "state": "echoed"' in kept.places["log"], "the Miniserver took its password"
    assert {"file dagster.yaml", "file a.dump", "deployment page of the UI"} <= set(kept.places)
    assert b"ems_database_up" in kept.places["ems metrics"]
    assert len(kept.places) > 40


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_kept_nowhere(kept: Kept, name: str) -> None:
    assert kept.where(SECRETS[name]) == []


def test_the_search_would_find_one(kept: Kept) -> None:
    for secret in SECRETS.values():
        for form in forms(secret):
            kept.places["planted"] = b"before" + form + b"after"
            assert kept.where(secret) == ["planted"]
    login = base64.b64encode(f"someone:{SECRETS['loxone']}".encode())
    kept.places["planted"] = b"Basic " + login
    assert kept.where(SECRETS["loxone"]) == ["planted"]
    del kept.places["planted"]


def test_an_alarm_of_a_failed_run_says_what_failed(machine: tuple[pytest.MonkeyPatch, Path, URL], kept: Kept) -> None:
    """Redaction leaves enough to act on."""
    warehouse = Warehouse(machine[2].set(database="leaks_ems"))
    with warehouse.begin() as connection:
        texts = alarms.open_alarms(connection).filter(kind="asset-failed:market_interval_price")["text"].to_list()
    warehouse.close()
    assert any("entsoe" in text for text in texts), texts
