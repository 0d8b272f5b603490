#!/bin/sh
# pdfplumber 0.11.10: words that a program places one by one, with the width of a space between them and no space written, are one word
# up to 10 pt of print, because what divides words is 3 points by default, whatever the size: "Replace the filter" is "Replacethefilter". And
# what is printed twice a third of a point apart, as programs make bold, is read twice letter by letter: "50 h" is "5500 hh", another
# number. x_tolerance_ratio=0.15 and dedupe_chars() read both as they look; neither is on by default.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pdfplumber==0.11.10
"$folder/venv/bin/python" - "$folder/small.pdf" <<'EOF'
import sys

import pdfplumber

WIDTHS = {"R": 722, "l": 222, "i": 222, "t": 278, "f": 278, "r": 333, "c": 500}  # of Helvetica; 556 else, a space 278
SIZE = 10


def at(x, y, word):
    return f"BT /F1 {SIZE} Tf {x:.2f} {y} Td ({word}) Tj ET"


drawn, x = [], 50.0
for word in ("Replace", "the", "filter"):
    drawn.append(at(x, 700, word))
    x += (sum(WIDTHS.get(letter, 556) for letter in word) + 278) * SIZE / 1000
drawn += [at(50, 650, "50 h"), at(50.3, 650, "50 h")]
content = "\n".join(drawn)
objects = [
    "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
    f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
]
body, places = "%PDF-1.4\n", []
for number, said in enumerate(objects, start=1):
    places.append(len(body))
    body += f"{number} 0 obj\n{said}\nendobj\n"
begins = len(body)
body += "xref\n0 6\n0000000000 65535 f \n" + "".join(f"{place:010d} 00000 n \n" for place in places)
body += f"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{begins}\n%%EOF\n"
open(sys.argv[1], "wb").write(body.encode())
with pdfplumber.open(sys.argv[1]) as found:
    page = found.pages[0]
    usual = page.extract_text().splitlines()
    right = page.dedupe_chars().extract_text(x_tolerance_ratio=0.15).splitlines()
print("pdfplumber", pdfplumber.__version__, "by default:", usual, "with both:", right)
sys.exit(usual != ["Replacethefilter", "5500 hh"] or right != ["Replace the filter", "50 h"])
EOF
