#!/bin/sh
# rainflow 3.2.0 (cycles of a battery's state of charge for its ageing): a missing value (NaN) is no error and is not left out, it hides
# the turns beside it: of two cycles of 60 % with a gap on the way down one is left, and one cycle with a gap on its way up is half a cycle of
# depth 0. A discharge given by its two ends is no cycle at all; with a point between them it is half a one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rainflow==3.2.0
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version
import rainflow
NAN = float("nan")

def cycles(*soc):
    return [(round(depth, 2), count) for depth, count in rainflow.count_cycles(soc)]

seen = {
    "whole": cycles(0.2, 0.8, 0.5, 0.2, 0.8, 0.2), "with a gap": cycles(0.2, 0.8, NAN, 0.2, 0.8, 0.2),
    "one with a gap": cycles(0.2, NAN, 0.8, 0.2), "two ends": cycles(1.0, 0.0), "three points": cycles(1.0, 0.5, 0.0),
}
print(f"rainflow {version('rainflow')}: {seen}")
assert list(seen.values()) == [[(0.6, 2.0)], [(0.6, 1.0)], [(0.0, 0.5)], [], [(1.0, 0.5)]], "changed"
END
