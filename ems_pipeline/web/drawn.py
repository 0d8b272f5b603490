"""The pictures of a page: `ems_pipeline.pictures` with the reader's words, wide for a desk and narrow for a phone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from babel import numbers
from markupsafe import Markup

from ems_pipeline.api.kept import Kept
from ems_pipeline.pictures.slot_chart import NARROW, WIDE, Form, Laid, SlotChart, laid
from ems_pipeline.pictures.words import Words
from ems_pipeline.web.said import Said

Texts = Mapping[str, str]
"""What a template calls the parts of a picture, by name: sentences of the pages stand in templates alone."""
OWN = ("now", "no_data", "clock", "unexplained", "reserve")
"""What pictures write of their own accord."""
Drawn = Callable[[Texts], Callable[[Form], Markup]]
"""Says what is shown, once, and then draws it in each form."""
BROAD = replace(WIDE, width=1080.0, panel_height=104.0)
"""Over the whole width of a page at a desk."""


def words(said: Said, texts: Texts) -> Words:
    """How a picture says numbers and days to a reader; ``texts`` may have those of `OWN`."""
    named = {name: texts[name] for name in OWN if name in texts}
    return Words(decimal=numbers.get_decimal_symbol(said.locale), day=said.day, **named)


def standing(kept: Kept[Any], key: Hashable | None, chart: Callable[[], SlotChart], moment: datetime | None) -> Markup:
    """A chart of what does not change under its key, drawn once but for the mark of the moment.

    Args:
        key: all that the drawing depends on but the moment; None: it is not kept.
    """
    found: Laid | None = kept.get(key)
    if found is None:
        found = laid(chart())
        if key is not None:
            kept.put(key, found, len(found))
    return found.at(moment)


def both(draw: Drawn) -> Callable[[Texts], Markup]:
    """For a template: the picture for a desk and the one for a phone, of which the style shows one."""

    def drawn(texts: Texts) -> Markup:
        picture = draw(texts)
        wide, narrow = picture(BROAD), picture(NARROW)
        return Markup('<div class="wide-picture">{}</div><div class="narrow-picture">{}</div>').format(wide, narrow)

    return drawn


def long(draw: Drawn) -> Callable[[Texts], Markup]:
    """For a template: one picture that a phone moves sideways, where there is too much for its width."""

    def drawn(texts: Texts) -> Markup:
        inside = Markup('<div class="long-picture scroll" tabindex="0" role="region" aria-label="{}">{}</div>')
        return inside.format(texts["title"], draw(texts)(BROAD))

    return drawn
