"""`make mutants MODULE=market/tariff`: what survives is a place where a fault would not be noticed."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ems_pipeline_tests.mutation import judge
from ems_pipeline_tests.mutation.mutations import Mutation, mutations

ROOT = Path(__file__).parents[2]
SECOND_OPINION = [
    "plan/test_second_opinion.py", "plan/test_money_by_hand.py", "plan/test_states_by_hand.py",
    "plan/test_laws_at_their_edge.py", "plan/test_verify.py",
]  # fmt: skip
TESTS = {
    "plan/verifier/verify": SECOND_OPINION,
    "plan/verifier/devices": SECOND_OPINION,
    "plan/verifier/money": SECOND_OPINION,
    "plan/verifier/resimulate": SECOND_OPINION,
    "plan/result/money": SECOND_OPINION,
    "audit/settlement": ["audit/test_settlement.py"],
    "audit/baselines": ["audit/test_baselines.py"],
    "audit/scores": ["audit/test_scores.py"],
    "market/tariff": ["market/test_contracts.py", "market/test_announced.py", "market/test_tariff.py"],
    "market/bill": ["market/test_bill.py", "market/test_contracts.py", "market/test_tariff.py"],
    "control/envelope": ["control/test_envelope_by_hand.py", "control/test_envelope.py"],
    "control/lifecycle": ["control/test_lifecycle.py"],
    "devices/points/decoding": ["devices/test_decoding.py", "devices/test_codec.py"],
    "devices/modbus/high_words": ["devices/test_high_words.py"],
    "devices/points/growth": ["devices/test_growth.py"],
    "heat/cop": ["heat/test_cop.py"],
    "time_grid": ["test_time_grid.py"],
}
"""Modules that touch money or registers, with the tests that answer for them."""
FACTOR, GRACE_S = 5.0, 20.0
"""A break may take this many times as long as the module itself, and this much more, before it counts as noticed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("module", nargs="*", default=sorted(TESTS), help="such as market/tariff; all that are known")
    parser.add_argument("--tests", nargs="+", help="instead of the module's own, below ems_pipeline_tests/")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    given = parser.parse_args()
    for heavy in judge.HEAVY:
        importlib.import_module(heavy)
    scores = [_score(module.removesuffix(".py"), given.tests, given.processes) for module in given.module]
    killed, of = sum(s["value"] for s in scores), sum(s["reference"] for s in scores)
    print(f"all: {killed} of {of} noticed ({killed / max(of, 1):.1%})")
    if given.json:
        given.json.write_text(json.dumps(scores, indent=1), encoding="utf-8")
    return 0


def _score(module: str, tests: list[str] | None, processes: int) -> dict[str, object]:
    path = ROOT / "ems_pipeline" / f"{module}.py"
    if not path.is_file():
        sys.exit(f"there is no module {path.relative_to(ROOT)}; name one such as market/tariff")
    if (names := tests or TESTS.get(module)) is None:
        sys.exit(f"{module} has no tests of its own listed; name them: --tests plan/test_verify.py")
    name = "ems_pipeline." + module.replace("/", ".")
    where = [str(ROOT / "ems_pipeline_tests" / test) for test in names]
    source = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="ems-mutants-") as folder:
        began = time.monotonic()
        if judge.wait(judge.start(name, path, source, where, Path(folder)), 3600.0) != 0:
            sys.exit(f"the tests of {module} fail without any break: run pytest {' '.join(names)}")
        limit_s = (time.monotonic() - began) * FACTOR + GRACE_S
        broken = mutations(source)

        def survives(mutation: Mutation) -> bool:
            return judge.wait(judge.start(name, path, mutation.source, where, Path(folder)), limit_s) == 0

        survivors = []
        with ThreadPoolExecutor(processes) as threads:
            for done, (mutation, survived) in enumerate(zip(broken, threads.map(survives, broken), strict=True), 1):
                if survived:
                    survivors.append(mutation)
                    print(f"  {module}.py:{mutation.line}: {mutation.before}  ->  {mutation.after}", flush=True)
                if done % 25 == 0:
                    print(f"  {done}/{len(broken)}, {len(survivors)} not noticed", file=sys.stderr, flush=True)
    killed, of = len(broken) - len(survivors), len(broken)
    ratio = killed / max(of, 1)
    print(f"{module}: {killed} of {of} noticed ({ratio:.1%})", flush=True)
    return {"name": f"mutants/{module}", "value": killed, "unit": "noticed", "reference": of, "ratio": ratio}


if __name__ == "__main__":
    sys.exit(main())
