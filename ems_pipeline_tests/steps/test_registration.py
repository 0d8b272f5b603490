"""The registry follows the files one by one: what is wrong with one is told, and costs no other site anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline.orchestration import sensors
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.partitions import site_partitions
from ems_pipeline.sites import Site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline_tests.conftest import ROOT

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
HOSTS = {"home01": "10.0.0.1", "home02": "10.0.0.2"}
GOOD = (ROOT / "sites" / "home01.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    return tmp_path


@pytest.fixture
def platform(warehouse: Warehouse) -> Platform:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ems.site CASCADE"))
    return Platform(warehouse, SimulatedClock(NOW), read_sites)


def put(folder: Path, key: str, *changes: tuple[str, str], name: str | None = None) -> Path:
    """A site file; each site has gateways of its own, by numbers: a name server may take seconds to know no name."""
    own = [(f"host: 127.0.0.1, port: {port}", f"host: {HOSTS[key]}, port: {port}") for port in (15020, 15021, 15080)]
    text = GOOD
    for old, new in [("key: home01", f"key: {key}"), *own, *changes]:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / f"{name or key}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def standing(platform: Platform) -> dict[tuple[str | None, str], str]:
    with platform.warehouse.begin() as connection:
        found = alarms.open_alarms(connection)
    return {(site, kind): text for site, kind, text in found.select("site_key", "kind", "text").iter_rows()}


def enabled(platform: Platform) -> dict[str, bool]:
    return {site.key: site.control.enabled for site in platform.sites()}


def later(platform: Platform) -> None:
    assert isinstance(platform.clock, SimulatedClock)
    platform.clock.advance_to(platform.clock.now() + timedelta(minutes=1))


def test_a_broken_file_is_an_alarm_of_its_site_and_the_others_are_followed(platform: Platform, folder: Path) -> None:
    for key in ("home01", "home02"):
        put(folder, key)
    assert follow_files(platform).faults == []
    assert standing(platform) == {}
    later(platform)
    (folder / "home02.yaml").write_text("key: [")
    put(folder, "home01", ("control: {enabled: true}", "control: {enabled: false}"))
    (fault,) = follow_files(platform).faults
    assert enabled(platform) == {"home01": False, "home02": True}, "the owner's no arrives whatever lies beside it"
    ((of, text),) = standing(platform).items()
    assert of == ("home02", "site-file:home02.yaml")
    assert fault in text
    assert "home02 goes on as it was registered before" in text
    later(platform)
    put(folder, "home02")
    assert follow_files(platform).faults == []
    assert standing(platform) == {}


def test_the_same_fault_is_one_alarm_however_often_somebody_looks(platform: Platform, folder: Path) -> None:
    (folder / "x.yaml").write_text("- a")
    for _ in range(3):
        follow_files(platform)
    with platform.warehouse.begin() as connection:
        (row,) = alarms.open_alarms(connection).rows(named=True)
    assert (row["times"], row["site_key"], row["kind"]) == (1, None, "site-file:x.yaml")


def test_a_file_that_is_gone_is_told_and_its_site_goes_on(platform: Platform, folder: Path) -> None:
    put(folder, "home01")
    gone = put(folder, "home02")
    follow_files(platform)
    gone.unlink()
    follow_files(platform)
    assert set(enabled(platform)) == {"home01", "home02"}
    assert list(standing(platform)) == [("home02", "site-file:missing")]
    put(folder, "home02", name="renamed")
    follow_files(platform)
    assert standing(platform) == {}


def test_a_folder_that_is_gone_is_one_alarm(platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "home01")
    follow_files(platform)
    monkeypatch.setenv("EMS_SITES", str(folder / "nowhere"))
    follow_files(platform)
    assert list(standing(platform)) == [(None, "site-file:nowhere")]
    assert set(enabled(platform)) == {"home01"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("market_zone: CZ", "market_zone: XX"), "market_zone = 'XX': is no market zone that a price source serves"),
        (("market_zone: CZ", "market_zone: DE"), "is no market zone that a price source serves; write DE-LU"),
        (("market_zone: CZ", "market_zone: GB"), "is no market zone"),
        (("map: teltonika-teltocharge", "map: teltonica"), "devices[wallbox-1].map = 'teltonica'"),
        (("gateway: miniserver}", "gateway: rs485}"), "map loxone-miniserver speaks http, gateway 'rs485' modbus-tcp"),
    ],
)  # fmt: skip
def test_what_the_file_names_must_be_known_outside_of_it(
    platform: Platform, folder: Path, change: tuple[str, str], said: str
) -> None:
    put(folder, "home01", change)
    (fault,) = follow_files(platform).faults
    assert said in fault
    assert enabled(platform) == {}


def test_every_unknown_map_is_listed(folder: Path) -> None:
    wrong = [("deye-sun-20k-hp3", "none-1"), ("samsung-ehs-mim-b19n", "none-2"), ("market_zone: CZ", "market_zone: Z")]
    put(folder, "home01", *wrong)
    (fault,) = read_sites()
    for said in ("has 3 fault(s)", "devices[inverter].map = 'none-1'", "devices[heat-pump].map = 'none-2'"):
        assert said in str(fault)


def test_what_the_registry_refuses_is_told_and_costs_that_site_alone(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("home01", "home02"):
        put(folder, key)
    add = registry._add_version

    def refusing(connection: Connection, site: Site, known_at: datetime) -> bool:
        if site.key == "home01":
            raise ValueError("no")
        return add(connection, site, known_at)

    monkeypatch.setattr(registry, "_add_version", refusing)
    (fault,) = follow_files(platform).faults
    assert "site home01 cannot be registered" in fault
    monkeypatch.undo()
    assert set(enabled(platform)) == {"home02"}


def test_the_sensor_asks_for_a_run_when_a_file_breaks_and_when_it_is_mended(platform: Platform, folder: Path) -> None:
    put(folder, "home01")
    put(folder, "home02")
    with dg.instance_for_test() as instance:
        runs, cursor = InProcess(platform, instance), None

        def asked() -> bool:
            nonlocal cursor
            context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"ems": platform})
            request = sensors.site_sensor(context)
            cursor = context.cursor
            if isinstance(request, dg.RunRequest):
                runs.job(request._replace(job_name="sync_sites"))
            return isinstance(request, dg.RunRequest)

        assert [asked(), asked()] == [True, False]
        assert set(instance.get_dynamic_partitions(str(site_partitions.name))) == {"home01", "home02"}
        (folder / "home02.yaml").write_text("key: [")
        assert [asked(), asked()] == [True, False]
        assert list(standing(platform)) == [("home02", "site-file:home02.yaml")]
        put(folder, "home02")
        assert [asked(), asked()] == [True, False]
        assert standing(platform) == {}


OFF = ("control: {enabled: true}", "control: {enabled: false}")


@pytest.mark.parametrize(
    "wrong",
    [
        ("market_zone: CZ", "market_zone: XX"),
        ("capacity_wh: 15000", "capacity_wh: .inf"),
        ("charge_limit_w: 8000", "chargelimit_w: 8000"),
        ("options: {frost_c: -10.0}", "options: {frost_c: 99.0}"),
        ("max_current_a: 16", "max_current_a: 40"),
    ],
)
def test_the_owners_no_counts_whatever_else_is_wrong_with_the_file(
    platform: Platform, folder: Path, wrong: tuple[str, str]
) -> None:
    put(folder, "home01")
    put(folder, "home02")
    follow_files(platform)
    (before,) = [site for site in platform.sites() if site.key == "home01"]
    later(platform)
    put(folder, "home01", OFF, wrong)
    assert follow_files(platform).changed == 1
    assert enabled(platform) == {"home01": False, "home02": True}
    (after,) = [site for site in platform.sites() if site.key == "home01"]
    assert after == before.model_copy(update={"control": after.control}), "nothing else of the file is believed"
    assert "home01 is not steered, as the file says" in standing(platform)["home01", "site-file:home01.yaml"]
    assert follow_files(platform).changed == 0
    later(platform)
    put(folder, "home01")
    follow_files(platform)
    assert enabled(platform)["home01"]


def test_a_no_counts_in_a_file_that_cannot_be_registered(platform: Platform, folder: Path) -> None:
    put(folder, "home01")
    put(folder, "home02")
    follow_files(platform)
    later(platform)
    put(folder, "home02", OFF, (f"host: {HOSTS['home02']}", f"host: {HOSTS['home01']}"))
    follow_files(platform)
    assert enabled(platform) == {"home01": True, "home02": False}
    assert ("home02", "site-file:home02") in standing(platform)


@pytest.mark.parametrize("said", ["'false'", "0", "null", "no thanks"])
def test_what_is_no_plain_no_is_none(platform: Platform, folder: Path, said: str) -> None:
    put(folder, "home01")
    follow_files(platform)
    later(platform)
    put(folder, "home01", (OFF[0], f"control: {{enabled: {said}}}"), ("market_zone: CZ", "market_zone: XX"))
    follow_files(platform)
    assert enabled(platform) == {"home01": True}


def test_a_second_file_of_a_site_does_not_speak_for_it(platform: Platform, folder: Path) -> None:
    put(folder, "home01")
    put(folder, "home01", OFF, name="copy")
    follow_files(platform)
    assert enabled(platform) == {"home01": True}
