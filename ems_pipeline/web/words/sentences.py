"""What decisions say of themselves, in the reader's language: taken apart by the sentences that wrote it.

A text is said as a whole or stays as it was written: half a sentence in each language helps nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from babel import numbers
from babel.core import Locale

from ems_pipeline.plan.wording import limits
from ems_pipeline.plan.wording import sentences as planned
from ems_pipeline.sentence import FIGURE, Known, Sentence, gensets, of, permits
from ems_pipeline.sentence import setpoints as told
from ems_pipeline.web import words
from ems_pipeline.web.words import controllers, modes


def _(text: str) -> str:
    """Marks a text for the catalogues."""
    return text


KNOWN = Known([*of(planned), *of(told), *of(permits), *of(gensets)])
OF_SETS = Known(of(gensets))
"""Those that hold words of controllers (`energised_to_stop`), which people read in English as well."""
LIMITS = Known(of(limits))
EVERY = (*KNOWN.sentences, *LIMITS.sentences)
"""Those that every language has words for."""
AND, OR = "; ", " or "
EITHER = _("or")
NUMBER = re.compile(FIGURE)
KEPT = 8192
"""Texts of some hundred bytes; a plan has two hundred, many of them alike."""


@lru_cache(KEPT)
def said(text: str, language: str) -> str:
    """A text in a language; as it was written where any of it is not known."""
    known = OF_SETS if language == words.SOURCE else KNOWN
    return _whole(text, language, known) or text


@lru_cache(KEPT)
def limited(text: str, language: str) -> str:
    """Names of the limits that bind, as `plan.solving.marginal` joins them."""
    return text if language == words.SOURCE else AND.join(_limit(one, language) for one in text.split(AND))


def _whole(text: str, language: str, known: Known = KNOWN) -> str | None:
    found = known.read(text)
    if not found:
        return None
    return "".join(_in_words(sentence, values, language, _place) + parted for sentence, values, parted in found)


def _limit(text: str, language: str) -> str:
    """One name; what it is of has names of its own."""
    found = LIMITS.whole(text)
    return text if found is None else _in_words(*found, language, _limit)


def _in_words(sentence: Sentence, values: Mapping[str, str], language: str, place: Callable[[str, str], str]) -> str:
    gettext = words.catalogue(language).gettext
    found = {name: controllers.in_place(gettext, name, value) for name, value in values.items()}
    in_places = {
        name: place(value, language) if (own := found[name]) is None else own for name, value in values.items()
    }
    return gettext(sentence.text).format(**in_places)


def _place(value: str, language: str) -> str:
    """What stands in a sentence: a figure, a mode, sentences again, actions of which one is chosen, limits, a name."""
    gettext = words.catalogue(language).gettext
    if NUMBER.fullmatch(value):
        return _figure(value, words.locale(language))
    if value in modes.SHORT:
        return modes.short(gettext, value)
    if (found := _whole(value, language)) is not None:
        return found
    actions = [_whole(action, language) for action in value.split(OR)]
    if None not in actions:
        return f" {gettext(EITHER)} ".join(map(str, actions))
    return limited(value, language)


@cache
def _decimal(locale: Locale) -> str:
    return str(numbers.get_decimal_symbol(locale))


def _figure(text: str, locale: Locale) -> str:
    """With the decimal sign of the language, and never apart from its unit."""
    return text.replace(".", _decimal(locale)).replace(" ", "\N{NO-BREAK SPACE}")
