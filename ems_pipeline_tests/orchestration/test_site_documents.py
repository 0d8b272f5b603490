"""A document that came over HTTP is held against the laws where it is done, and lands in the site's file or nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.sites import Site
from ems_pipeline.steps import site_documents
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_sites
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.asked import Asked, NotAnswered

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(home01: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMS_SITES", str(tmp_path))
    (tmp_path / "home01.yaml").write_text(json.dumps(home01.model_dump(mode="json")), encoding="utf-8")
    return tmp_path


@pytest.fixture
def platform(warehouse: Warehouse, folder: Path) -> Iterator[Platform]:
    del folder
    platform = Platform(warehouse, SimulatedClock(NOON), read_sites)
    with warehouse.begin() as connection:
        connection.exec_driver_sql("TRUNCATE ems.control_arm")
    follow_files(platform)
    yield platform
    with warehouse.begin() as connection:
        registry.set_active(connection, "home01", is_active=True)


def asked(site: Site, made_on: Site | None = None, **changes: Any) -> Asked:
    document = site.model_dump(mode="json") | changes
    parameters = {"document": document, "made_on": None if made_on is None else registry.config_hash(made_on)}
    return Asked("1", "site-document", "home01" if made_on else "", parameters, "web:anna", NOON, "running")


def newest(platform: Platform) -> Site:
    with platform.warehouse.begin() as connection:
        return registry.newest(connection, "home01")


def test_a_document_becomes_the_file_and_the_version(platform: Platform, folder: Path, home01: Site) -> None:
    before = (folder / "home01.yaml").read_text(encoding="utf-8")
    result = site_documents.take(platform, asked(home01, home01, usual_load_w=510))
    assert newest(platform).usual_load_w == 510
    assert result == {"site": "home01", "config_hash": registry.config_hash(newest(platform))}
    (kept,) = folder.glob(".home01.yaml.2*")
    assert kept.read_text(encoding="utf-8") == before
    assert follow_files(platform).changed == 0, "the file says what is registered"


def test_what_is_not_changed_in_a_file_stands_as_its_owner_wrote_it(platform: Platform, folder: Path) -> None:
    """Comments, order, quotes and defaults that are left out: of the demo's file one line is another one."""
    demo = (Path(__file__).parents[2] / "sites" / "home01.yaml").read_text(encoding="utf-8")
    (folder / "home01.yaml").unlink()
    (folder / "our-house.yaml").write_text(demo, encoding="utf-8")
    follow_files(platform)
    standing = newest(platform)
    site_documents.take(platform, asked(standing, standing, usual_load_w=510))
    written = (folder / "our-house.yaml").read_text(encoding="utf-8")
    assert written == demo.replace("usual_load_w: 450", "usual_load_w: 510")
    assert not (folder / "home01.yaml").exists()
    assert newest(platform).usual_load_w == 510


def test_a_file_that_cannot_be_changed_in_place_is_written_whole(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_documents, "revised", lambda text, before, after: text)  # a change that gets lost
    standing = newest(platform)
    site_documents.take(platform, asked(standing, standing, usual_load_w=515))
    assert newest(platform).usual_load_w == 515


def test_a_fault_of_a_neighbour_whose_name_begins_the_same_is_not_this_sites(
    platform: Platform, folder: Path, home01: Site
) -> None:
    (folder / "home012.yaml").write_text("key: home012\nname: [", encoding="utf-8")
    site_documents.take(platform, asked(home01, newest(platform), usual_load_w=470))
    assert newest(platform).usual_load_w == 470


def test_of_two_changes_made_on_one_version_the_second_is_refused(platform: Platform, home01: Site) -> None:
    standing = newest(platform)
    site_documents.take(platform, asked(standing, standing, usual_load_w=520))
    with pytest.raises(NotAnswered, match="another version by now"):
        site_documents.take(platform, asked(standing, standing, usual_load_w=530))
    assert newest(platform).usual_load_w == 520


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"control": {"enabled": False}}, "control"),
        ({"gateways": []}, "gateway"),
        ({"grid": {"import_limit_w": 30000, "export_limit_w": 10000}}, "the site is armed"),
        ({"devices": [{"key": "inverter", "map": "no-such-map", "gateway": "rs485"}]}, "no-such-map"),
        ({"usual_lod_w": 3}, "usual_load_w"),
    ],
)
def test_a_site_armed_since_it_was_sent_keeps_its_limits(
    platform: Platform, folder: Path, changes: dict[str, Any], told: str
) -> None:
    standing, before = newest(platform), (folder / "home01.yaml").read_text(encoding="utf-8")
    with platform.warehouse.begin() as connection:
        arming.arm(connection, "home01", NOON, "test")
    with pytest.raises(NotAnswered, match=told):
        site_documents.take(platform, asked(standing, standing, **changes))
    assert newest(platform) == standing
    assert (folder / "home01.yaml").read_text(encoding="utf-8") == before
    assert [path.name for path in folder.iterdir()] == ["home01.yaml"]


def test_a_document_of_another_site_than_was_meant_is_nobodys(platform: Platform) -> None:
    standing = newest(platform)
    meant = replace(asked(standing, standing), site_key="home02")
    with pytest.raises(NotAnswered, match="home02 was meant"):
        site_documents.take(platform, meant)


def test_a_folder_that_cannot_be_written_is_told(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = newest(platform)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site_documents.os, "replace", full)
    with pytest.raises(NotAnswered, match="No space left on device"):
        site_documents.take(platform, asked(standing, standing, usual_load_w=540))
    assert newest(platform) == standing
    assert not list(folder.glob("*.new"))


def test_a_site_out_of_service_stays_registered(platform: Platform) -> None:
    standing = newest(platform)
    site_documents.take(platform, asked(standing, standing, active=False))
    with platform.warehouse.begin() as connection:
        assert "home01" not in registry.active_keys(connection)
        assert "home01" in registry.all_keys(connection)
