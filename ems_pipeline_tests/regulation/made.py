"""PDFs of a test, written byte by byte: lines of text at places, ruled tables, Cyrillic by names of glyphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, STEP = 595, 842, 50, 790, 18
CYRILLIC = {chr(0x410 + i): f"afii{10017 + i if i < 6 else 10018 + i}" for i in range(32)}
CYRILLIC |= {chr(0x430 + i): f"afii{10065 + i if i < 6 else 10066 + i}" for i in range(32)}
CYRILLIC |= {"Ё": "afii10023", "ё": "afii10071"}
CODES = {letter: 128 + i for i, letter in enumerate(CYRILLIC)}


def text(at: tuple[float, float], words: str) -> str:
    """One piece of text at a place."""
    hexadecimal = "".join(f"{CODES.get(one, ord(one)):02x}" for one in words)
    return f"BT /F1 9 Tf {at[0]} {at[1]} Td <{hexadecimal}> Tj ET"


def lines(words: Iterable[str], top: float = TOP) -> list[str]:
    """Lines below each other; an empty one leaves room."""
    return [text((LEFT, top - STEP * i), one) for i, one in enumerate(words) if one]


def table(rows: Sequence[Sequence[str]], top: float, widths: Sequence[int]) -> list[str]:
    """A ruled table; a row of one cell goes across all columns."""
    edges = [LEFT + sum(widths[:i]) for i in range(len(widths) + 1)]
    drawn = [f"{edges[0]} {top - STEP * i} m {edges[-1]} {top - STEP * i} l S" for i in range(len(rows) + 1)]
    for i, row in enumerate(rows):
        above, below = top - STEP * i, top - STEP * (i + 1)
        uprights = edges if len(row) > 1 else [edges[0], edges[-1]]
        drawn += [f"{x} {above} m {x} {below} l S" for x in uprights]
        drawn += [text((edges[j] + 3, below + 5), cell) for j, cell in enumerate(row) if cell]
    return drawn


def write(path: Path, pages: Sequence[Sequence[str]]) -> Path:
    """A file of pages of drawing commands."""
    differences = " ".join(["128", *(f"/{name}" for name in CYRILLIC.values())])
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{4 + 2 * i} 0 R' for i in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Plain "
        f"/FirstChar 32 /LastChar {127 + len(CODES)} /Widths [{' '.join(['500'] * (96 + len(CODES)))}] "
        f"/Encoding << /Type /Encoding /Differences [{differences}] >> >>",
    ]
    for i, drawn in enumerate(pages):
        content = "\n".join(drawn)
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, said in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{said}\nendobj\n"
    begins = len(body)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010d} 00000 n \n" for at in places)
    body += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{begins}\n%%EOF\n"
    path.write_bytes(body.encode("latin-1"))
    return path
