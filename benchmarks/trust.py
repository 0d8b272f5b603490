"""What happens to a house when something happens to `ems up`: are its devices let go in time, and how often told?

    python benchmarks/trust.py [--only killed,moved] [--home FOLDER] [--json FILE]

A virtual plant in a process of its own notes every value a register is told. A site on it is armed and steered by
`ems up --no-plant`; while a device holds something of ours the supervisor is killed, restarted, cut off with everything
else, disarmed, started twice, told to reload broken code, its gateway moved, a device and the site renamed, and memory
runs out (`trust_memory.py`). Exit code 1 when a law (`trust_laws.py`) is broken. All of it takes about half an hour;
times are real: what ends is waited for.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import tempfile
from pathlib import Path

import trust_cases
import trust_changes
import trust_memory
from trust_house import KEY, House, house
from trust_laws import Case, prepare

CASES = {**trust_cases.CASES, **trust_memory.CASES, **trust_changes.CASES}


def main() -> int:
    """Parse, go through the situations, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--home", type=Path, help="keep the installation's folder here")
    parser.add_argument("--json", type=Path, help="write what was seen here")
    chosen = parser.parse_args()
    names = chosen.only.split(",")
    if unknown := set(names) - set(CASES):
        parser.error(f"--only: no situation is called {sorted(unknown)}; there are {', '.join(CASES)}")
    cases = []
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as temporary:
        print("a plant, a home with a past, a plan", flush=True)
        with house(chosen.home or Path(temporary)) as made:
            learn_rest(made)
            for name in names:
                cases.append(seen(made, name))
                report(cases[-1])
    if chosen.json:
        told = [{k: v for k, v in vars(case).items() if k != "house"} for case in cases]
        chosen.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    broken = [case.name for case in cases if case.broken]
    print(f"\n{'BROKEN: ' + ', '.join(broken) if broken else 'every law was kept'}", flush=True)
    return int(bool(broken))


def learn_rest(made: House) -> None:
    """What each device holds once it was told something and let go."""
    made.start()
    print(f"  ems status says:\n{made.ems('status')}", flush=True)
    made.ems("control", "arm", KEY, "--days", "1")
    made.steer(10)
    made.wish_nothing()
    made.ems("release", KEY, "--every-device")
    made.rest = {device: points for device, points in made.plant.image().items() if points}


def seen(made: House, name: str) -> Case:
    """Go through one situation; what stops it is a broken law of its own."""
    case = Case(name, inspect.getdoc(CASES[name]) or "", made)
    print(f"\n== {name}: {case.what}", flush=True)
    former = made.site_file.read_text(encoding="utf-8")
    try:
        prepare(made)
        CASES[name](made, case)
    except trust_memory.Unavailable as reason:
        case.note(f"skipped: {reason}")
    except Exception as error:
        case.broken.append(f"{type(error).__name__}: {error}")
    case.count()
    if made.site_file.read_text(encoding="utf-8") != former:
        made.stop()
        made.site_file.write_text(former, encoding="utf-8")
    made.wish_nothing()
    return case


def report(case: Case) -> None:
    """What became of a situation."""
    for took, within in zip(case.let_go_s, case.within_s, strict=True):
        print(f"  let go after {took:.1f} s, of {within:.0f} s allowed")
    registers = case.counted.values()
    print(f"  {sum(registers)} values to {len(registers)} registers, each at most {max(registers, default=0)} times")
    for text in case.notes:
        print(f"  ({text})")
    for line in case.told_people:
        print(f"  people are told: {line}")
    print("  kept" if not case.broken else "".join(f"  BROKEN: {law}\n" for law in case.broken), flush=True)


if __name__ == "__main__":
    sys.exit(main())
