"""Sentences with places for figures: what writes one reads it back, so that it can be said in another language.

Why something was decided is stored as text, in English, beside the decision. A page in another language takes the
sentence apart by the pattern that made it and puts the figures into its own words: no second list of patterns.

    setpoints   what a set-point says of itself; the sentences of a plan are in `plan/wording`
    permits     why a site may not be told anything
    gensets     what a command to a generating set says of itself
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from types import ModuleType

FIGURE = r"-?\d[\d.]*(?:e[+-]?\d+)?(?: [^\s.;,:()]+)?"
"""A number, and its unit where it has one."""
WORDS = r".+?(?<![:,])"
"""Whatever is said in a place; what a colon or a comma stands behind is not all of it."""
END = r"(?=;? |$)"
SEPARATED = re.compile(";? |$")
"""One sentence from the next; the words of several who decide stand behind a semicolon."""
Told = tuple["Sentence", Mapping[str, str], str]
"""A sentence, what stands in its places, and what parts it from the next."""


@dataclass(frozen=True)
class Sentence:
    """English words with places: ``{paid}`` is a figure with its unit, ``{limits!s}`` whatever is said there.

    Called with what belongs into its places it is the text that is stored.
    """

    text: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What reads it back."""
        parts = [
            re.escape(words) + (f"(?P<{name}>{FIGURE if how is None else WORDS})" if name else "")
            for words, name, _, how in Formatter().parse(self.text)
        ]
        return re.compile("".join(parts) + END)

    @cached_property
    def begin(self) -> str:
        """Its words before the first place."""
        return next(iter(Formatter().parse(self.text)))[0]

    @cached_property
    def longest(self) -> str:
        """The longest words of it between two places."""
        return max((words for words, *_ in Formatter().parse(self.text)), key=len)

    def __call__(self, **values: str) -> str:
        return self.text.format(**values)

    @property
    def places(self) -> list[str]:
        """Names of its places."""
        return [name for _, name, _, _ in Formatter().parse(self.text) if name]

    def found(self, text: str, at: int) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Where it ends that begins there, and what stands in its places; what is said there may hold an end itself."""
        if (first := self.pattern.match(text, at)) is not None:
            yield first.end(), first.groupdict()
            if first.end() < len(text) and (whole := self.pattern.fullmatch(text, at)) is not None:
                yield whole.end(), whole.groupdict()


class Known:
    """Sentences that are read back from a text."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        self.sentences = list(dict.fromkeys(sentences))
        # What it begins with and its longest words are looked for before it is taken apart, which would be in vain.
        self._beginning: dict[str, list[tuple[str, str, Sentence]]] = {}
        for one in self.sentences:
            self._beginning.setdefault(one.begin[:1], []).append((one.begin, one.longest, one))

    def read(self, text: str) -> list[Told] | None:
        """The sentences of a text, one after the other; None where any of it is not known."""
        return self._read(text, 0)

    def whole(self, text: str) -> tuple[Sentence, Mapping[str, str]] | None:
        """The one sentence that a text is; of several that fit the one with most words of its own."""
        found = [
            (len(one.text), one, values)
            for one in self.sentences
            if text.startswith(one.begin) and one.longest in text
            for end, values in one.found(text, 0)
            if end == len(text)
        ]
        return max(found, key=lambda fits: fits[0])[1:] if found else None

    def _read(self, text: str, at: int) -> list[Told] | None:
        if at >= len(text):
            return []
        found = [
            (end, one, values)
            for begin, longest, one in (*self._beginning.get(text[at], ()), *self._beginning.get("", ()))
            if text.startswith(begin, at) and text.find(longest, at) >= 0
            for end, values in one.found(text, at)
        ]
        # One that begins with words of its own before one whose place takes whatever stands here. Then the one that
        # ends first: another would take the next sentence into its places; of two, the one that says more.
        for end, sentence, values in sorted(found, key=lambda one: (not one[1].begin, one[0], -len(one[1].text))):
            if (parted := SEPARATED.match(text, end)) is None:
                continue
            if (rest := self._read(text, parted.end())) is not None:
                return [(sentence, values, parted.group()), *rest]
        return None


def of(module: ModuleType) -> list[Sentence]:
    """All that a module names, by themselves or several together."""
    found = [tuple(value.values()) if isinstance(value, dict) else value for value in vars(module).values()]
    named = [value if isinstance(value, tuple) else (value,) for value in found]
    return [one for several in named for one in several if isinstance(one, Sentence)]
