"""Sentences in the reader's language: English is what stands in the templates, others are catalogues beside this file.

Add a language as ``LANGUAGE.po`` here (`make words` makes and renews it); a test says which sentences it lacks.

    modes       modes of assets in people's words
    controllers words of controllers of generating sets
    sentences   what decisions say of themselves
    alarms      what an alarm is about, and what to do
"""

from __future__ import annotations

import io
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

HERE = Path(__file__).parent
SOURCE = "en"
COOKIE = "ems_language"


@cache
def languages() -> tuple[str, ...]:
    """Those there are, English first."""
    return (SOURCE, *sorted(file.stem for file in HERE.glob("*.po")))


def chosen(wanted: str | None, accepted: str) -> str:
    """The language of a reader: the one that was chosen on a page, else the browser's first that there is.

    Args:
        accepted: the header ``Accept-Language``.
    """
    if wanted in languages():
        return wanted
    asked = [part.partition(";")[0].strip() for part in accepted[:200].split(",")]
    return negotiate_locale(asked, languages(), sep="-") or SOURCE


@cache
def locale(language: str) -> Locale:
    """How a language writes numbers and dates."""
    # British, not American: a day stands before its month in every country that has our market zones.
    return Locale.parse("en_GB" if language == SOURCE else language)


@cache
def catalogue(language: str) -> NullTranslations:
    """The sentences of a language, read once."""
    if language == SOURCE:
        return NullTranslations()
    with (HERE / f"{language}.po").open("rb") as file:
        messages = read_po(file, language)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)
