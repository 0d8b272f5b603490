#!/bin/sh
# pdfplumber 0.11.10: text that is turned by a quarter to the left, as heads of narrow columns are, comes back from extract_text() and
# extract_table() letter by letter backwards, figures too: a column "250 h" is "h 052", "1200" is "0021". Nothing warns of it. The same
# text turned to the right comes back as it stands. char_dir_rotated="btt" reads letters the right way, and lines still last to first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pdfplumber==0.11.10
"$folder/venv/bin/python" - "$folder/turned.pdf" <<'EOF'
import sys

import pdfplumber

LEFT, RIGHT = "0 1 -1 0 100 700", "0 -1 1 0 200 740"
drawn = "\n".join(f"BT /F1 9 Tf {turn} Tm ({word}) Tj ET" for turn, word in ((LEFT, "1200"), (RIGHT, "1500")))
objects = [
    "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
    f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
]
body, places = "%PDF-1.4\n", []
for number, said in enumerate(objects, start=1):
    places.append(len(body))
    body += f"{number} 0 obj\n{said}\nendobj\n"
begins = len(body)
body += "xref\n0 6\n0000000000 65535 f \n" + "".join(f"{at:010d} 00000 n \n" for at in places)
body += f"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{begins}\n%%EOF\n"
open(sys.argv[1], "wb").write(body.encode())
with pdfplumber.open(sys.argv[1]) as found:
    page = found.pages[0]
    left, right = page.crop((80, 0, 150, 842)), page.crop((150, 0, 300, 842))
    seen = {
        "to the left": left.extract_text(), "to the right": right.extract_text(),
        "to the left, btt": left.extract_text(char_dir_rotated="btt"),
    }
print("pdfplumber", pdfplumber.__version__, seen)
sys.exit(seen["to the left"].replace("\n", "") != "0021" or seen["to the left, btt"] != "1200")
EOF
