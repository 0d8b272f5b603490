"""A random walk over commands x engine states x faults, judged by a referee written apart: no breach of an interlock.

    python benchmarks/gensets_walk.py [--steps 100000] [--seed 1] [--plant] [--json FILE]

A step is a look of 2 s (longer while nothing runs) at a set in the abstract (`gensets_engine`). Meanwhile commands come
from people and plans, are taken back, sites are disarmed and locked out, somebody chooses modes and presses keys at the
set, links and sensors fail, keys are lost or late, the mains start the set by its master, and the process is killed
before or after any action and goes on from its journal. Exit code 1 when a law was broken.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.gensets_engine import RATED_W, Engine  # noqa: E402
from benchmarks.gensets_plant import PlantSet  # noqa: E402
from benchmarks.gensets_referee import Referee  # noqa: E402
from ems_pipeline.gensets.sequence.advance import advance, opened  # noqa: E402
from ems_pipeline.gensets.sequence.keys import Press  # noqa: E402
from ems_pipeline.gensets.sequence.order import BY_DISPATCH, Kind, Order  # noqa: E402
from ems_pipeline.gensets.sequence.progress import Act, Done, Failed, Progress  # noqa: E402
from ems_pipeline.gensets.sequence.recall import Recall  # noqa: E402
from ems_pipeline.gensets.sequence.rules import Rules, StartBy  # noqa: E402
from ems_pipeline.gensets.sequence.view import View  # noqa: E402
from ems_pipeline.gensets.states import EngineState  # noqa: E402

LOOK_S, IDLE_S = 2, (60, 900)
START = datetime(2026, 3, 2, tzinfo=UTC)


SENSIBLE = {
    EngineState.STANDBY: [Kind.START, Kind.RUN],
    EngineState.RUNNING: [Kind.STOP, Kind.STOP, Kind.POWER, Kind.RUN],
    EngineState.WAIT_LOAD: [Kind.STOP],
}
"""What somebody asks for who looks at the set first; else anything."""


@dataclass
class Walk:
    """One set, its sequences, its faults and its referee."""

    seed: int
    start_by: StartBy = StartBy.MANUAL
    faulty: bool = True
    on_plant: bool = False
    number: int = 0
    order: Order | None = None
    progress: Progress | None = None
    locks: tuple[str, ...] = ()
    withdrawn: str = ""
    cancelled: str = ""
    visited: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.engine: Engine | PlantSet = (PlantSet if self.on_plant else Engine)(self.random, START)
        self.rules = Rules(start_by=self.start_by, rated_power_w=RATED_W)
        self.referee = Referee(self.start_by is StartBy.MANUAL)
        self.recall = Recall()
        self.kept = self.recall.document(START)

    @property
    def now_at(self) -> datetime:
        return self.engine.at

    def step(self) -> None:
        """Time, trouble, people, a look."""
        idle = self.order is None and self.random.random() < 0.05
        self.engine.pass_time(self.random.randint(*IDLE_S) if idle else LOOK_S)
        if self.faulty:
            self.engine.meddle(self.order is None)
        self._people()
        self._look()

    def _people(self) -> None:
        chance = self.random.random
        if self.order is None and chance() < 0.15:
            self._file()
        elif self.order is not None and chance() < 0.003:
            self.cancelled = "anna"
        elif self.order is not None and self.order.kind is Kind.RUN and chance() < 0.01:
            self._renew()
        if self.faulty:
            if chance() < (0.05 if self.withdrawn else 0.001):
                self.withdrawn = "" if self.withdrawn else "the site is not armed"
            if chance() < (0.05 if self.locks else 0.001):
                self.locks = () if self.locks else ("order 7: oil",)
            if chance() < 0.004:
                self._killed()

    def _file(self) -> None:
        sensible = SENSIBLE.get(self.engine.state) if self.random.random() < 0.7 else None
        kind = self.random.choice(sensible or list(Kind))
        by = BY_DISPATCH if kind in (Kind.RUN, Kind.RELEASE) or self.random.random() < 0.2 else "anna"
        power_w = self.random.choice([None, RATED_W * self.random.uniform(0, 1.1), 0.8 * RATED_W, 0.6 * RATED_W])
        if kind is Kind.RUN:
            power_w = 0.8 * RATED_W
        until_at = self.now_at + timedelta(minutes=self.random.randint(1, 40)) if kind is Kind.RUN else None
        self.order = Order(kind=kind, asked_by=by, reason="as asked", power_w=power_w, until_at=until_at)
        self.number += 1
        self.progress, self.cancelled = opened(self.now_at), ""
        self.referee.begun(self.now_at, self.number)

    def _renew(self) -> None:
        assert self.order is not None
        until_at = self.now_at + timedelta(minutes=self.random.randint(1, 20))
        power_w = RATED_W * self.random.uniform(0.3, 1)
        self.order = Order(kind=Kind.RUN, asked_by=BY_DISPATCH, power_w=power_w, until_at=until_at)

    def _killed(self) -> None:
        """The process dies: what remains is the journal."""
        self.recall = Recall.read(self.kept)
        if self.progress is not None:
            self.progress = Progress.read(json.loads(json.dumps(self.progress.document())))
        self.visited["killed"] += 1

    def _look(self) -> None:
        snapshot = self.engine.snapshot()
        view = View(now_at=self.now_at, snapshot=snapshot)
        self.recall.seen(snapshot, view.mode, view.engine, self.now_at)
        self.kept = json.loads(json.dumps(self.recall.document(self.now_at)))
        memory = self.recall.memory(self.now_at, self.locks)
        view = View(now_at=self.now_at, snapshot=snapshot, memory=memory, withdrawn=self.withdrawn,
                    cancelled=self.cancelled)  # fmt: skip
        self.referee.look(self.now_at, snapshot)
        if self.order is None or self.progress is None:
            return
        self.visited[f"{self.order.kind} {self.progress.step} x {self.engine.state}"] += 1
        self.progress, answer = advance(self.order, self.rules, self.progress, view)
        if isinstance(answer, Act):
            self._act(answer, view)
        elif isinstance(answer, Done | Failed):
            self.referee.ended(self.now_at, self.number, self.progress.opened_at, self.order.until_at)
            said = "done" if isinstance(answer, Done) else "refused" if answer.why.startswith("refused") else "failed"
            self.ends[f"{self.order.kind} {said}"] += 1
            self.order = self.progress = None

    def _act(self, answer: Act, view: View) -> None:
        assert self.progress is not None
        action = answer.action
        what, value = (str(action.key), None) if isinstance(action, Press) else ("power", action.power_pct)
        self.referee.action(self.now_at, self.number, what, value, permitted=not self.withdrawn, locks=bool(self.locks))
        self.recall.told(action, self.now_at, view.mode)
        self.kept = self.recall.document(self.now_at)
        if self.faulty and self.random.random() < 0.05:
            self._killed()
            if self.random.random() < 0.5:
                return  # committed, never told
        try:
            self.engine.press(what) if value is None else self.engine.set_power(value)
        except OSError:
            self.visited["wire error"] += 1


def walk(
    steps: int, seed: int, stretch: int = 2000, *, on_plant: bool = False
) -> tuple[list[str], Counter[str], Counter[str]]:
    """Walk in stretches, each a set of its own; breaches, what was visited, how sequences ended."""
    breaches: list[str] = []
    visited, ends = Counter[str](), Counter[str]()
    for part in range(-(-steps // stretch)):
        start_by = StartBy.MANUAL if part % 4 else StartBy.AUTO
        one = Walk(seed * 100_003 + part, start_by, on_plant=on_plant)
        for _ in range(min(stretch, steps - part * stretch)):
            one.step()
        breaches += [f"seed {one.seed} {start_by}: {breach}" for breach in one.referee.breaches]
        visited, ends = visited + one.visited, ends + one.ends
    return breaches, visited, ends


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    asked.add_argument("--steps", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--plant", action="store_true", help="on the virtual plant's physics, registers and shipped map")
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    began = time.perf_counter()
    breaches, visited, ends = walk(given.steps, given.seed, on_plant=given.plant)
    took_s = time.perf_counter() - began
    print(f"{given.steps} steps in {took_s:.1f} s, {len(visited)} pairs of step and engine state, "
          f"{sum(ends.values())} sequences ended, {visited['killed']} kills, {len(breaches)} breaches")  # fmt: skip
    for end, times in sorted(ends.items()):
        print(f"  {times:6d} {end}")
    for breach in breaches[:20]:
        print("BREACH", breach)
    if given.json:
        given.json.write_text(json.dumps({"steps": given.steps, "took_s": round(took_s, 1), "pairs": len(visited),
                                          "ends": dict(ends), "breaches": breaches}))  # fmt: skip
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
