"""`ems site`: a good file is in service at once, also in a fresh home; a failed add leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ems_pipeline.cli.app import app
from ems_pipeline.warehouse import Warehouse, embedded
from ems_pipeline_tests.cli.test_terminal import ems
from ems_pipeline_tests.conftest import ROOT

DEMO = ROOT / "sites" / "home01.yaml"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home where nothing is yet; outside of pytest's folders, which the database's own user cannot enter."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        for name, value in {"EMS_HOME": home, "EMS_SITES": Path(folder) / "sites" / "mine"}.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.delenv("EMS_DATABASE_URL", raising=False)
        yield Path(folder)
        embedded.stop(home / "postgres")


def test_a_site_is_added_to_a_fresh_home(fresh: Path) -> None:
    said = ems("site", "add", str(DEMO))
    assert said.returncode == 0, said.stderr
    assert "home01 is registered and active" in said.stdout
    placed = fresh / "sites" / "mine" / "home01.yaml"
    assert placed.read_bytes() == DEMO.read_bytes()
    assert ems("site", "add", str(placed)).returncode == 0, "an edited file is added by its own name"
    again = ems("site", "add", str(DEMO))
    assert (again.returncode, "exists already; edit it" in again.stderr) == (1, True)
    assert "active" in ems("site", "list").stdout
    armed = ems("control", "arm", "elsewhere")
    assert (armed.returncode, armed.stderr.count("\n")) == (1, 1), armed.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("market_zone: CZ", "market_zone: XX"),
        ("timezone: Europe/Prague", "timezone: MET"),
        ("{key: car-2, device: wallbox-2", "{key: car-2, device: wallbox-1"),  # one box, two cars
        (
            "\nchargers:",
            "\n  - {key: pack-2, device: inverter, capacity_wh: 5000, charge_limit_w: 2500, discharge_limit_w: 2500}"
            "\n\nchargers:",
        ),  # one inverter, two batteries
    ],
)
def test_a_wrong_file_is_not_added(fresh: Path, wrong: tuple[str, str]) -> None:
    file = fresh / "new.yaml"
    file.write_text(DEMO.read_text(encoding="utf-8").replace(*wrong), encoding="utf-8")
    said = CliRunner().invoke(app, ["site", "add", str(file)])
    assert "has 1 fault(s)" in str(said.exception)
    assert not (fresh / "sites").exists()
    assert not (fresh / "home").exists(), "nothing was begun for it"


def test_an_add_that_fails_leaves_nothing_behind(
    fresh: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("postgresql://nobody@127.0.0.1:1/ems", warehouse.url.set(drivername="postgresql")):
        monkeypatch.setenv("EMS_DATABASE_URL", str(address))
        monkeypatch.setattr("ems_pipeline.warehouse.sites.set_active", _fails)
        said = CliRunner().invoke(app, ["site", "add", str(DEMO)])
        assert said.exit_code == 1
        assert not (fresh / "sites").exists()


def _fails(*_: object) -> None:
    raise RuntimeError("no")


def test_a_home_that_is_none_is_one_line_with_the_remedy(fresh: Path) -> None:
    (fresh / "home").touch()
    for command in (
        ["status"],
        ["site", "add", str(DEMO)],
        ["up", "--port", "3999"],
        ["demo", "--home", str(fresh / "home")],
    ):
        said = ems(*command)
        assert (said.returncode, said.stdout) == (1, ""), command
        assert said.stderr.count("\n") == 1, said.stderr
        assert "cannot be used" in said.stderr
        assert "by EMS_HOME or --home" in said.stderr


def test_a_check_warns_of_what_nothing_obeys_for(fresh: Path) -> None:
    file = fresh / "new.yaml"
    text = DEMO.read_text(encoding="utf-8")
    for name in ("deye-sun-20k-hp3", "teltonika-teltocharge", "samsung-ehs-mim-b19n"):
        text = text.replace(f"map: {name}", "map: eastron-sdm630")
    file.write_text(
        text.replace("  - {key: loxone, map: loxone-miniserver, gateway: miniserver}\n", ""), encoding="utf-8"
    )
    said = ems("site", "check", str(file))
    assert said.returncode == 0, said.stderr
    assert "warning: nothing will obey for 'pack', whose device's map eastron-sdm630 only measures" in said.stdout
    assert "warning: control is enabled, and no device of the site obeys anything" in said.stdout
