#!/bin/sh
# LightGBM 4.7.0 trained on a table with named columns predicts another table by position: the same columns in another order give
# other numbers, without a warning, although the model keeps the names. predict(..., validate_features=True) refuses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'EOF'
import lightgbm
import numpy
import pandas
rng = numpy.random.default_rng(0)
weather = pandas.DataFrame(rng.normal(size=(2000, 2)), columns=["temperature_c", "wind_m_s"])
model = lightgbm.train({"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(weather, weather["temperature_c"] * 10), 30)
turned = weather[["wind_m_s", "temperature_c"]]
worst = float(abs(model.predict(turned) - model.predict(weather)).max())
try:
    model.predict(turned, validate_features=True)
    checked = "accepted"
except lightgbm.basic.LightGBMError:
    checked = "refused"
print(f"LightGBM {lightgbm.__version__}: names kept {model.feature_name()}; turned columns: differs by up to {worst:.1f}; validate_features: {checked}")
assert worst > 10 and checked == "refused", "changed"
EOF
