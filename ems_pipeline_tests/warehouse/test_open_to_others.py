"""Which files of a home somebody else could read: what is behind a closed door is not open."""

from __future__ import annotations

from pathlib import Path

import pytest

from ems_pipeline.cli import doors
from ems_pipeline.warehouse import local


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    (folder / "dagster").mkdir(parents=True)
    (folder / "dagster" / "log").touch()
    for path, mode in (("", 0o700), ("dagster", 0o755), ("dagster/log", 0o644)):
        (folder / path).chmod(mode)
    monkeypatch.setenv("EMS_HOME", str(folder))
    return folder


def found(home: Path) -> list[str]:
    return [str(path.relative_to(home)) for path in local.open_to_others(home)]


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (0o700, []),
        (0o711, ["dagster", "dagster/log"]),
        (0o755, [".", "dagster", "dagster/log"]),
        (0o744, ["."]),  # a list of names, and no way in
        (0o710, ["dagster", "dagster/log"]),
        (0o730, [".", "dagster", "dagster/log"]),
    ],
)
def test_a_file_is_open_as_far_as_every_folder_on_the_way_lets_others_pass(
    home: Path, mode: int, names: list[str]
) -> None:
    home.chmod(mode)
    assert found(home) == names


def test_a_closed_folder_below_an_open_one_keeps_what_is_in_it(home: Path) -> None:
    home.chmod(0o711)
    (home / "dagster").chmod(0o700)
    assert found(home) == []


def test_a_link_opens_nothing(home: Path) -> None:
    home.chmod(0o711)
    (home / "dagster").chmod(0o700)
    (home / "link").symlink_to(home / "dagster")
    assert found(home) == []


def test_open_files_are_warnings_with_their_remedy_and_not_all_are_listed(home: Path) -> None:
    assert [finding.level for finding in doors.files()] == ["good"]
    for number in range(doors.SHOWN + 5):
        (home / f"file{number:03}").touch()
        (home / f"file{number:03}").chmod(0o604)
    home.chmod(0o701)
    (home / "dagster").chmod(0o700)
    findings = list(doors.files())
    assert len(findings) == doors.SHOWN + 1
    assert {finding.level for finding in findings} == {"warning"}
    assert "5 more" in findings[-1].text
    assert f"chmod go= {home / 'file000'}" in findings[0].text
