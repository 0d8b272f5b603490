"""Reads one parameter of a query character by character, and says where and why it could not."""

from __future__ import annotations

import re
from typing import NoReturn

NAME = re.compile(r"[\w $]+(?:-(?!>)[\w $]+)*")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
FIELD_NAME = "field name (* or [a..z0..9_$])"


class BadQuery(ValueError):
    """A query that is not of the dialect; ``details`` says what was met and what was expected."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.message, self.details = message, details


class Reader:
    """A text and how far it has been read."""

    def __init__(self, what: str, text: str) -> None:
        self.what, self.text, self.at = what, text, 0

    def fail(self, expected: str) -> NoReturn:
        """Refuse the text at this place."""
        met = f'unexpected "{self.text[self.at]}"' if self.at < len(self.text) else "unexpected end of input"
        message = f'"failed to parse {self.what} ({self.text})" (line 1, column {self.at + 1})'
        raise BadQuery(message, f"{met} expecting {expected}")

    def sees(self, literal: str) -> bool:
        """Whether this comes next."""
        return self.text.startswith(literal, self.at)

    def takes(self, literal: str) -> bool:
        """Read this if it comes next."""
        if not self.sees(literal):
            return False
        self.at += len(literal)
        return True

    def needs(self, literal: str) -> None:
        """Read this, which has to come next."""
        if not self.takes(literal):
            self.fail(f'"{literal}"')

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what the pattern matches here, if it does."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def spaces(self) -> None:
        """Pass over blanks and tabs."""
        while self.takes(" ") or self.takes("\t"):
            pass

    def name(self) -> str:
        """A name, quoted or not."""
        if (quoted := self.quoted()) is not None:
            return quoted
        found = self.match(NAME)
        if found is None or not found[0].strip():
            self.fail(FIELD_NAME)
        return found[0].strip()

    def quoted(self) -> str | None:
        """A text in double quotes with backslashes taken away, if one comes next."""
        found = self.match(QUOTED)
        return None if found is None else ESCAPED.sub(r"\1", found[1])

    def rest(self) -> str:
        """Everything that is left."""
        left, self.at = self.text[self.at :], len(self.text)
        return left

    def ends(self, expected: str) -> None:
        """Demand that nothing is left."""
        if self.at < len(self.text):
            self.fail(expected)
