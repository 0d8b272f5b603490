"""Random situations of control: a site in a quarter-hour, with whatever people, files, clocks and devices do meanwhile.

Many sites are steered at once, each situation by one control run and looks after it. Run in full by
`benchmarks/control_fuzz.py`, a share of it by the suite.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from ems_pipeline import control, settings, time_grid
from ems_pipeline.control import cycle, gateways, lifecycle
from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices import protocols
from ems_pipeline.devices.installed.address import wires_of
from ems_pipeline.devices.points import map_file
from ems_pipeline.sites import Gateway, Site, SiteFileError
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, arming, overrides, setpoints, supervision
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.gateway_lock import gateway_locks
from ems_pipeline_tests.control.fuzz_world import INVERTER, NOON, WALLBOX, Truth, Wire, World
from ems_pipeline_tests.control.test_fuzz import WISHES, wild_plan

WITHDRAWN = 0.04
"""Share of the situations in which something is withdrawn while the run is at the device."""
EVENTS: dict[str, float] = {
    "arm": 0.25, "arm for minutes": 0.03, "disarm": 0.05, "override": 0.15, "cancel": 0.08, "limits up": 0.02,
    "limits down": 0.02, "gateway moved": 0.015, "unit changed": 0.015, "device renamed": 0.015, "renamed": 0.02,
    "enabled or not": 0.04, "removed": 0.015, "back in service": 0.3, "row spoilt": 0.01, "silent device": 0.03,
    "answers again": 0.5, "copied file": 0.005,
}  # fmt: skip
"""What may happen to a site before a control run, and how often."""
ASSETS = frozenset({"pack", "car-1", "roof-south"})
CLOCK_JUMPS = 0.03
MAP_EDITS = 0.08
"""Share of the rounds before which the wallbox's map has another range."""
RELOADS, FILES = 0.1, 0.15
"""Share of the rounds before which other code is loaded; and before which the site files are looked at, one broken."""
KEPT = 0.03
"""Share of the rounds in which another controller keeps the gateways of some sites."""


