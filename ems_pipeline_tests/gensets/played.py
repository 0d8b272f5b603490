"""One command played to its end on a set in the abstract, judged by the referee; killed where a test wants it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.gensets_engine import RATED_W, Engine
from benchmarks.gensets_referee import Referee
from ems_pipeline.gensets.sequence.advance import advance, opened
from ems_pipeline.gensets.sequence.keys import Key, Press
from ems_pipeline.gensets.sequence.order import BY_DISPATCH, Kind, Order
from ems_pipeline.gensets.sequence.progress import Act, Done, Failed, Progress
from ems_pipeline.gensets.sequence.recall import Recall
from ems_pipeline.gensets.sequence.rules import Rules, StartBy
from ems_pipeline.gensets.sequence.view import View
from ems_pipeline.gensets.states import BreakerState, EngineState
from ems_pipeline.web.words.sentences import KNOWN

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOOK_S = 2
LONGEST = timedelta(hours=3)
Meddle = Callable[["Play"], None]


@dataclass
class Play:
    """A set, a command, and what has come of it."""

    start_by: StartBy = StartBy.MANUAL
    engine: Engine = field(default_factory=lambda: Engine(random.Random(1), NOON))
    recall: Recall = field(default_factory=Recall)
    locks: tuple[str, ...] = ()
    withdrawn: str = ""
    cancelled: str = ""
    told: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    end: Done | Failed | None = None
    progress: Progress | None = None
    rules: Rules | None = None

    def __post_init__(self) -> None:
        self.rules = self.rules or Rules(start_by=self.start_by, rated_power_w=RATED_W, default_power_pct=100)
        self.referee = Referee(self.start_by is StartBy.MANUAL)

    def view(self) -> View:
        snapshot = self.engine.snapshot()
        seen = View(now_at=self.engine.at, snapshot=snapshot)
        self.recall.seen(snapshot, seen.mode, seen.engine, self.engine.at)
        self.referee.look(self.engine.at, snapshot)
        memory = self.recall.memory(self.engine.at, self.locks)
        return View(now_at=self.engine.at, snapshot=snapshot, memory=memory, withdrawn=self.withdrawn,
                    cancelled=self.cancelled)  # fmt: skip

    def play(
        self, order: Order, meddle: Meddle | None = None, lose: Collection[int] = (), kill: Collection[int] = ()
    ) -> Done | Failed:
        """To its end. ``kill``: actions after whose commit the process dies; ``lose``: those that were never told."""
        assert self.rules is not None
        self.progress, self.end, opened_at = opened(self.engine.at), None, self.engine.at
        number = len(self.told) + 1000 * len(self.steps) + 1
        self.view()
        self.referee.begun(self.engine.at, number)
        first = len(self.told)
        while self.end is None:
            assert self.engine.at < opened_at + LONGEST, f"{order.kind} has no end: {self.steps}"
            self.engine.pass_time(LOOK_S)
            if meddle is not None:
                meddle(self)
            self.progress, answer = advance(order, self.rules, self.progress, view := self.view())
            if not self.steps or self.steps[-1] != self.progress.step:
                self.steps.append(str(self.progress.step))
            if isinstance(answer, Done | Failed):
                self.end = answer
            elif isinstance(answer, Act):
                self._act(answer, view, number, len(self.told) - first in lose)
                if len(self.told) - first - 1 in kill:
                    self.restart()
        self.referee.ended(self.engine.at, number, opened_at, order.until_at)
        said = self.end.note if isinstance(self.end, Done) else self.end.why
        assert KNOWN.read(said) is not None, f"{said}: no sentence has it, so that it cannot be said in Czech"
        return self.end

    def _act(self, answer: Act, view: View, number: int, is_lost: bool) -> None:
        action = answer.action
        what, value = (str(action.key), None) if isinstance(action, Press) else ("power", action.power_pct)
        self.referee.action(self.engine.at, number, what, value, permitted=not self.withdrawn, locks=bool(self.locks))
        self.recall.told(action, self.engine.at, view.mode)
        self.told.append(what if value is None else f"{value:g} %")
        if is_lost:
            return
        try:
            self.engine.press(what) if value is None else self.engine.set_power(value)
        except OSError:
            self.told[-1] += " (not echoed)"

    def restart(self) -> None:
        """The process dies, and another one reads what was committed."""
        assert self.progress is not None
        self.progress = Progress.read(json.loads(json.dumps(self.progress.document())))
        self.recall = Recall.read(json.loads(json.dumps(self.recall.document(self.engine.at))))


def order(kind: Kind, power_kw: float | None = None, minutes: int | None = None, by: str = "anna") -> Order:
    until_at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return Order(
        kind=kind, asked_by=BY_DISPATCH if kind is Kind.RUN and by == "anna" else by, reason="as asked",
        power_w=None if power_kw is None else power_kw * 1000, until_at=until_at,
    )  # fmt: skip


def running(start_by: StartBy = StartBy.MANUAL, power_pct: float = 80.0) -> Play:
    """A set on load: of ours in MANUAL, of its master in AUTO."""
    play = Play(start_by)
    engine = play.engine
    engine.state, engine.breaker, engine.power_pct, engine.target_pct = (
        EngineState.RUNNING, BreakerState.CLOSED, power_pct, power_pct)  # fmt: skip
    if start_by is StartBy.MANUAL:
        play.recall.told(Press(Key.MANUAL), NOON, None)
        play.referee.owned.add("manual")
        play.referee.told.append((NOON, 0, "manual"))
        engine.mode = "manual"
    else:
        engine.requested = True
    play.view()
    return play
