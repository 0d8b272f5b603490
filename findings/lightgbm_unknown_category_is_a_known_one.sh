#!/bin/sh
# LightGBM 4.7.0: a value of a categorical feature that training never saw (a new kind of day, a new device), a missing one and
# a negative one all get the forecast of one of the known categories, here exactly that of category 0, without a warning; a number
# between two codes is cut: 2.7 is category 2. Nothing tells them from real ones.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0
"$folder/venv/bin/python" -W ignore - <<'EOF'
import lightgbm
import numpy
kinds = numpy.array([0, 1, 2, 3] * 500).reshape(-1, 1)
load = numpy.array([0.0, 10.0, 20.0, 30.0] * 500)
options = {"verbosity": -1, "num_threads": 1, "min_data_per_group": 1, "cat_smooth": 0, "seed": 1}
model = lightgbm.train(options, lightgbm.Dataset(kinds, load, categorical_feature=[0]), 100)
seen = model.predict([[0], [1], [2], [3], [7], [float("nan")], [-1], [2.7]]).round(2).tolist()
print(f"LightGBM {lightgbm.__version__}: categories 0..3 are {seen[:4]}; unknown 7, missing, -1, 2.7 are {seen[4:]}")
assert numpy.allclose(seen, [0, 10, 20, 30, 0, 0, 0, 20], atol=0.1), "changed"
EOF
