"""Dagster's own commands that look at definitions work in a checkout: no database, no home, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ems_pipeline import settings
from ems_pipeline.orchestration.machinery.storage import KeptStorage
from ems_pipeline_tests.conftest import ROOT

OURS = ("DAGSTER_", "EMS_")


def checked(command: list[str], tmp_path: Path) -> str:
    """Execute it in the checkout without any setting; what it said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environ |= {"TMPDIR": str(tmp_path), "EMS_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not (tmp_path / "home").exists(), "looking at definitions starts no database"
    assert not list(tmp_path.glob("ems-definitions-*")), "the storage is gone with the command"
    return said


@pytest.mark.slow
def test_dagster_validates_the_definitions_of_a_checkout(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    assert "All code locations passed validation" in checked(command, tmp_path)


@pytest.mark.slow
def test_dg_checks_the_definitions_of_a_checkout(tmp_path: Path) -> None:
    dg = os.environ.get("EMS_TEST_DG") or shutil.which("dg", path=str(Path(sys.executable).parent))
    if dg is None:
        pytest.skip("dg is not installed beside this Python, nor named in EMS_TEST_DG")
    assert "All definitions loaded successfully" in checked([dg, "check", "defs"], tmp_path)


def test_whoever_does_more_than_look_needs_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.DAGSTER_DATABASE_URL.name, raising=False)
    monkeypatch.delenv("DAGSTER_IS_DEFS_VALIDATION_CLI", raising=False)
    with pytest.raises(LookupError, match="EMS_DAGSTER_DATABASE_URL is not set"):
        KeptStorage.from_config_value(None, {})
