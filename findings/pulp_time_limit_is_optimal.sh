#!/bin/sh
# PuLP 3.3.2 with HiGHS 1.15.1: a solve that its time limit ended is told as "Optimal".
# A planner that checks `LpStatus[problem.status] == "Optimal"` (most examples do) takes a plan with any gap for the best one.
# Only `sol_status` differs: 2 (a solution was found) instead of 1. CVXPY 1.9.3 says "user_limit" for the same.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pulp==3.3.2 highspy==1.15.1
"$folder/venv/bin/python" -W ignore - <<'EOF'
import random
import pulp
random.seed(1)
problem = pulp.LpProblem("knapsacks", pulp.LpMaximize)
chosen = [pulp.LpVariable(f"x{i}", cat="Binary") for i in range(300)]
for _ in range(60):
    problem += pulp.lpSum(random.randint(100, 999) * x for x in chosen) <= 60000
problem += pulp.lpSum(random.randint(100, 999) * x for x in chosen)
problem.solve(pulp.HiGHS(msg=False, timeLimit=0.5))
gap = problem.solverModel.getInfo().mip_gap
seen = pulp.LpStatus[problem.status], pulp.LpSolution[problem.sol_status]
print(f"PuLP {pulp.__version__}: status and solution status {seen}, gap of the solver {gap:.3f}")
assert gap > 0.001, "solved within the limit here: nothing was shown"
assert seen == ("Optimal", "Solution Found"), "changed"
EOF