class Fuzz:
    """The fuzz of some sites over many rounds; ``world.breaches`` is what was found."""

    def __init__(self, warehouse: Warehouse, demo: Site, sites: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.world = World(self.rng)
        self.warehouse = warehouse
        self.happened: Counter[str] = Counter()
        self._editor, self._reader = random.Random(seed + 1), random.Random(seed + 2)
        self._ports = iter(range(20_000, 10**9))
        self._withdrawals: dict[str, str] = {}
        """Site by the address at whose next request something is withdrawn from it."""
        for number in range(sites):
            self._register(self._site(demo, f"fuzz-{number}"))

    @property
    def now(self) -> Any:
        return self.world.clock.now()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The program talks to the fuzz's devices instead of to gateways."""
        Wire.world = self.world
        self.world.meanwhile = self._meanwhile
        write = self.world.watched(SiteSession._write)
        with ExitStack() as patches:
            for owner, name, value in (
                (protocols, "Connection", Wire), (SiteSession, "_write", write), (cycle, "PATIENCE_S", 0.0),
                (gateways, "WIRE_PATIENCE_S", 0.0),
            ):  # fmt: skip
                patches.enter_context(mock.patch.object(owner, name, value))
            patches.enter_context(
                mock.patch.dict(os.environ, {settings.DEVICE_MAPS.name: str(self.world.shelf.folder)})
            )
            yield

    def round(self) -> int:
        """A quarter-hour of every site; how many situations that were."""
        self._set_clock()
        self._edit_a_map()
        self._reload()
        self._follow_files()
        for key in self.world.truths:
            for event, share in EVENTS.items():
                if self.rng.random() < share:
                    self._happen(event, key)
        self._plan()
        with self._kept():
            self._withdrawals = self._chosen()
            sites = self._served()
            control.run_control(self.warehouse, sites, time_grid.floor_slot(self.now), self.now, self.world.clock)
            self._withdrawals = self._chosen()
            self._look(minutes=2)
        if self.rng.random() < 0.5:
            self._look(minutes=6)
        return len(self.world.truths)

    def settle(self) -> None:
        """Everybody withdraws, every device answers: a while later nothing may be left."""
        self.world.silent.clear()
        self.world.clock.at = max(self.now, self._latest()) + SLOT
        for key, truth in self.world.truths.items():
            self._happen("disarm", key)
            if not truth.is_readable:
                self._register(truth.site)
        for _ in range(4):
            self._look(minutes=16)
        with self.warehouse.begin() as connection:
            left = setpoints.held(connection)
            states = query(connection, "SELECT DISTINCT state FROM ems.setpoint")["state"].to_list()
        self.world.breaches += [f"left behind: {one}" for one in left]
        self.world.breaches += [f"a set-point never ended: {s}" for s in set(states) - lifecycle.ENDS]
        for at, name in self.world.maps.items():
            if name == INVERTER and self.world.value(at, "grid_charge_enable"):
                self.world.breaches.append(f"{at} still charges from the grid")
            if name == WALLBOX and self.world.value(at, "current_limit") == 0:
                self.world.breaches.append(f"{at} is still held back")

    def forget_history(self) -> None:
        """Ended set-points of long ago are no part of any situation to come, and would only slow the fuzz."""
        with self.warehouse.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ems.planning_run")
            connection.execute(sa.text("DELETE FROM ems.telemetry"))

    def _site(self, demo: Site, key: str) -> Site:
        gateway = demo.gateways[0].model_copy(update={"host": "127.0.0.1", "port": next(self._ports), "gap_s": 0.0})
        devices = tuple(
            d.model_copy(update={"gateway": gateway.key, "options": {"gap_s": 0.0}})
            for d in demo.devices
            if d.key in ("inverter", "wallbox-1")
        )
        cut = {"devices": devices, "gateways": (gateway,), "chargers": demo.chargers[:1], "heat_pumps": ()}
        return demo.model_copy(update=cut | {"key": key, "fuses": ()})

    def _register(self, site: Site) -> None:
        with self.warehouse.engine.begin() as connection:
            registry.register(connection, [site], self.now)
        self.world.place(site)
        truth = self.world.truths.setdefault(site.key, Truth(site, ""))
        truth.site, truth.config_hash = site, registry.config_hash(site)
        truth.is_readable = True

    def _happen(self, event: str, key: str) -> None:
        truth = self.world.truths[key]
        if event in ("back in service", "answers again") and truth.is_active and not self.world.silent:
            return
        self.happened[event] += 1
        DEEDS[event](self, key, truth)

    def _arm(self, key: str, truth: Truth) -> None:
        self._armed(key, truth, timedelta(days=30))

    def _arm_shortly(self, key: str, truth: Truth) -> None:
        self._armed(key, truth, timedelta(minutes=self.rng.randint(1, 20)))

    def _armed(self, key: str, truth: Truth, length: timedelta) -> None:
        if not truth.is_readable:
            return
        truth.armed_at, truth.until_at = self.now, self.now + length
        truth.armed_for, truth.armed_most_a = truth.site, self.world.shelf.most_a
        with self.warehouse.engine.begin() as connection:
            arming.arm(connection, key, self.now, "fuzz", truth.until_at)

    def _disarm(self, key: str, truth: Truth) -> None:
        truth.armed_at = None
        with self.warehouse.engine.begin() as connection:
            arming.disarm(connection, key, self.now, "fuzz")

    def _override(self, key: str, truth: Truth) -> None:
        wish = self.rng.choice(WISHES)
        end = self.now + timedelta(minutes=self.rng.randint(1, 40))
        with self.warehouse.engine.begin() as connection:
            overrides.add(connection, key, *wish, self.now, end, "fuzz", self.now)

    def _cancel(self, key: str, truth: Truth) -> None:
        with self.warehouse.engine.begin() as connection:
            for number in overrides.listing(connection, key, self.now)["control_override_id"]:
                overrides.cancel(connection, number, self.now, "fuzz")
                truth.cancelled.add(number)

    def _limits(self, factor: float) -> Callable[[str, Truth], None]:
        def change(_: str, truth: Truth) -> None:
            battery = truth.site.batteries[0]
            power_w = min(max(battery.charge_limit_w * factor, 1000.0), 12_000.0)
            pack = battery.model_copy(update={"charge_limit_w": power_w})
            self._register(truth.site.model_copy(update={"batteries": (pack,)}))

        return change

    def _move(self, key: str, truth: Truth) -> None:
        gateway: Gateway = truth.site.gateways[0].model_copy(update={"port": next(self._ports)})
        self._register(truth.site.model_copy(update={"gateways": (gateway,)}))

    def _unit(self, key: str, truth: Truth) -> None:
        first, *others = truth.site.devices
        moved = first.model_copy(update={"unit_id": first.unit_id % 9 + 1})
        self._register(truth.site.model_copy(update={"devices": (moved, *others)}))

    def _rename_device(self, key: str, truth: Truth) -> None:
        *others, last = truth.site.devices
        name = f"box-{next(self._ports)}"
        chargers = (truth.site.chargers[0].model_copy(update={"device": name}),)
        devices = (*others, last.model_copy(update={"key": name}))
        self._register(truth.site.model_copy(update={"devices": devices, "chargers": chargers}))

    def _rename(self, key: str, truth: Truth) -> None:
        self._register(truth.site.model_copy(update={"name": f"site {next(self._ports)}"}))

    def _enable(self, key: str, truth: Truth) -> None:
        enabled = not truth.site.control.enabled
        policy = truth.site.control.model_copy(update={"enabled": enabled})
        self._register(truth.site.model_copy(update={"control": policy}))

    def _remove(self, key: str, truth: Truth, *, is_active: bool = False) -> None:
        truth.is_active = is_active
        with self.warehouse.engine.begin() as connection:
            registry.set_active(connection, key, is_active)

    def _return(self, key: str, truth: Truth) -> None:
        self._remove(key, truth, is_active=True)
        if not truth.is_readable:
            self._register(truth.site)

    def _spoil(self, key: str, truth: Truth) -> None:
        truth.is_readable = False
        with self.warehouse.engine.begin() as connection:
            connection.execute(
                sa.text("""INSERT INTO ems.site_config (site_key, config_hash, config, known_at)
                           SELECT :key, 'spoilt', '{"key": null}', max(known_at) + interval '1 s'
                           FROM ems.site_config WHERE site_key = :key"""),
                {"key": key},
            )

    def _silence(self, key: str, truth: Truth) -> None:
        device = self.rng.choice(truth.site.devices)
        address = wires_of(truth.site)[device.key].split()[0]
        self.world.silent.add((address, device.unit_id))

    def _answer(self, key: str, truth: Truth) -> None:
        if self.world.silent:
            self.world.silent.discard(self.rng.choice(sorted(self.world.silent)))

    def _copy(self, key: str, truth: Truth) -> None:
        try:
            with self.warehouse.engine.begin() as connection:
                registry.register(connection, [truth.site.model_copy(update={"key": "copy"})], self.now)
        except registry.DeviceTwice:
            return
        if truth.is_active and truth.is_readable:
            self.world.breaches.append(f"a copy of {key} was registered beside it")
        with self.warehouse.engine.begin() as connection:
            registry.set_active(connection, "copy", False)

    def _chosen(self) -> dict[str, str]:
        chosen = (key for key in self.world.truths if self.rng.random() < WITHDRAWN)
        return {next(iter(wires_of(self.world.truths[key].site).values())).split()[0]: key for key in chosen}

    def _meanwhile(self, address: str) -> None:
        """Right before a request something is withdrawn from the site it is for."""
        if address in self._withdrawals and self.rng.random() < 0.1:
            event = self.rng.choice(["disarm", "enabled or not", "removed", "cancel", "renamed", "gateway moved"])
            self._happen(event, self._withdrawals.pop(address))
            self.happened["withdrawn at the wire"] += 1

    def _edit_a_map(self) -> None:
        """Between two runs, for all sites at once."""
        if self._editor.random() < MAP_EDITS:
            self.happened["map edited"] += 1
            self.world.shelf.allow(self._editor.choice([20, 32, 40]))

    def _reload(self) -> None:
        """Other code decides from now on: nothing that the process remembered is left to it."""
        if self._reader.random() < RELOADS:
            self.happened["reload"] += 1
            for remembered in REMEMBERED:
                remembered.cache_clear()
            with self.warehouse.begin() as connection:
                supervision.note_reload(connection, self.now)

    def _follow_files(self) -> None:
        """The folder is read: a neighbour's file is broken, and may still say that its owner wants no control."""
        if self._reader.random() >= FILES:
            return
        self.happened["broken neighbour file"] += 1
        key = self._reader.choice(sorted(self.world.truths))
        withdraws = self._reader.random() < 0.5
        broken = SiteFileError(Path(f"{key}.yaml"), "has a fault", key, withdraws=withdraws)
        good = [t.site for k, t in self.world.truths.items() if k != key and t.is_active and t.is_readable]
        follow_files(Platform(self.warehouse, self.world.clock, lambda: [broken, *good]))
        truth = self.world.truths[key]
        if withdraws and truth.site.control.enabled:
            self.happened["withdrawn in a broken file"] += 1
            policy = truth.site.control.model_copy(update={"enabled": False})
            truth.site = truth.site.model_copy(update={"control": policy})
            truth.config_hash, truth.is_readable = registry.config_hash(truth.site), True

    def _set_clock(self) -> None:
        jump = timedelta(0)
        if self.rng.random() < CLOCK_JUMPS:
            self.happened["clock jumps"] += 1
            jump = timedelta(minutes=self.rng.randint(-120, 120))
        self.world.clock.at = time_grid.floor_slot(self.now) + SLOT + jump

    def _latest(self) -> Any:
        with self.warehouse.begin() as connection:
            return query(connection, "SELECT max(intended_at) AS at FROM ems.setpoint")["at"][0] or NOON

    def _look(self, minutes: float) -> None:
        self.world.clock.at += timedelta(minutes=minutes)
        control.run_verification(self.warehouse, self._served(), self.now, self.world.clock)

    def _served(self) -> list[Site]:
        with self.warehouse.begin() as connection:
            return registry.configured(connection)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        if self.rng.random() >= KEPT:
            yield
            return
        self.happened["gateways kept"] += 1
        with gateway_locks(self.warehouse, "fuzz") as locks:
            for truth in self.rng.sample(list(self.world.truths.values()), 5):
                locks.steer({wire.split()[0] for wire in wires_of(truth.site).values()})
            yield

    def _plan(self) -> None:
        """Wild plans for most sites, verified and fresh, or not."""
        runs, rows = [], []
        for key in self.world.truths:
            if self.rng.random() < 0.2:
                continue
            slot, age = time_grid.floor_slot(self.now), timedelta(minutes=self.rng.choice([0, 0, 0, 0, 50]))
            is_verified = self.rng.random() < 0.95
            runs.append({
                "site_key": key, "kind": "rolling", "day": str(slot.date()), "decided_at": str(self.now - age),
                "recorded_at": str(self.now - age), "horizon_start": str(slot), "horizon_end": str(slot + 2 * SLOT),
                "status": "optimal", "is_verified": is_verified, "is_hindsight": False, "config_hash": "-",
                "code_version": "-", "planner": "site-file", "is_shadow": False, "inputs": {}, "unmet": [],
                "violations": [],
            })  # fmt: skip
            rows.append([
                {"starts_at": str(slot), "asset_key": asset, "kind": kind, "mode": mode, "power_w": power_w,
                 "limits": limits}
                for asset, kind, mode, power_w, limits in wild_plan(self.rng) if asset in ASSETS
            ])  # fmt: skip
        with self.warehouse.begin() as connection:
            connection.execute(
                sa.text("""WITH given AS (SELECT run, rows FROM jsonb_to_recordset(CAST(:given AS jsonb))
                                          AS g(run jsonb, rows jsonb)),
                           made AS MATERIALIZED (SELECT ems.fn_create_planning_run(run) AS id, rows FROM given)
                           INSERT INTO ems.planning_device_interval
                               (planning_run_id, starts_at, asset_key, kind, power_w, mode, limits)
                           SELECT id, r.starts_at, r.asset_key, r.kind, r.power_w, r.mode, r.limits FROM made,
                               jsonb_to_recordset(rows) AS r(starts_at timestamptz, asset_key text, kind text,
                                                             power_w float8, mode text, limits jsonb)"""),
                {"given": json.dumps([{"run": run, "rows": its} for run, its in zip(runs, rows, strict=True)])},
            )


REMEMBERED = (registry._read, map_file._read_cached, map_file._base_name)
DEEDS: dict[str, Callable[[Fuzz, str, Truth], None]] = {
    "arm": Fuzz._arm, "arm for minutes": Fuzz._arm_shortly, "disarm": Fuzz._disarm, "override": Fuzz._override,
    "cancel": Fuzz._cancel, "limits up": lambda f, k, t: f._limits(1.3)(k, t),
    "limits down": lambda f, k, t: f._limits(0.7)(k, t), "gateway moved": Fuzz._move, "unit changed": Fuzz._unit,
    "device renamed": Fuzz._rename_device, "renamed": Fuzz._rename, "enabled or not": Fuzz._enable,
    "removed": Fuzz._remove, "back in service": Fuzz._return, "row spoilt": Fuzz._spoil,
    "silent device": Fuzz._silence, "answers again": Fuzz._answer, "copied file": Fuzz._copy,
}  # fmt: skip
