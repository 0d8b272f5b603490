"""Charts of slot series as SVG text: one look for the UI, the report and the documentation.

matplotlib is imported inside because it costs half a second and most processes never draw.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Values = Sequence[float | None]

COLOURS = {
    "buy": "#c0392b", "sell": "#d98880", "spot": "#7f8c8d", "pv": "#f1c40f", "pv forecast": "#b7950b",
    "load": "#34495e", "grid": "#7d3c98", "battery": "#27ae60", "ev": "#2980b9", "heat pump": "#e67e22",
    "soc": "#145a32", "indoor": "#d35400", "marginal value": "#8e44ad", "planned": "#95a5a6",
    "temperature": "#2e86c1", "p10": "#aab7b8", "p90": "#aab7b8",
}  # fmt: skip


LOOK = {"svg.fonttype": "none", "svg.hashsalt": "ems", "font.size": 8, "font.sans-serif": ["DejaVu Sans"]}


def slot_chart(
    starts: Sequence[datetime],
    panels: Mapping[str, Mapping[str, Values]],
    zone: ZoneInfo,
    width_in: float = 7.0,
    panel_in: float = 1.5,
) -> str:
    """One chart, panels above each other over a common local time axis.

    Args:
        starts: slot starts (UTC).
        panels: axis label with its unit, e.g. ``"power [kW]"``, to named series; None leaves a gap in the line.

    Returns:
        SVG text, typically 5-12 kB for a day; text stays text.
    """
    import matplotlib
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    with matplotlib.rc_context(LOOK):
        height_in = panel_in * len(panels) + 0.55
        figure = Figure(figsize=(width_in, height_in))
        # Fixed margins: an automatic layout draws everything twice to find the same ones.
        figure.subplots_adjust(
            left=0.62 / width_in, right=0.99, bottom=0.45 / height_in, top=1 - 0.18 / height_in, hspace=0.25
        )
        instants = date2num(list(starts))
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (label, series) in zip(axes, panels.items(), strict=True):
            for name, values in series.items():
                points = [float("nan") if v is None else round(v, 3) for v in values]
                axis.step(instants, points, where="post", label=name, linewidth=1.0, color=COLOURS.get(name))
            _dress(axis, label)
            axis.xaxis.set_visible(axis is axes[-1])  # the ticks of the others are a quarter of the drawing time
        locator = AutoDateLocator(tz=zone)
        axes[-1].xaxis.set_major_locator(locator)
        axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        return _svg(figure)


def _dress(axis: Any, label: str) -> None:
    axis.set_ylabel(label)
    axis.locator_params(axis="y", nbins=4)
    axis.spines[["top", "right"]].set_visible(False)
    axis.axhline(0, color="black", linewidth=0.4)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=9, fontsize=6, frameon=False, borderaxespad=0.1)


def _svg(figure: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(\d+\.\d)\d+", r"\1", text)  # a tenth of a point is finer than any screen
    text = re.sub(r' id="[a-z_2]+\.?[a-z]*_\d+"', "", text)
    text = re.sub(r"font-family: '[^;\"]*", "font-family: sans-serif", text)
    text = re.sub(r"; stroke-linecap: (?:square|butt)|; stroke-linejoin: miter", "", text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return re.sub(r'd="([^"]*)"', lambda match: f'd="{_shorter(match[1])}"', text)


def _shorter(path: str) -> str:
    """A path of steps in horizontal and vertical moves: a third of the bytes, the same picture."""
    if not re.fullmatch(r"(?:[ML] [-\d.]+ [-\d.]+\s*)+", path):
        return path
    parts: list[str] = []
    x = y = ""
    for move, to_x, to_y in re.findall(r"([ML]) ([-\d.]+) ([-\d.]+)", path):
        if move == "L" and to_y == y:
            parts.append(f"H{to_x}" if to_x != x else "")
        else:
            parts.append(f"V{to_y}" if move == "L" and to_x == x else f"{move}{to_x} {to_y}")
        x, y = to_x, to_y
    return "".join(parts)


def inline_image(svg: str, alt: str) -> str:
    """Markdown image with the SVG inside: the one form the Dagster UI shows."""
    return f"![{alt}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
