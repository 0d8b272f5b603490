"""Why a weather document cannot be used, told apart by what helps: ask differently, or repair the parser.

A source that is busy or down is neither: that is `ems_pipeline.http.TransientError`, and asking again later helps.
"""

from __future__ import annotations

from functools import partial

from ems_pipeline import outside
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import LONGEST_PARAGRAPH, plain


class WeatherError(EmsError, ValueError):
    """Base of everything that keeps a weather document out; nothing of such a document is stored."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(plain(what, LONGEST_PARAGRAPH), plain(remedy, LONGEST_PARAGRAPH))


class MalformedWeather(WeatherError):
    """The document is not what the source promises: truncated, other units, values outside physics."""

    usual = "ask again or use another source"


class RejectedWeatherRequest(WeatherError):
    """The source understood us and refused (unknown variable, wrong place, no such model): asking again is useless."""

    usual = "check place and planes in the site file"


parser = partial(outside.parser, fault=MalformedWeather, spoken=WeatherError)
"""Decorator of every parser here, with its source: a document it stumbles over, whatever over, is malformed."""
