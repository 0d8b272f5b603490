#!/bin/sh
# Babel 2.19.0: parse_decimal() drops the group separator wherever it stands, so a number typed with the other decimal sign is
# read 10, 100 or 1000 times too large, without an error: "2.5" in German is 25, a price of "0.303" is 303, "2,5" in English is 25.
# In Czech, whose groups are spaces, "2.5" is 2.5. Only strict=True refuses, and it refuses none of the right ones.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0
"$folder/venv/bin/python" -W ignore - <<'EOF'
import babel
from babel.numbers import NumberFormatError, parse_decimal
typed = [("2.5", "de"), ("0.303", "de"), ("2,5", "en"), ("12,50", "en"), ("2.5", "cs")]
seen = [str(parse_decimal(text, locale=locale)) for text, locale in typed]
print(f"Babel {babel.__version__}:", dict(zip(typed, seen)))
assert seen == ["25", "303", "25", "1250", "2.5"], "changed"
def strict(text, locale):
    try:
        return str(parse_decimal(text, locale=locale, strict=True))
    except NumberFormatError:
        return "refused"
seen = [strict(*pair) for pair in typed] + [strict("1.234,5", "de"), strict("1,234.5", "en")]
print("strict:", seen)
assert seen == ["refused"] * 4 + ["2.5", "1234.5", "1234.5"], "changed"
EOF
