"""A house to be trusted with: a plant that notes every write, a home with an armed site, `ems` as real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from living import ROOT, free_port
from trust_process import PATIENCE_S, Image, PlantProcess, plant_process

from ems_pipeline.warehouse import embedded

KEY, ASSET, DEVICE = "home01", "pack", "inverter"
EMS = str(Path(sys.executable).parent / "ems")
TOLD = "_price"
WITHIN = 2.0
"""Amperes follow the battery's voltage: a setting within this is the same."""


@dataclass
class House:
    """One home. ``spawn`` is how its `ems up` is started, such as within a bound of memory."""

    folder: Path
    plant: PlantProcess
    rest: Image = field(default_factory=dict)
    up: subprocess.Popen[bytes] | None = None
    port: int = 0
    spawned: int = 0
    spawned_at: float = 0.0

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def site_file(self) -> Path:
        return self.folder / "sites" / "site.yaml"

    @property
    def log(self) -> Path:
        return self.folder / f"up{self.spawned}.log"

    def said(self) -> str:
        """What the newest `ems up` told people."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def environ(self) -> dict[str, str]:
        code = str(self.folder / "code")
        ours = {"EMS_HOME": str(self.home), "EMS_SITES": str(self.folder / "sites"), "PYTHONPATH": code}
        return {**os.environ, **self.plant.environ, **ours, "COLUMNS": "160"}

    def ems(self, *words: str, patience_s: float = 120.0) -> str:
        """What a command says, errors included."""
        done = subprocess.run(
            [EMS, *words], cwd=self.folder / "code", env=self.environ(), capture_output=True, text=True,
            timeout=patience_s, check=False,
        )  # fmt: skip
        return f"{done.stdout}{done.stderr}".strip()

    def spawn(self, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
        """Begin an `ems up` beside whatever runs."""
        self.spawned, self.spawned_at = self.spawned + 1, time.time()
        self.port = free_port()
        command = [EMS, "up", "--no-plant", "--port", str(self.port), "--metrics-port", "0", "--no-web"]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command, cwd=self.folder / "code", env=self.environ(), stdout=log, stderr=log, start_new_session=True,
                preexec_fn=before,
            )  # fmt: skip

    def start(self, before: Callable[[], None] | None = None) -> None:
        """Have one `ems up` that steers."""
        if self.up is None or self.up.poll() is not None:
            self.up = self.spawn(before)
            self.until(self._serves, "ems up does not serve")

    def _serves(self) -> bool:
        assert self.up is not None
        if self.up.poll() is not None:
            raise TimeoutError(f"ems up ended with {self.up.returncode}: {self.said()[-2000:]}")
        decided = f"""SELECT 1 FROM ems.control_decision d, ems.supervisor v
                      WHERE d.decided_at > v.started_at AND v.started_at > to_timestamp({self.spawned_at})"""
        return bool(self.rows(decided))

    def stop(self) -> None:
        """The proper way."""
        if self.up is not None and self.up.poll() is None:
            self.up.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.up.wait(120)
        self.up = None

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """An answer of the house's database; none while it does not answer."""
        import sqlalchemy as sa

        if not embedded.is_running(self.home / "postgres"):
            return []
        url = embedded.start(self.home / "postgres").replace(
            "postgresql://postgres@/", "postgresql+psycopg://postgres@/ems"
        )
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"connect_timeout": 5})
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sa.text(statement))]
        except sa.exc.DBAPIError:
            return []
        finally:
            engine.dispose()

    def alarms(self) -> list[str]:
        """Open alarms, in words."""
        found = self.rows(
            "SELECT severity, coalesce(site_key, '-'), kind, text FROM ems.alarm WHERE cleared_at IS NULL"
        )
        return [f"{severity} {site} {kind}: {text}" for severity, site, kind, text in found]

    def processes(self) -> dict[int, str]:
        """Whoever lives in this home, the database's server and the plant aside; by process number."""
        found, mark = {}, f"EMS_HOME={self.home}\0".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                apart = "postgres" in words.split(" ")[0] or "trust_plant" in words or not words
                if not apart and mark in (path / "environ").read_bytes() + b"\0":
                    found[int(path.name)] = words
        return found

    def until(self, reached: Callable[[], Any], complaint: str, patience_s: float = PATIENCE_S) -> float:
        """Wait; seconds it took. Raises TimeoutError."""
        begin = time.monotonic()
        while not reached():
            if time.monotonic() - begin > patience_s:
                raise TimeoutError(f"{complaint} (waited {patience_s:.0f} s)")
            time.sleep(0.5)
        return time.monotonic() - begin

    def steer(self, minutes: int) -> float:
        """Have a set-point in force that is not idle; when its time is over, in seconds since 1970."""
        limits = ["--limit", "charge_limit_w=3000"]
        told = self.ems("control", "override", "add", KEY, ASSET, "charge", *limits, "--minutes", str(minutes), "--now")
        self.until(lambda: self.plant.image()[DEVICE]["grid_charge_enable"] == 1, f"nothing is in force: {told}", 60)
        told = "SELECT extract(epoch FROM valid_until) FROM ems.setpoint WHERE source = 'override' AND NOT is_shadow"
        return float(self.rows(f"{told} ORDER BY setpoint_id DESC LIMIT 1")[0][0])

    def wish_nothing(self) -> None:
        """Cancel what `steer` asked for."""
        for row in self.rows("SELECT control_override_id FROM ems.control_override WHERE cancelled_at IS NULL"):
            self.ems("control", "override", "cancel", str(row[0]))

    def unlike_rest(self, plant: PlantProcess | None = None, only: str = "") -> list[str]:
        """Settings that are not what a release leaves, of one device or of all; prices are told, not commanded."""
        now = (plant or self.plant).image()
        return [
            f"{device}/{point} holds {now[device][point]:g}, let go it has {value:g}"
            for device, points in self.rest.items()
            for point, value in points.items()
            if (not only or device == only) and not point.endswith(TOLD)
            if abs(now[device][point] - value) > (WITHIN if point.endswith("_current") else 0.0)
        ]


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """A site that is armed, has a past, and is steered by nobody yet."""
    for name in ("ems_pipeline", "sql"):
        shutil.copytree(ROOT / name, folder / "code" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dagster.yaml", folder / "code")
    (folder / "sites").mkdir(parents=True)
    site = yaml.safe_load((ROOT / "sites" / "home01.yaml").read_text(encoding="utf-8"))
    for gateway in site["gateways"]:
        gateway["port"] = free_port()
    (folder / "sites" / "site.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    home = folder / "home"
    mine = {"EMS_HOME": str(home), "EMS_SITES": str(folder / "sites")}
    with plant_process(folder / "sites" / "site.yaml", folder / "plant", mine, past=True) as plant:
        made = House(folder, plant)
        try:
            yield made
        finally:
            made.stop()
            for pid in made.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            embedded.stop(home / "postgres")
