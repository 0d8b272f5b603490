"""Faults on a live installation: what is lost, what is doubled, what stays broken?

    python benchmarks/chaos.py [--minutes 30] [--seed 1] [--calm 20] [--backfill DAYS] [--home FOLDER] [--json FILE]

`ems up` runs the armed demo site on its virtual plant. Every 40 to 90 seconds somebody is killed (SIGKILL), sometimes
two at once: the daemon, its fork server, the code server or the code it has loaded, the database (its postmaster or one
session), a run's worker in the middle of its work. Every other quarter-hour the kill waits until control is at work.
Then the installation is left alone for so many minutes as ``--calm`` says and judged (`chaos_laws.py`). Exit code 1
when a law is broken.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import cadence
import dagster as dg
from chaos_kills import Kill, Victims
from chaos_laws import Verdict, judge
from living import ROOT, Living, living

from ems_pipeline import time_grid
from ems_pipeline.orchestration import beats

PAUSE_S = (40.0, 90.0)
TWO_AT_ONCE = 0.15
AT_CONTROL = 0.6
"""Chance that a quarter-hour within the pause draws the kill to the middle of its control run."""
WEIGHTS = {
    "run worker": 4, "daemon": 3, "database": 3, "backend": 2, "code server": 2, "fork server": 2, "loaded code": 1,
}  # fmt: skip
CLOCK = time_grid.SystemClock()


def main() -> int:
    """Parse, start, kill, wait, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--calm", type=int, default=20, help="minutes without faults before the judgement")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backfill", type=int, default=0, metavar="DAYS", help="load through the queue beside it")
    parser.add_argument("--home", type=Path, help="keep the installation's folder here")
    parser.add_argument("--json", type=Path, help="write kills and verdicts here")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as temporary:
        folder = chosen.home or Path(temporary)
        notes = folder / "writes.jsonl"
        program = [sys.executable, str(ROOT / "benchmarks" / "noted_up.py"), str(notes)]
        with living(folder, history_days=max(2, chosen.backfill), program=program) as live:
            start = time_grid.floor_minute(CLOCK.now()) + time_grid.MINUTE
            CLOCK.wait_until(start)
            cadence.fill(live, chosen.backfill)
            kills = disturb(live, chosen.minutes, random.Random(chosen.seed))
            until = time_grid.floor_minute(CLOCK.now()) + (chosen.calm + 1) * time_grid.MINUTE
            print(f"calm until {until:%H:%M} UTC", flush=True)
            CLOCK.wait_until(until)
            verdicts = judge(live, kills, start, until - time_grid.MINUTE, notes)
            report(kills, verdicts, f"{chosen.minutes} minutes of faults, seed {chosen.seed}, from {start:%H:%M} UTC")
    if chosen.json:
        told = {"kills": [asdict(kill) for kill in kills], "laws": [asdict(verdict) for verdict in verdicts]}
        chosen.json.write_text(json.dumps(told, indent=1, default=str))
    return int(any(verdict.broken for verdict in verdicts))


def disturb(live: Living, minutes: int, chance: random.Random) -> list[Kill]:
    """Kill for so many minutes; who and when follows from the seed, what they were doing does not."""
    victims = Victims(live, chance)
    end = time.monotonic() + minutes * 60
    while True:
        if live.process.poll() is not None:
            raise RuntimeError(f"ems up itself ended:\n{(live.home / 'up.log').read_text()[-3000:]}")
        pause_s = chance.uniform(*PAUSE_S)
        names = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=1 + (chance.random() < TWO_AT_ONCE))
        drawn = chance.random() < AT_CONTROL
        if time.monotonic() + pause_s >= end:
            return victims.kills
        _wait(live, pause_s, drawn=drawn)
        for name in names:
            kill = victims.kill(name)
            print(f"killed: {kill.label} {kill.detail}" if kill else f"no {name} to kill", flush=True)


def _wait(live: Living, pause_s: float, *, drawn: bool) -> None:
    """The pause, or until the control run of a quarter-hour within it is at work."""
    until = CLOCK.now() + timedelta(seconds=pause_s)
    slot = time_grid.ceil_slot(CLOCK.now())
    if not drawn or slot > until:
        CLOCK.wait_until(until)
        return
    CLOCK.wait_until(slot)
    running = dg.RunsFilter(job_name=beats.CONTROL.job, statuses=[dg.DagsterRunStatus.STARTED])
    while CLOCK.now() < slot + timedelta(seconds=20):
        if live.instance.get_runs(running, limit=1):
            return
        time.sleep(0.05)


def report(kills: list[Kill], verdicts: list[Verdict], title: str) -> None:
    """The table of kills and what became of each law."""
    print(f"\n== {title}")
    print(f"{'when':>8}  {'killed':12} {'database back':>13} {'runs again':>10}")
    for kill in kills:
        back = [f"{at - kill.at:.1f} s" if at else "never" for at in (kill.database_back_at, kill.served_again_at)]
        when = time.strftime("%H:%M:%S", time.gmtime(kill.at))
        print(f"{when:>8}  {kill.what:12} {back[0]:>13} {back[1]:>10}  {kill.detail.strip()}")
    for verdict in verdicts:
        print(f"\n{'BROKEN' if verdict.broken else 'kept'}: {verdict.law}")
        for text in (*verdict.broken, *(f"({note})" for note in verdict.notes)):
            print(f"  {text}")
    print(f"\n{'some laws are BROKEN' if any(v.broken for v in verdicts) else 'every law was kept'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
