#!/bin/sh
# highspy 1.16.0: `Highs()` writes two lines about itself to standard output while it is made, so that no option can be set in time.
# HiGHS' own rule is that `output_flag` set to false before anything else is silent; it was, up to 1.15.1. A command that prints
# JSON has them before it, once a process. The base class `_Highs`, which enables no callbacks, stays silent.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat >"$folder/made.py" <<'EOF'
import sys
import highspy
highs = getattr(highspy, sys.argv[1])()
highs.setOptionValue("output_flag", False)
highs.setOptionValue("log_to_console", False)
highs.addVar(0.0, 1.0)
highs.run()
EOF
for version in 1.15.1 1.16.0; do
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "highspy==$version"
  for name in Highs _Highs; do
    "$folder/venv/bin/python" "$folder/made.py" "$name" >"$folder/$version-$name"
    echo "highspy $version, $name: $(wc -l <"$folder/$version-$name") lines on standard output"
  done
done
grep -q "Running HiGHS 1.16.0" "$folder/1.16.0-Highs" || { echo changed; exit 1; }
if [ -s "$folder/1.15.1-Highs" ] || [ -s "$folder/1.16.0-_Highs" ]; then echo changed; exit 1; fi
