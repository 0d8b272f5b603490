"""Why a weather document cannot be used, told apart by what helps: ask differently, or repair the parser.

A source that is busy or down is neither: that is `ems_pipeline.http.TransientError`, and asking again later helps.
"""

from __future__ import annotations


class WeatherError(ValueError):
    """Base of everything that keeps a weather document out; nothing of such a document is stored."""


class MalformedWeather(WeatherError):
    """The document is not what the source promises: truncated, other units, values outside physics."""


class RejectedWeatherRequest(WeatherError):
    """The source understood us and refused (unknown variable, wrong place, no such model): asking again is useless."""
